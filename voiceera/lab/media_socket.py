"""The carrier's end of a media socket, in the vendor's dialect.

https://www.plivo.com/docs/voice/audio-streaming/audio-streaming: JSON text frames. L16 is little-endian.
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from voiceera.ids import new_id
from voiceera.lab.answer_xml import Stream
from voiceera.lab.ear import Ear
from voiceera.lab.mouth import Mouth
from voiceera.lab.playout import Playout
from voiceera.lab.signatures import signed_headers
from voiceera.log import get_logger
from voiceera.rules.audio import AudioFormat, Encoding

log = get_logger("lab")

_MAX_MESSAGE = 2 * 1024 * 1024


class _Media(msgspec.Struct):
    payload: str = ""
    contentType: str = ""  # noqa: N815 - the vendor's spelling
    sampleRate: int | str = 0  # noqa: N815


class _Message(msgspec.Struct):
    event: str = ""
    media: _Media | None = None
    name: str = ""


_decode = msgspec.json.Decoder(_Message).decode


class MediaSocket(WSListener):
    """One stream of one call. It is turned by the wheel; `closed` is set when the agent's side is gone."""

    def __init__(self, call_uuid: str, account: str, stream: Stream, mouth: Mouth, playout: Playout) -> None:
        super().__init__()
        self.closed = asyncio.Event()
        self.ear: Ear | None = None
        self.on_clear: Callable[[float], None] | None = None
        self.bad_messages = 0
        self._stream = stream
        self._stream_id = str(new_id())
        self._call_uuid = call_uuid
        self._account = account
        self._mouth = mouth
        self._playout = playout
        self._transport: WSTransport | None = None
        self._sequence = 0
        self._chunk = 0
        self._clock_offset = time.time() - asyncio.get_running_loop().time()
        extra = msgspec.json.encode(stream.extra_headers)
        self._media_head = b'","media":{"track":"inbound","timestamp":"'
        self._media_tail = b'"},"extra_headers":' + extra + b"}"

    async def connect(self, auth_token: str) -> None:
        """Raises OSError, TimeoutError or picows' WSError when the agent does not take the socket."""
        headers = signed_headers(auth_token, "GET", self._stream.url)
        await ws_connect(
            lambda: self,
            self._stream.url,
            extra_headers=headers,
            max_frame_size=_MAX_MESSAGE,
            max_redirects=0,
            websocket_handshake_timeout=5,
        )

    def disconnect(self) -> None:
        if self._transport is not None:
            self._transport.disconnect(graceful=True)

    def drop(self) -> None:
        """Break the connection without a word."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._send(
            {
                "event": "start",
                "sequenceNumber": self._next(),
                "start": {
                    "callId": self._call_uuid,
                    "streamId": self._stream_id,
                    "accountId": self._account,
                    "tracks": ["inbound"],
                    "mediaFormat": {
                        "encoding": _content_type(self._stream.audio_format),
                        "sampleRate": self._stream.audio_format.sample_rate,
                    },
                },
                "extra_headers": self._stream.extra_headers,
            }
        )

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
            self._obey(_decode(frame.get_payload_as_memoryview()))
        except (msgspec.DecodeError, binascii.Error):
            self.bad_messages += 1

    def _obey(self, message: _Message) -> None:
        match message.event:
            case "playAudio":
                self._play(message.media or _Media())
            case "clearAudio":
                dropped = self._playout.clear()
                if self.on_clear is not None:
                    self.on_clear(dropped)
                self._send({"event": "clearedAudio", "sequenceNumber": self._next(), "streamId": self._stream_id})
            case "checkpoint":
                self._playout.mark(message.name)
            case _:
                self.bad_messages += 1

    def _play(self, media: _Media) -> None:
        """Sound in another format than the stream's is what the vendor warns of: it is not played."""
        audio_format = self._stream.audio_format
        right = media.contentType.split(";")[0] == _content_type(audio_format)
        if not self._stream.bidirectional or not right or int(media.sampleRate) != audio_format.sample_rate:
            self.bad_messages += 1
            return
        self._playout.add(base64.b64decode(media.payload))

    def turn(self, due: float) -> None:
        """20 ms of line, both ways."""
        at = due + self._clock_offset
        payload = self._mouth.turn(at)
        if self._transport is not None:
            self._chunk += 1
            self._transport.send(
                WSMsgType.TEXT,
                b'{"event":"media","sequenceNumber":%d,"streamId":"%b%b%d","chunk":%d,"payload":"%b%b'
                % (
                    self._next(),
                    self._stream_id.encode(),
                    self._media_head,
                    int(at * 1000),
                    self._chunk,
                    payload,
                    self._media_tail,
                ),
            )
        frame, reached = self._playout.turn()
        if self.ear is not None:
            self.ear.hear(frame, at)
        for name in reached:
            self._send(
                {"event": "playedStream", "sequenceNumber": self._next(), "streamId": self._stream_id, "name": name}
            )

    def press(self, digit: str) -> None:
        self._send(
            {
                "event": "dtmf",
                "sequenceNumber": self._next(),
                "streamId": self._stream_id,
                "dtmf": {"track": "inbound", "digit": digit, "timestamp": str(int(time.time() * 1000))},
                "extra_headers": self._stream.extra_headers,
            }
        )

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(message))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence


def _content_type(audio_format: AudioFormat) -> str:
    return "audio/x-mulaw" if audio_format.encoding is Encoding.ULAW else "audio/x-l16"
