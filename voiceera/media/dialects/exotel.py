"""The media socket of Exotel's Voicebot applet (docs: agentstream/stream-voicebot-applet).

In:  connected, start {stream_sid, call_sid, media_format}, media {payload}, dtmf {digit}, mark {name}, stop.
Out: media {payload}, mark, clear, each with the stream's id.
Sound is L16 (little-endian) at 8 kHz in base64, both ways. What is sent must be at least 100 ms long, a multiple of
20 ms: shorter pieces crackle. So five frames go out as one, and an utterance's last are filled up with silence.
"""

from binascii import b2a_base64

import msgspec

from voiceera.media.dialects.dialect import Event, Garbage, Started, Stopped
from voiceera.media.dialects.json_stream import Dtmf, Mark, is_stream_id, key_of, mark_of, parsed
from voiceera.rules.audio import L16_8K

_FRAME_BYTES = L16_8K.frame_bytes
_CHUNK_BYTES = 5 * _FRAME_BYTES


class _MediaFormat(msgspec.Struct, frozen=True):
    encoding: str = "base64"
    sample_rate: int | str = 8000


class _Start(msgspec.Struct):
    stream_sid: str
    call_sid: str | None = None
    media_format: _MediaFormat = _MediaFormat()


class _Media(msgspec.Struct):
    payload: bytes


class _Message(msgspec.Struct):
    event: str
    media: _Media | None = None
    start: _Start | None = None
    dtmf: Dtmf | None = None
    mark: Mark | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.encode


class ExotelDialect:
    """Implements `Dialect`."""

    def __init__(self) -> None:
        self._stream_id: bytes | None = None
        """As a JSON string."""
        self._before = b""
        self._waiting = bytearray()

    def read(self, message: bytes | memoryview) -> Event:
        told = parsed(_decode, message)
        match told.event:
            case "media":
                return self._media(told.media)
            case "start":
                return self._start(told.start)
            case "dtmf":
                return key_of(told.dtmf)
            case "mark":
                return mark_of(told.mark)
            case "stop":
                return Stopped()
        return None

    def audio(self, sound: bytes) -> bytes:
        self._waiting += sound
        return b"" if len(self._waiting) < _CHUNK_BYTES else self._chunk()

    def flush(self) -> bytes:
        if not self._waiting:
            return b""
        self._waiting += bytes(max(_CHUNK_BYTES - len(self._waiting), -len(self._waiting) % _FRAME_BYTES))
        return self._chunk()

    def clear(self) -> bytes:
        self._waiting.clear()
        assert self._stream_id is not None
        return b'{"event":"clear","stream_sid":%b}' % self._stream_id

    def mark(self, name: str) -> bytes:
        assert self._stream_id is not None
        return b'{"event":"mark","stream_sid":%b,"mark":{"name":%b}}' % (self._stream_id, _encode(name))

    def _chunk(self) -> bytes:
        """Whole frames; what an utterance's short last one leaves over waits for the next."""
        size = len(self._waiting) // _FRAME_BYTES * _FRAME_BYTES
        sound = bytes(self._waiting[:size])
        del self._waiting[:size]
        return self._before + b2a_base64(sound, newline=False) + b'"}}'

    def _media(self, media: _Media | None) -> bytes | None:
        if self._stream_id is None:
            raise Garbage("media before start")
        if media is None:
            raise Garbage("media without a payload")
        if len(media.payload) % 2:
            raise Garbage("half a sample")
        return media.payload or None

    def _start(self, start: _Start | None) -> Started:
        if self._stream_id is not None:
            raise Garbage("a second start")
        if start is None or not is_stream_id(start.stream_sid):
            raise Garbage("start without a stream")
        if str(start.media_format.sample_rate) != "8000":
            raise Garbage("an audio format that is not spoken here")
        self._stream_id = _encode(start.stream_sid)
        self._before = b'{"event":"media","stream_sid":%b,"media":{"payload":"' % self._stream_id
        return Started(start.stream_sid, L16_8K, start.call_sid)
