"""The voice WebSocket: a browser's or a program's call. The `Line` of one call, and its `CallObserver` at once.

Whoever opens it is a stranger until the first message says who they are. What goes wrong on it closes it, and nothing
else. Close codes: 1000 over, 1008 not authorized or not this protocol, 1011 our fault, 4408 no auth in time.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import cast

from picows import WSCloseCode, WSFrame, WSMsgType, WSTransport

from voiceera.clock import monotonic
from voiceera.engine.line import LiveCall
from voiceera.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
    VoiceEraError,
)
from voiceera.log import get_logger
from voiceera.media import voice_wire as wire
from voiceera.media.dialects.dialect import Garbage
from voiceera.media.door import Visitor
from voiceera.rules.audio import L16_16K, AudioFormat
from voiceera.rules.calls import CallBrief, CallResult, HangupCause, ToolUse, TurnRecord
from voiceera.rules.turn_state import Floor
from voiceera.services.browser_calls import Wanted

AUTH_SECONDS = 5.0
"""How long a socket may stay without an auth message."""
NO_AUTH = 4408
STALLED_SECONDS = 5.0
"""How long the other side may not read what we send."""
FLOOD_MESSAGES, FLOOD_SECONDS = 512, 1.0
MOST_AHEAD_SECONDS = 10.0
"""How much more sound may come than time has gone by: a network stall, and not a file sent at once."""
LINGER_SECONDS = 1.0
"""How long a closing handshake may take."""
MOST_METADATA = 20
"""Messages of it, for each call."""
_BYTES_PER_SECOND = L16_16K.sample_rate * L16_16K.bytes_per_sample
_NOT_AUTHORIZED = (Unauthenticated, Forbidden, NotFound, Conflict, Invalid, TooMany)

log = get_logger("media")


class _State(Enum):
    STRANGER = "waiting for the auth message"
    ASKING = "who it is, is being looked up"
    LIVE = "live"
    CLOSED = "closed"


class VoiceSocket(Visitor):
    """`on_auth(socket, wanted)` is called once, for the auth message; it ends in `begin` or `turn_away`.
    `on_metadata(brief, values)` is what the client tells of itself. `on_gone(socket, call)` is called once, when the
    socket is gone (or never came), with the call if one was begun."""

    audio_format: AudioFormat = L16_16K

    def __init__(
        self,
        on_auth: Callable[["VoiceSocket", Wanted], None],
        on_metadata: Callable[[CallBrief, dict[str, str]], None],
        on_gone: Callable[["VoiceSocket"], None],
    ) -> None:
        self._on_auth = on_auth
        self._on_metadata = on_metadata
        self._on_gone = on_gone
        self._state = _State.STRANGER
        self.is_gone = False
        self._brief: CallBrief | None = None
        self._call: LiveCall | None = None
        self._sound: wire.Sound | None = None
        """None: sound goes out as binary messages."""
        self._is_paused = False
        self._transport: WSTransport | None = None
        self._too_late: asyncio.TimerHandle | None = None
        self._close_code = WSCloseCode.OK
        self._messages = 0
        self._counted_at = 0.0
        self._heard_until = 0.0
        self._metadata = 0
        self._rest = b""
        self._wants_binary = False

    # ── who it is ────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, brief: CallBrief, start: Callable[[], LiveCall]) -> None:
        """They may, and this is their call. `start` begins the conversation; what it raises goes through."""
        self._brief, self._state = brief, _State.LIVE
        self._sound = None if self._wants_binary else wire.Sound(brief.call_id)
        self._heard_until = monotonic()
        self._call = start()
        self._say(wire.accepted(brief))
        self._say(wire.ready(brief))
        self._say(wire.floor(Floor.LISTENING))

    def turn_away(self, refusal: VoiceEraError) -> None:
        self._say(wire.turned_away(refusal))
        is_theirs = isinstance(refusal, _NOT_AUTHORIZED)
        self._close(WSCloseCode.POLICY_VIOLATION if is_theirs else WSCloseCode.INTERNAL_ERROR)

    # ── the line, as the engine sees it ──────────────────────────────────────────────────────────────────────────

    def send_audio(self, audio: bytes) -> None:
        if self._state is _State.LIVE and self._transport is not None:
            if self._sound is None:
                self._transport.send(WSMsgType.BINARY, audio)
            else:
                self._transport.send(WSMsgType.TEXT, self._sound.message(audio))

    def flush(self) -> None:
        """Nothing ever waits."""

    def clear(self) -> None:
        self._tell(wire.INTERRUPTED)

    def mark(self, name: str) -> None:
        self._tell(wire.mark(name))

    def over(self, result: CallResult) -> None:
        """The conversation is over and written down."""
        if (why := wire.failed(result)) is not None:
            self._tell(why)
        if result.cause is HangupCause.ERROR:
            self._close_code = WSCloseCode.INTERNAL_ERROR
        self._tell(wire.over(result))
        self.hang_up()

    def hang_up(self) -> None:
        self._close(self._close_code)

    def close(self) -> None:
        """The process goes down."""
        self.turn_away(FULL)

    # ── who follows the call ─────────────────────────────────────────────────────────────────────────────────────

    def turn(self, index: int, turn: TurnRecord) -> None:
        self._tell(wire.turn(index, turn))

    def partial(self, text: str) -> None:
        self._tell(wire.partial(text))

    def speaking(self, text: str) -> None:
        self._tell(wire.speaking(text))

    def floor(self, floor: Floor) -> None:
        if floor is not Floor.ENDED:  # said with its cause, by `over`
            self._tell(wire.floor(floor))

    def tool(self, use: ToolUse) -> None:
        """How an agent does what it does is its owner's business, not the caller's."""

    # ── the socket, as picows sees it ────────────────────────────────────────────────────────────────────────────

    def never_came(self) -> None:
        self._gone()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._counted_at = monotonic()
        self._too_late = asyncio.get_running_loop().call_later(AUTH_SECONDS, self._no_auth)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._state is _State.CLOSED:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.disconnect()
            return
        if frame.msg_type == WSMsgType.CLOSE:
            self._close(WSCloseCode.OK)
            return
        if frame.msg_type in (WSMsgType.PING, WSMsgType.PONG):
            return
        self._messages += 1
        if self._messages % FLOOD_MESSAGES == 0 and self._is_flooded():
            self._refuse("more messages than a call has")
            return
        try:
            self._take(frame)
        except Garbage as garbage:
            self._refuse(str(garbage))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._gone()

    def pause_writing(self) -> None:
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        self._too_late = loop.call_later(STALLED_SECONDS, self._refuse, "what is sent is not read")

    def resume_writing(self) -> None:
        self._cancel_timer()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, frame: WSFrame) -> None:
        """Raises Garbage."""
        if not frame.fin or frame.msg_type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            raise Garbage("not one whole message")
        if frame.msg_type == WSMsgType.BINARY:
            self._hear(frame.get_payload_as_bytes())
            return
        message = wire.read(frame.get_payload_as_memoryview())
        if isinstance(message, wire.Audio):
            self._hear(message.data)
        elif isinstance(message, wire.Auth):
            self._ask(message)
        elif self._state is _State.LIVE and self._call is not None:
            self._obey(message, self._call)

    def _ask(self, auth: wire.Auth) -> None:
        if self._state is not _State.STRANGER:
            raise Garbage("a second auth message")
        variables = wire.named(auth.variables)
        self._cancel_timer()
        self._state = _State.ASKING
        self._wants_binary = auth.audio == "binary"
        self._on_auth(self, Wanted(auth.token, auth.agent_id, variables, auth.as_if_rung))

    def _hear(self, sound: bytes) -> None:
        """Sound of any length; the engine gets it in frames. Nobody listens before the call begins, or on hold."""
        if self._state is _State.STRANGER:
            raise Garbage("sound before auth")
        if len(sound) % 2:
            raise Garbage("half a sample")
        if self._state is not _State.LIVE or self._call is None:
            return
        now = monotonic()
        self._heard_until = max(self._heard_until, now - MOST_AHEAD_SECONDS) + len(sound) / _BYTES_PER_SECOND
        if self._heard_until > now + MOST_AHEAD_SECONDS:
            raise Garbage("sound faster than time")
        if self._is_paused:
            return
        sound, size = self._rest + sound, self.audio_format.frame_bytes
        whole = len(sound) - len(sound) % size
        for start in range(0, whole, size):
            self._call.on_audio(sound[start : start + size])
        self._rest = sound[whole:]

    def _obey(self, message: wire.Message, call: LiveCall) -> None:
        match message:
            case wire.Control("pause") if not self._is_paused:
                self._is_paused, self._rest = True, b""
                call.hold()
                self._tell(wire.PAUSED)
            case wire.Control("resume") if self._is_paused:
                self._is_paused = False
                call.release()
            case wire.Control("end"):
                call.request_hangup(HangupCause.CALLER_HUNG_UP)
            case wire.Dtmf(digit):
                call.on_digit(digit)
            case wire.Mark(name):
                call.on_mark(name)
            case wire.Metadata(metadata) if self._brief is not None:
                self._metadata += 1
                if self._metadata > MOST_METADATA:
                    self._tell(wire.error(Invalid("There is too much metadata; this was not kept.")))
                else:
                    self._on_metadata(self._brief, wire.named(metadata))

    def _is_flooded(self) -> bool:
        before, self._counted_at = self._counted_at, monotonic()
        return self._counted_at - before < FLOOD_SECONDS

    def _no_auth(self) -> None:
        self._say(wire.error(Unauthenticated("AUTH_003", "No auth message came in time.")))
        self._close(NO_AUTH)

    def _refuse(self, why: str) -> None:
        log.warning("voice_socket_refused", why=why)
        self._say(wire.error(Invalid(f"This socket is closed: {why}.")))
        self._close(WSCloseCode.POLICY_VIOLATION)

    def _tell(self, message: bytes) -> None:
        if self._state is _State.LIVE:
            self._say(message)

    def _say(self, message: bytes) -> None:
        if self._state is not _State.CLOSED and self._transport is not None:
            self._transport.send(WSMsgType.TEXT, message)

    def _close(self, code: WSCloseCode | int) -> None:
        if self._state is _State.CLOSED:
            return
        self._state = _State.CLOSED
        self._cancel_timer()
        if self._transport is not None:
            self._transport.send_close(cast(WSCloseCode, code))
            self._transport.disconnect()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.disconnect, False)

    def _gone(self) -> None:
        if self.is_gone:
            return
        self.is_gone, self._state = True, _State.CLOSED
        self._cancel_timer()
        self._transport = None
        call, self._call = self._call, None
        if call is not None:
            call.on_closed()
        self._on_gone(self)

    def _cancel_timer(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


FULL = Unavailable("All seats are taken; try again in a moment.")
AWAY = Unavailable("The platform cannot look up who you are; try again in a moment.")
