"""The messages on a Voicebot applet's media socket:
https://developer.exotel.com/docs/agentstream/stream-voicebot-applet. Sound is L16, little-endian, 100 ms a time."""

import base64
import binascii
from typing import Any

import msgspec

from voiceera.lab.dialect import BadMessage, Clear, Mark, Play, Sent
from voiceera.lab.phone_call import PhoneCall

_LEAST, _MOST, _STEP = 3200, 100_000, 320
_FRAMES = 5


class _Media(msgspec.Struct):
    payload: str


class _Name(msgspec.Struct):
    name: str


class _Message(msgspec.Struct):
    event: str
    stream_sid: str
    media: _Media | None = None
    mark: _Name | None = None


_decode = msgspec.json.Decoder(_Message).decode
# The documented least of 3.2 kB is said to be 100 ms, of which L16 at 8 kHz has 1600 bytes: by time it is.
_LEAST_BYTES = _LEAST // 2


class ExotelWire:
    """Implements `Wire`."""

    def __init__(self, call: PhoneCall, account_sid: str) -> None:
        self._call = call
        self._account_sid = account_sid
        self._stream_sid = f"stream-{call.uuid}"
        self._sequence = 0
        self._chunk = 0
        self._waiting: list[bytes] = []

    def opening(self) -> list[bytes]:
        request = self._call.request
        start = {
            "stream_sid": self._stream_sid,
            "call_sid": self._call.uuid,
            "account_sid": self._account_sid,
            "from": f"0{request.from_number[-10:]}",
            "to": f"0{request.to_number[-10:]}",
            "custom_parameters": {},
            "media_format": {"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"},
        }
        return [msgspec.json.encode({"event": "connected"}), self._event("start", start=start)]

    def media(self, payload: bytes, at_ms: int) -> bytes | None:
        self._waiting.append(base64.b64decode(payload))
        if len(self._waiting) < _FRAMES:
            return None
        sound = base64.b64encode(b"".join(self._waiting)).decode()
        self._waiting.clear()
        self._chunk += 1
        return self._event("media", media={"chunk": str(self._chunk), "timestamp": str(at_ms), "payload": sound})

    def digit(self, digit: str) -> bytes:
        return self._event("dtmf", dtmf={"duration": "200", "digit": digit})

    def played(self, name: str) -> bytes:
        return self._event("mark", mark={"name": name})

    def cleared(self, marks: list[str]) -> list[bytes]:
        return [self.played(name) for name in marks]

    def closing(self) -> bytes | None:
        stop = {"call_sid": self._call.uuid, "account_sid": self._account_sid, "reason": "callended"}
        return self._event("stop", stop=stop)

    def read(self, message: memoryview) -> Sent:
        try:
            match _decode(message):
                case _Message(stream_sid=stream) if stream != self._stream_sid:
                    raise BadMessage("another stream's")
                case _Message(event="media", media=_Media(payload)):
                    return self._play(base64.b64decode(payload, validate=True))
                case _Message(event="mark", mark=_Name(name)):
                    return Mark(name)
                case _Message(event="clear"):
                    return Clear()
                case other:
                    raise BadMessage(other.event)
        except (msgspec.DecodeError, binascii.Error) as error:
            raise BadMessage(str(error)) from error

    def _play(self, sound: bytes) -> Play:
        if not _LEAST_BYTES <= len(sound) <= _MOST or len(sound) % _STEP:
            raise BadMessage("a chunk that crackles")
        return Play(sound)

    def _event(self, event: str, **fields: Any) -> bytes:
        self._sequence += 1
        head = {"event": event, "sequence_number": str(self._sequence), "stream_sid": self._stream_sid}
        return msgspec.json.encode(head | fields)
