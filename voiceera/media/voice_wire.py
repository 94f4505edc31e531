"""The messages of the voice WebSocket, as text: what comes in is read strictly, what goes out is made here.

In:  auth {token, agent_id, audio?, variables?, as_if_rung?}, audio {data}, control {action: pause|resume|end},
     metadata {metadata}, dtmf {digit}, mark {name}; sound may also come as binary messages.
Out: auth_response, ready, audio, status, transcript, response, error, mark.
Sound is PCM, 16-bit little-endian, mono, 16 kHz: as base64 in JSON, or bare in binary messages.
"""

from binascii import b2a_base64
from typing import Any, Literal
from uuid import UUID

import msgspec

from voiceera.errors import VoiceEraError
from voiceera.media.dialects.dialect import Garbage
from voiceera.rules.calls import CallBrief, CallResult, HangupCause, Speaker, TurnRecord
from voiceera.rules.turn_state import Floor

MOST_VARIABLES = 100
_LONGEST_NAME, _LONGEST_VALUE = 100, 1_000
_FORMAT = {"encoding": "pcm_s16le", "sample_rate": 16000, "channels": 1, "frame_ms": 20}


class Auth(msgspec.Struct, tag_field="type", tag="auth"):
    token: str
    agent_id: UUID
    audio: Literal["base64", "binary"] = "base64"
    variables: dict[str, str] = {}
    as_if_rung: bool = False


class Audio(msgspec.Struct, tag_field="type", tag="audio"):
    data: bytes


class Control(msgspec.Struct, tag_field="type", tag="control"):
    action: Literal["pause", "resume", "end"]


class Metadata(msgspec.Struct, tag_field="type", tag="metadata"):
    metadata: dict[str, str | int | float | bool | None]


class Dtmf(msgspec.Struct, tag_field="type", tag="dtmf"):
    digit: Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"]


class Mark(msgspec.Struct, tag_field="type", tag="mark"):
    name: str


Message = Auth | Audio | Control | Metadata | Dtmf | Mark

_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.encode


def read(message: bytes | memoryview) -> Message:
    """Raises Garbage, whose text quotes nothing of the message."""
    try:
        parsed: Message = _decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Garbage("not a message of this protocol") from error
    if isinstance(parsed, Audio) and len(parsed.data) % 2:
        raise Garbage("half a sample")
    return parsed


def named(values: dict[str, Any]) -> dict[str, str]:
    """Variables or metadata as a call keeps them: text, and not too much of it. Raises Garbage."""
    kept = {name: "" if value is None else str(value) for name, value in values.items()}
    if len(kept) > MOST_VARIABLES or any(
        not 0 < len(name) <= _LONGEST_NAME or len(value) > _LONGEST_VALUE or "\0" in name + value
        for name, value in kept.items()
    ):
        raise Garbage(f"at most {MOST_VARIABLES} names of {_LONGEST_NAME} and values of {_LONGEST_VALUE} characters")
    return kept


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def accepted(brief: CallBrief) -> bytes:
    agent = {"id": brief.agent_id, "name": brief.agent.name, "version": brief.agent_version}
    return _encode(
        {"type": "auth_response", "status": "success", "session_id": brief.call_id, "agent": agent}
        | {"message": "Signed in."}
    )


def turned_away(refusal: VoiceEraError) -> bytes:
    return _encode({"type": "auth_response", "status": "error", "message": refusal.message, "error": _told(refusal)})


def ready(brief: CallBrief) -> bytes:
    """`session_id` is the call's id."""
    return _encode({"type": "ready", "session_id": brief.call_id, "call_id": brief.call_id, "audio": _FORMAT})


def error(refusal: VoiceEraError) -> bytes:
    return _encode({"type": "error", **_told(refusal)})


def _told(refusal: VoiceEraError) -> dict[str, str | None]:
    return {"code": refusal.code, "message": refusal.message, "details": refusal.details}


class Sound:
    """The hot path: a frame as a message, from parts that never change."""

    def __init__(self, call_id: UUID) -> None:
        self._before = b'{"type":"audio","session_id":"%b","format":"pcm_16k","sequence":' % str(call_id).encode()
        self._sequence = 0

    def message(self, frame: bytes) -> bytes:
        self._sequence += 1
        return self._before + b'%d,"data":"%b"}' % (self._sequence, b2a_base64(frame, newline=False))


def floor(floor: Floor) -> bytes:
    return b'{"type":"status","status":"%b"}' % floor.value.encode()


INTERRUPTED = b'{"type":"status","status":"interrupted"}'
"""Drop the sound that you hold and have not played yet."""
PAUSED = b'{"type":"status","status":"paused"}'


def over(result: CallResult) -> bytes:
    seconds = round((result.ended_at - result.started_at).total_seconds(), 1)
    told = {"cause": result.cause, "disposition": result.disposition, "duration_seconds": seconds}
    return _encode({"type": "status", "status": "ended", **told})


def failed(result: CallResult) -> bytes | None:
    """Why it broke off; None: it did not."""
    if result.cause not in (HangupCause.ERROR, HangupCause.PROVIDER_FAILED):
        return None
    is_ours = result.cause is HangupCause.ERROR
    code, message = ("SERVER_001", "The call broke off.") if is_ours else ("PROVIDER_001", "A provider failed.")
    return _encode({"type": "error", "code": code, "message": message, "details": None})


def partial(text: str) -> bytes:
    return _encode({"type": "transcript", "text": text, "is_final": False})


def speaking(text: str) -> bytes:
    return _encode({"type": "response", "text": text, "is_final": False})


def turn(index: int, turn: TurnRecord) -> bytes:
    """A caller's turn is a final transcript, an agent's a final response: what was really heard of it."""
    told: dict[str, Any] = {"text": turn.text, "is_final": True, "index": index}
    told |= {"start_ms": turn.start_ms, "end_ms": turn.end_ms}
    if turn.speaker is Speaker.CALLER:
        told |= {"confidence": turn.confidence, "step": turn.step, "result": turn.result}
        return _encode({"type": "transcript", **told})
    return _encode({"type": "response", **told, "interrupted": turn.interrupted, "latency": turn.latency})


def mark(name: str) -> bytes:
    return _encode({"type": "mark", "name": name})
