"""The carrier's end of a media socket: real-time sound both ways, in the words of the call's vendor."""

import asyncio
import time
from collections.abc import Callable, Mapping

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from voiceera.lab.dialect import BadMessage, Clear, Mark, Play, Wire
from voiceera.lab.ear import Ear
from voiceera.lab.instructions import Keys
from voiceera.lab.mouth import Mouth
from voiceera.lab.playout import Playout

_MAX_MESSAGE = 2 * 1024 * 1024


class MediaSocket(WSListener):
    """One stream of one call. It is turned by the wheel; `closed` is set when the agent's side is gone."""

    def __init__(self, wire: Wire, mouth: Mouth, playout: Playout) -> None:
        super().__init__()
        self.closed = asyncio.Event()
        self.ear: Ear | None = None
        self.on_clear: Callable[[float], None] | None = None
        self.on_keys: Callable[[str], None] | None = None
        self.bad_messages = 0
        self._wire = wire
        self._mouth = mouth
        self._playout = playout
        self._transport: WSTransport | None = None
        self._clock_offset = time.time() - asyncio.get_running_loop().time()

    async def connect(self, url: str, headers: Mapping[str, str]) -> None:
        """Raises OSError, TimeoutError or picows' WSError when the agent does not take the socket."""
        await ws_connect(
            lambda: self,
            url,
            extra_headers=dict(headers),
            max_frame_size=_MAX_MESSAGE,
            max_redirects=0,
            websocket_handshake_timeout=5,
        )

    def disconnect(self) -> None:
        if self._transport is not None:
            self._send(self._wire.closing())
            self._transport.disconnect(graceful=True)

    def drop(self) -> None:
        """Break the connection without a word."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        for message in self._wire.opening():
            self._send(message)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self.closed.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        if frame.msg_type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        try:
            self._obey(frame.get_payload_as_memoryview())
        except BadMessage:
            self.bad_messages += 1

    def _obey(self, message: memoryview) -> None:
        match self._wire.read(message):
            case Play(audio):
                self._playout.add(audio)
            case Clear():
                dropped, marks = self._playout.clear()
                if self.on_clear is not None:
                    self.on_clear(dropped)
                for answer in self._wire.cleared(marks):
                    self._send(answer)
            case Mark(name):
                self._playout.mark(name)
            case Keys(digits):
                if self.on_keys is not None:
                    self.on_keys(digits)

    def turn(self, due: float) -> None:
        """20 ms of line, both ways."""
        at = due + self._clock_offset
        payload = self._mouth.turn(at)
        if self._transport is not None:
            self._send(self._wire.media(payload, int(at * 1000)))
        frame, reached = self._playout.turn()
        if self.ear is not None:
            self.ear.hear(frame, at)
        for name in reached:
            self._send(self._wire.played(name))

    def press(self, digit: str) -> None:
        self._send(self._wire.digit(digit))

    def _send(self, message: bytes | None) -> None:
        if self._transport is not None and message is not None:
            self._transport.send(WSMsgType.TEXT, message)
