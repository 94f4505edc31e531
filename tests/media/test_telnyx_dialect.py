import base64
import json
from typing import Any

import pytest

from voiceera.media.dialects.dialect import Digit, Event, Garbage, Played, Started, Stopped
from voiceera.media.dialects.telnyx import TelnyxDialect
from voiceera.rules.audio import ULAW_8K


def start(stream_id: str = "S1", **media_format: Any) -> dict[str, Any]:
    """As the vendor's page on its messages has it."""
    return {
        "event": "start",
        "sequence_number": "1",
        "stream_id": stream_id,
        "start": {
            "user_id": "u1",
            "call_control_id": "v3:1",
            "from": "+13122010094",
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1} | media_format,
        },
    }


def media(payload: bytes, track: str = "inbound") -> dict[str, Any]:
    sound = {"track": track, "chunk": "2", "timestamp": "40", "payload": base64.b64encode(payload).decode()}
    return {"event": "media", "sequence_number": "3", "media": sound, "stream_id": "S1"}


def started() -> TelnyxDialect:
    dialect = TelnyxDialect()
    assert dialect.read(b'{"event":"connected","version":"1.0.0"}') is None
    assert dialect.read(json.dumps(start()).encode()) == Started("S1", ULAW_8K, "v3:1")
    return dialect


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (media(b"\x80" * 160), b"\x80" * 160),
        (media(b"\x80" * 160, "outbound"), None),
        ({"event": "dtmf", "stream_id": "S1", "occurred_at": "2026", "dtmf": {"digit": "1"}}, Digit("1")),
        ({"event": "mark", "stream_id": "S1", "mark": {"name": "greeting"}}, Played("greeting")),
        ({"event": "error", "payload": {"code": 100002}, "stream_id": "S1"}, None),
        ({"event": "stop", "stream_id": "S1", "stop": {"user_id": "u1"}}, Stopped()),
    ],
)
def test_every_event_of_the_vendor_is_understood(message: dict[str, Any], event: Event) -> None:
    assert started().read(memoryview(json.dumps(message).encode())) == event


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b'{"event":"media"}',
        b'{"event":"dtmf"}',
        b"[" * 100_000,
        json.dumps(start()).encode(),
    ],
)
def test_garbage_is_told_from_messages(message: bytes) -> None:
    with pytest.raises(Garbage):
        started().read(message)


@pytest.mark.parametrize(
    "message", [media(b"\x80"), start(encoding="OPUS"), start(sample_rate=16000), start(""), {"event": "start"}]
)
def test_a_stream_begins_with_a_proper_start(message: dict[str, Any]) -> None:
    with pytest.raises(Garbage):
        TelnyxDialect().read(json.dumps(message).encode())


def test_what_is_sent_is_what_the_vendor_documents() -> None:
    dialect = started()
    payload = base64.b64encode(b"\x01" * 160).decode()
    assert json.loads(dialect.audio(b"\x01" * 160)) == {"event": "media", "media": {"payload": payload}}
    assert json.loads(dialect.clear()) == {"event": "clear"}
    assert json.loads(dialect.mark('a "name"')) == {"event": "mark", "mark": {"name": 'a "name"'}}
