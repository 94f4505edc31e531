"""The media socket of Telnyx (docs: api-reference/websockets/stream-call-media-over-websocket).

In:  connected, start {stream_id, start {call_control_id, media_format}}, media {track, payload}, dtmf {digit},
     mark {name}, error, stop.
Out: media {payload}, mark, clear.
Sound is µ-law at 8 kHz (PCMU) in base64, both ways. A clear sends all marks back that were still waiting.
"""

from binascii import b2a_base64

import msgspec

from voiceera.media.dialects.dialect import Digit, Event, Garbage, Played, Started, Stopped
from voiceera.rules.audio import ULAW_8K

_DIGITS = frozenset("0123456789*#ABCD")
_LONGEST_ID = 128
_BEFORE, _AFTER = b'{"event":"media","media":{"payload":"', b'"}}'
_CLEAR = b'{"event":"clear"}'


class _MediaFormat(msgspec.Struct):
    encoding: str
    sample_rate: int | str
    channels: int | str = 1


class _Start(msgspec.Struct):
    media_format: _MediaFormat
    call_control_id: str | None = None


class _Media(msgspec.Struct):
    payload: bytes
    track: str = "inbound"


class _Dtmf(msgspec.Struct):
    digit: str


class _Mark(msgspec.Struct):
    name: str = ""


class _Message(msgspec.Struct):
    event: str
    stream_id: str = ""
    media: _Media | None = None
    start: _Start | None = None
    dtmf: _Dtmf | None = None
    mark: _Mark | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.encode


class TelnyxDialect:
    """Implements `Dialect`."""

    def __init__(self) -> None:
        self._is_started = False

    def read(self, message: bytes | memoryview) -> Event:
        try:
            parsed = _decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Garbage("not a message of this dialect") from error
        if parsed.event == "media":
            return self._media(parsed.media)
        match parsed.event:
            case "start":
                return self._start(parsed.start, parsed.stream_id)
            case "dtmf":
                if parsed.dtmf is None or parsed.dtmf.digit not in _DIGITS:
                    raise Garbage("dtmf without a key")
                return Digit(parsed.dtmf.digit)
            case "mark":
                return Played(parsed.mark.name) if parsed.mark and parsed.mark.name else None
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

    def _media(self, media: _Media | None) -> bytes | None:
        if not self._is_started:
            raise Garbage("media before start")
        if media is None:
            raise Garbage("media without a payload")
        return media.payload if media.track == "inbound" and media.payload else None

    def _start(self, start: _Start | None, stream_id: str) -> Started:
        if self._is_started:
            raise Garbage("a second start")
        if start is None or not 0 < len(stream_id) <= _LONGEST_ID:
            raise Garbage("start without a stream")
        given = start.media_format
        if (given.encoding, str(given.sample_rate), str(given.channels)) != ("PCMU", "8000", "1"):
            raise Garbage("an audio format that is not spoken here")
        self._is_started = True
        return Started(stream_id, ULAW_8K, start.call_control_id)
