"""The messages on Telnyx' media sockets:
https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket."""

import base64
import binascii
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

from voiceera.lab.dialect import BadMessage, Clear, Mark, Play, Sent
from voiceera.lab.instructions import Stream
from voiceera.lab.phone_call import PhoneCall


class _Media(msgspec.Struct):
    payload: str


class _Name(msgspec.Struct):
    name: str


class _Message(msgspec.Struct):
    event: str
    media: _Media | None = None
    mark: _Name | None = None


_decode = msgspec.json.Decoder(_Message).decode


class TelnyxWire:
    """Implements `Wire`."""

    def __init__(self, call: PhoneCall, user_id: str, stream: Stream) -> None:
        self._call = call
        self._user_id = user_id
        self._plays = stream.bidirectional
        self._stream_id = str(uuid.uuid4()).upper()
        self._sequence = 0
        self._chunk = 0
        self._began_ms: int | None = None
        self._head = b'{"event":"media","stream_id":"%b","sequence_number":"' % self._stream_id.encode()

    def opening(self) -> list[bytes]:
        start = {
            "user_id": self._user_id,
            "call_control_id": self._call.uuid,
            "call_session_id": str(uuid.uuid4()),
            "from": f"+{self._call.request.from_number}",
            "to": f"+{self._call.request.to_number}",
            "custom_parameters": {},
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        }
        connected = {"event": "connected", "version": "1.0.0"}
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
        return self._event("dtmf", occurred_at=datetime.now(UTC).isoformat(), dtmf={"digit": digit})

    def played(self, name: str) -> bytes:
        return self._event("mark", mark={"name": name})

    def cleared(self, marks: list[str]) -> list[bytes]:
        return [self.played(name) for name in marks]

    def closing(self) -> bytes | None:
        return self._event("stop", stop={"user_id": self._user_id, "call_control_id": self._call.uuid})

    def read(self, message: memoryview) -> Sent:
        try:
            match _decode(message):
                case _Message(event="media", media=_Media(payload)) if self._plays:
                    return Play(base64.b64decode(payload, validate=True))
                case _Message(event="mark", mark=_Name(name)):
                    return Mark(name)
                case _Message(event="clear"):
                    return Clear()
                case other:
                    raise BadMessage(other.event)
        except (msgspec.DecodeError, binascii.Error) as error:
            raise BadMessage(str(error)) from error

    def _event(self, event: str, **fields: Any) -> bytes:
        self._sequence += 1
        head = {"event": event, "sequence_number": str(self._sequence), "stream_id": self._stream_id}
        return msgspec.json.encode(head | fields)
