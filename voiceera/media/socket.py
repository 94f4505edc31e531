"""One carrier's media socket: the `Line` of one call. What goes wrong on it closes it, and nothing else."""

import asyncio
from collections.abc import Callable
from enum import Enum

from picows import WSCloseCode, WSFrame, WSMsgType, WSTransport

from voiceera.clock import monotonic
from voiceera.engine.line import LiveCall
from voiceera.log import get_logger
from voiceera.media.dialects.dialect import Dialect, Digit, Event, Garbage, Played, Started, Stopped
from voiceera.media.door import Visitor
from voiceera.rules.audio import ULAW_8K, AudioFormat
from voiceera.rules.calls import CallResult

START_SECONDS = 5.0
"""How long a socket may stay without a start."""
STALLED_SECONDS = 5.0
"""How long a carrier may not read what we send."""
FLOOD_FRAMES, FLOOD_SECONDS = 512, 1.0
"""Ten seconds of sound in one: no network stall makes that of a call that is still alive."""
LINGER_SECONDS = 1.0
"""How long a closing handshake may take."""

log = get_logger("media")


class _State(Enum):
    WAITING = "waiting for the start"
    LIVE = "live"
    CLOSED = "closed"


class MediaSocket(Visitor):
    """Let in with `begin`, which starts the call when the carrier says how the line sounds. `on_gone` is called once,
    when the socket is gone (or never came), with the call if one was started."""

    def __init__(
        self,
        dialect: Dialect,
        begin: Callable[["MediaSocket", Started], LiveCall],
        on_gone: Callable[["MediaSocket", LiveCall | None], None],
    ) -> None:
        self.audio_format: AudioFormat = ULAW_8K
        self._dialect = dialect
        self._begin = begin
        self._on_gone = on_gone
        self._state = _State.WAITING
        self._is_gone = False
        self._call: LiveCall | None = None
        self._transport: WSTransport | None = None
        self._too_late: asyncio.TimerHandle | None = None
        self._frames = 0
        self._counted_at = 0.0

    # ── the line, as the engine sees it ──────────────────────────────────────────────────────────────────────────

    def send_audio(self, audio: bytes) -> None:
        if self._state is _State.LIVE and self._transport is not None:
            message = self._dialect.audio(audio)
            if message:
                self._transport.send(WSMsgType.TEXT, message)

    def flush(self) -> None:
        if self._state is _State.LIVE and self._transport is not None and (rest := self._dialect.flush()):
            self._transport.send(WSMsgType.TEXT, rest)

    def clear(self) -> None:
        if self._state is _State.LIVE and self._transport is not None:
            self._transport.send(WSMsgType.TEXT, self._dialect.clear())

    def mark(self, name: str) -> None:
        if self._state is _State.LIVE and self._transport is not None:
            self.flush()
            self._transport.send(WSMsgType.TEXT, self._dialect.mark(name))

    def over(self, result: CallResult) -> None:
        """The conversation is over and written down."""
        self.hang_up()

    def hang_up(self) -> None:
        """The stream is the call's only instruction, so its end is the call's."""
        self._close(WSCloseCode.OK)

    # ── the socket, as picows sees it ────────────────────────────────────────────────────────────────────────────

    def never_came(self) -> None:
        self._gone()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._counted_at = monotonic()
        loop = asyncio.get_running_loop()
        self._too_late = loop.call_later(START_SECONDS, self._refuse, "no start", WSCloseCode.POLICY_VIOLATION)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._state is _State.CLOSED:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.disconnect()
            return
        if frame.msg_type != WSMsgType.TEXT or not frame.fin:
            self._other_frame(frame)
            return
        self._frames += 1
        if self._frames % FLOOD_FRAMES == 0 and self._is_flooded():
            self._refuse("more frames than a call has", WSCloseCode.POLICY_VIOLATION)
            return
        try:
            event = self._dialect.read(frame.get_payload_as_memoryview())
        except Garbage as garbage:
            self._refuse(str(garbage), WSCloseCode.INVALID_TEXT)
            return
        if type(event) is bytes:
            if self._call is not None:
                self._call.on_audio(event)
        elif event is not None:
            self._on_event(event)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._gone()

    def pause_writing(self) -> None:
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        self._too_late = loop.call_later(STALLED_SECONDS, self._refuse, "not read", WSCloseCode.POLICY_VIOLATION)

    def resume_writing(self) -> None:
        self._cancel_timer()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _on_event(self, event: Event) -> None:
        match event:
            case Started():
                self._cancel_timer()
                self.audio_format = event.audio_format
                self._state = _State.LIVE
                self._call = self._begin(self, event)
            case Digit(digit) if self._call is not None:
                self._call.on_digit(digit)
            case Played(mark) if self._call is not None:
                self._call.on_mark(mark)
            case Stopped():
                self._close(WSCloseCode.OK)

    def _other_frame(self, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self._close(WSCloseCode.OK)
        elif frame.msg_type not in (WSMsgType.PING, WSMsgType.PONG):
            self._refuse("not one whole text message", WSCloseCode.UNSUPPORTED_DATA)

    def _is_flooded(self) -> bool:
        before, self._counted_at = self._counted_at, monotonic()
        return self._counted_at - before < FLOOD_SECONDS

    def _refuse(self, why: str, code: WSCloseCode) -> None:
        log.warning("media_socket_refused", why=why)
        self._close(code)

    def _close(self, code: WSCloseCode) -> None:
        if self._state is _State.CLOSED:
            return
        self._state = _State.CLOSED
        self._cancel_timer()
        if self._transport is not None:
            self._transport.send_close(code)
            self._transport.disconnect()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.disconnect, False)

    def _gone(self) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        self._state = _State.CLOSED
        self._cancel_timer()
        self._transport = None
        call, self._call = self._call, None
        if call is not None:
            call.on_closed()
        self._on_gone(self, call)

    def _cancel_timer(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None
