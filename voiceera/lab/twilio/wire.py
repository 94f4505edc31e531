"""The messages on Twilio's media sockets: https://www.twilio.com/docs/voice/media-streams/websocket-messages."""

import base64
import binascii
import uuid
from typing import Any

import msgspec

from voiceera.lab.dialect import BadMessage, Clear, Mark, Play, Sent


class _Media(msgspec.Struct):
    payload: str


class _Name(msgspec.Struct):
    name: str


class _Message(msgspec.Struct):
    event: str
    streamSid: str  # noqa: N815 - the vendor's spelling
    media: _Media | None = None
    mark: _Name | None = None


_decode = msgspec.json.Decoder(_Message).decode


class TwilioWire:
    """Implements `Wire`."""

    def __init__(self, call_sid: str, account_sid: str) -> None:
        self._call_sid = call_sid
        self._account_sid = account_sid
        self._stream_sid = f"MZ{uuid.uuid4().hex}"
        self._sequence = 0
        self._chunk = 0
        self._began_ms: int | None = None
        self._head = b'{"event":"media","streamSid":"%b","sequenceNumber":"' % self._stream_sid.encode()

    def opening(self) -> list[bytes]:
        start = {
            "streamSid": self._stream_sid,
            "accountSid": self._account_sid,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [msgspec.json.encode(connected), self._event("start", start=start)]

    def media(self, payload: bytes, at_ms: int) -> bytes:
        self._began_ms = at_ms if self._began_ms is None else self._began_ms
        self._chunk += 1
        self._sequence += 1
        return self._head + b'%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%b"}}' % (
            self._sequence,
            self._chunk,
            at_ms - self._began_ms,
            payload,
        )

    def digit(self, digit: str) -> bytes:
        return self._event("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def played(self, name: str) -> bytes:
        return self._event("mark", mark={"name": name})

    def cleared(self, marks: list[str]) -> list[bytes]:
        """Marks that were waiting come back, as if played."""
        return [self.played(name) for name in marks]

    def closing(self) -> bytes | None:
        return self._event("stop", stop={"accountSid": self._account_sid, "callSid": self._call_sid})

    def read(self, message: memoryview) -> Sent:
        try:
            parsed = _decode(message)
            if parsed.streamSid != self._stream_sid:
                raise BadMessage("another stream's")
            match parsed:
                case _Message(event="media", media=_Media(payload)):
                    return Play(base64.b64decode(payload, validate=True))
                case _Message(event="mark", mark=_Name(name)):
                    return Mark(name)
                case _Message(event="clear"):
                    return Clear()
        except (msgspec.DecodeError, binascii.Error) as error:
            raise BadMessage(str(error)) from error
        raise BadMessage(parsed.event)

    def _event(self, event: str, **fields: Any) -> bytes:
        self._sequence += 1
        head = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self._stream_sid}
        return msgspec.json.encode(head | fields)
