"""The media socket of Telnyx (docs: api-reference/websockets/stream-call-media-over-websocket).

In:  connected, start {stream_id, start {call_control_id, media_format}}, media {track, payload}, dtmf {digit},
     mark {name}, error, stop.
Out: media {payload}, mark, clear.
Sound is µ-law at 8 kHz (PCMU) in base64, both ways. A clear sends all marks back that were still waiting.
"""

from binascii import b2a_base64

import msgspec

from voiceera.media.dialects.dialect import Event, Garbage, Started, Stopped
from voiceera.media.dialects.json_stream import Dtmf, Mark, Media, is_stream_id, key_of, mark_of, parsed, sound_of
from voiceera.rules.audio import ULAW_8K

_BEFORE, _AFTER = b'{"event":"media","media":{"payload":"', b'"}}'
_CLEAR = b'{"event":"clear"}'


class _MediaFormat(msgspec.Struct):
    encoding: str
    sample_rate: int | str
    channels: int | str = 1


class _Start(msgspec.Struct):
    media_format: _MediaFormat
    call_control_id: str | None = None


class _Message(msgspec.Struct):
    event: str
    stream_id: str = ""
    media: Media | None = None
    start: _Start | None = None
    dtmf: Dtmf | None = None
    mark: Mark | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.encode


class TelnyxDialect:
    """Implements `Dialect`."""

    def __init__(self) -> None:
        self._is_started = False

    def read(self, message: bytes | memoryview) -> Event:
        told = parsed(_decode, message)
        if told.event == "media":
            return sound_of(told.media, is_started=self._is_started)
        match told.event:
            case "start":
                return self._start(told.start, told.stream_id)
            case "dtmf":
                return key_of(told.dtmf)
            case "mark":
                return mark_of(told.mark)
            case "stop":
                return Stopped()
        return None

    def audio(self, sound: bytes) -> bytes:
        return _BEFORE + b2a_base64(sound, newline=False) + _AFTER

    def flush(self) -> bytes:
        return b""

    def clear(self) -> bytes:
        return _CLEAR

    def mark(self, name: str) -> bytes:
        return b'{"event":"mark","mark":{"name":%b}}' % _encode(name)

    def _start(self, start: _Start | None, stream_id: str) -> Started:
        if self._is_started:
            raise Garbage("a second start")
        if start is None or not is_stream_id(stream_id):
            raise Garbage("start without a stream")
        given = start.media_format
        if (given.encoding, str(given.sample_rate), str(given.channels)) != ("PCMU", "8000", "1"):
            raise Garbage("an audio format that is not spoken here")
        self._is_started = True
        return Started(stream_id, ULAW_8K, start.call_control_id)
