"""The media socket of Twilio (docs: voice/media-streams/websocket-messages).

In:  connected, start {streamSid, callSid, mediaFormat}, media {track, payload}, dtmf {digit}, mark {name}, stop.
Out: media {payload}, mark, clear, each with the stream's id.
Sound is µ-law at 8 kHz in base64, both ways. A clear sends all marks back that were still waiting, as if played.
"""

from binascii import b2a_base64

import msgspec

from voiceera.media.dialects.dialect import Event, Garbage, Started, Stopped
from voiceera.media.dialects.json_stream import Dtmf, Mark, Media, is_stream_id, key_of, mark_of, parsed, sound_of
from voiceera.rules.audio import ULAW_8K


class _MediaFormat(msgspec.Struct, rename="camel"):
    encoding: str
    sample_rate: int | str
    channels: int | str = 1


class _Start(msgspec.Struct, rename="camel"):
    stream_sid: str
    media_format: _MediaFormat
    call_sid: str | None = None


class _Message(msgspec.Struct):
    event: str
    media: Media | None = None
    start: _Start | None = None
    dtmf: Dtmf | None = None
    mark: Mark | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.encode


class TwilioDialect:
    """Implements `Dialect`."""

    def __init__(self) -> None:
        self._stream_id: bytes | None = None
        """As a JSON string."""
        self._before = b""
        self._clear = b""

    def read(self, message: bytes | memoryview) -> Event:
        told = parsed(_decode, message)
        if told.event == "media":
            return sound_of(told.media, is_started=self._stream_id is not None)
        match told.event:
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
        return self._before + b2a_base64(sound, newline=False) + b'"}}'

    def flush(self) -> bytes:
        return b""

    def clear(self) -> bytes:
        return self._clear

    def mark(self, name: str) -> bytes:
        assert self._stream_id is not None
        return b'{"event":"mark","streamSid":%b,"mark":{"name":%b}}' % (self._stream_id, _encode(name))

    def _start(self, start: _Start | None) -> Started:
        if self._stream_id is not None:
            raise Garbage("a second start")
        if start is None or not is_stream_id(start.stream_sid):
            raise Garbage("start without a stream")
        given = start.media_format
        if (given.encoding, str(given.sample_rate), str(given.channels)) != ("audio/x-mulaw", "8000", "1"):
            raise Garbage("an audio format that is not spoken here")
        self._stream_id = _encode(start.stream_sid)
        self._before = b'{"event":"media","streamSid":%b,"media":{"payload":"' % self._stream_id
        self._clear = b'{"event":"clear","streamSid":%b}' % self._stream_id
        return Started(start.stream_sid, ULAW_8K, start.call_sid)
