"""The voice WebSocket as one more line into the lab: a callee that an agent talks with although nobody dialled it.

Written from docs/voice-socket.md, and not from the platform's own code: neither side checks itself.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from voiceera.lab.dialect import BadMessage, Clear, Mark, Play, Sent
from voiceera.lab.instructions import Stream
from voiceera.lab.phone_call import PhoneCall


class _Message(msgspec.Struct):
    type: str
    status: str = ""
    data: str = ""
    name: str = ""
    call_id: str = ""
    message: str = ""
    is_final: bool = False
    text: str = ""


_decode = msgspec.json.Decoder(_Message).decode


class VoiceWire:
    """Implements `Wire`. Nothing is sent before the agent's side says that it is ready."""

    def __init__(self, auth: Mapping[str, Any]) -> None:
        self._auth = {"type": "auth", **auth}
        self.call_id: str | None = None
        """The platform's, once it has taken the call."""
        self.refusal: str | None = None
        """Why it has not."""

    def opening(self) -> list[bytes]:
        return [msgspec.json.encode(self._auth)]

    def media(self, payload: bytes, at_ms: int) -> bytes | None:
        return None if self.call_id is None else b'{"type":"audio","data":"%b"}' % payload

    def digit(self, digit: str) -> bytes:
        return msgspec.json.encode({"type": "dtmf", "digit": digit})

    def played(self, name: str) -> bytes:
        return msgspec.json.encode({"type": "mark", "name": name})

    def cleared(self, marks: list[str]) -> list[bytes]:
        return []

    def closing(self) -> bytes:
        return b'{"type":"control","action":"end"}'

    def read(self, message: memoryview) -> Sent | None:
        try:
            parsed = _decode(message)
            match parsed.type:
                case "audio":
                    return Play(base64.b64decode(parsed.data))
                case "mark":
                    return Mark(parsed.name)
                case "status" if parsed.status == "interrupted":
                    return Clear()
                case "ready":
                    self.call_id = parsed.call_id
                case "auth_response" if parsed.status != "success":
                    self.refusal = parsed.message
                case "error":
                    self.refusal = self.refusal or parsed.message
        except (msgspec.DecodeError, binascii.Error) as error:
            raise BadMessage(str(error)) from error
        return None


@dataclass
class VoiceLine:
    """How to call one agent: implements `Sockets`. `wires`: by the lab's name of each call."""

    token: str = field(repr=False)
    agent_id: str
    as_if_rung: bool = True
    wires: dict[str, VoiceWire] = field(default_factory=dict)
    variables: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """By the lab's name of a call, what the agent knows of whom it calls."""

    def handshake(self, url: str) -> dict[str, str]:
        return {}

    def wire(self, call: PhoneCall, stream: Stream) -> VoiceWire:
        auth = {
            "token": self.token,
            "agent_id": self.agent_id,
            "as_if_rung": self.as_if_rung,
            "variables": dict(self.variables.get(call.uuid, {})),
        }
        wire = self.wires[call.uuid] = VoiceWire(auth)
        return wire
