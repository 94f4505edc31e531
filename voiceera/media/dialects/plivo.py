"""The media socket of Plivo, and of Vobiz, which speaks the same (docs: "Stream Event Protocol").

In:  start {callId, streamId, mediaFormat {encoding, sampleRate}}, media {payload}, dtmf {digit}, playedStream, name,
     clearedAudio, and from some accounts stop; the end of the socket is the end of the stream either way.
Out: playAudio {contentType, sampleRate, payload}, clearAudio, checkpoint. Vobiz wants the stream's id in each.
All payloads are base64 of raw samples: µ-law at 8 kHz, or L16 at 8 or 16 kHz, which is little-endian here although
RFC 2586's audio/L16 is not: the vendor's own examples pass a machine's PCM through as it is.
"""

from binascii import b2a_base64

import msgspec

from voiceera.media.dialects.dialect import Event, Garbage, Played, Started, Stopped
from voiceera.media.dialects.json_stream import Dtmf, Media, is_stream_id, key_of, parsed, sound_of
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K

_FORMATS = {
    ("audio/x-mulaw", 8000): ULAW_8K,
    ("audio/x-l16", 8000): L16_8K,
    ("audio/x-l16", 16000): L16_16K,
}
_NAMES = {audio_format: name for name, audio_format in _FORMATS.items()}


class _MediaFormat(msgspec.Struct, rename="camel"):
    encoding: str
    sample_rate: int | str


class _Start(msgspec.Struct, rename="camel"):
    stream_id: str
    media_format: _MediaFormat
    call_id: str | None = None


class _Message(msgspec.Struct):
    event: str
    media: Media | None = None
    start: _Start | None = None
    dtmf: Dtmf | None = None
    name: str | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.encode


class PlivoDialect:
    """Implements `Dialect`."""

    def __init__(self) -> None:
        self._stream_id: bytes | None = None
        """As a JSON string."""
        self._sample_bytes = 1
        self._before = b""
        self._clear = b""

    def read(self, message: bytes | memoryview) -> Event:
        told = parsed(_decode, message)
        if told.event == "media":
            return sound_of(told.media, is_started=self._stream_id is not None, sample_bytes=self._sample_bytes)
        match told.event:
            case "start":
                return self._start(told.start)
            case "dtmf":
                return key_of(told.dtmf)
            case "playedStream":
                return Played(told.name) if told.name else None
            case "stop":
                return Stopped()
        return None

    def audio(self, sound: bytes) -> bytes:
        return self._before + b2a_base64(sound, newline=False) + b'"}}'

    def flush(self) -> bytes:
        return b""

    def clear(self) -> bytes:
        return self._clear

    def mark(self, name: str) -> bytes:
        assert self._stream_id is not None
        return b'{"event":"checkpoint","streamId":%b,"name":%b}' % (self._stream_id, _encode(name))

    def _start(self, start: _Start | None) -> Started:
        if self._stream_id is not None:
            raise Garbage("a second start")
        if start is None or not is_stream_id(start.stream_id):
            raise Garbage("start without a stream")
        rate = start.media_format.sample_rate
        known = _FORMATS.get((start.media_format.encoding, int(rate) if str(rate).isdecimal() else 0))
        if known is None:
            raise Garbage("an audio format that is not spoken here")
        encoding, sample_rate = _NAMES[known]
        self._sample_bytes = known.bytes_per_sample
        self._stream_id = _encode(start.stream_id)
        self._before = (
            b'{"event":"playAudio","streamId":%b,"media":{"contentType":"%b","sampleRate":%d,"payload":"'
            % (
                self._stream_id,
                encoding.encode(),
                sample_rate,
            )
        )
        self._clear = b'{"event":"clearAudio","streamId":%b}' % self._stream_id
        return Started(start.stream_id, known, start.call_id)
