import base64
import json
from typing import Any

import pytest

from voiceera.media.dialects.dialect import Digit, Event, Garbage, Played, Started, Stopped
from voiceera.media.dialects.twilio import TwilioDialect
from voiceera.rules.audio import ULAW_8K

CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start(stream_id: str = "MZ1", **media_format: Any) -> dict[str, Any]:
    """As the vendor's page on its messages has it."""
    return {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": stream_id,
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1} | media_format,
            "customParameters": {},
        },
        "streamSid": stream_id,
    }


def media(payload: bytes, track: str = "inbound") -> dict[str, Any]:
    sound = {"track": track, "chunk": "2", "timestamp": "40", "payload": base64.b64encode(payload).decode()}
    return {"event": "media", "sequenceNumber": "3", "media": sound, "streamSid": "MZ1"}


def started() -> TwilioDialect:
    dialect = TwilioDialect()
    assert dialect.read(json.dumps(CONNECTED).encode()) is None
    assert dialect.read(json.dumps(start()).encode()) == Started("MZ1", ULAW_8K, "CA1")
    return dialect


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (media(b"\x80" * 160), b"\x80" * 160),
        (media(b"\x80" * 160, "outbound"), None),
        (media(b""), None),
        ({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "1"}}, Digit("1")),
        ({"event": "mark", "streamSid": "MZ1", "mark": {"name": "greeting"}}, Played("greeting")),
        ({"event": "stop", "streamSid": "MZ1", "stop": {"accountSid": "AC1", "callSid": "CA1"}}, Stopped()),
        ({"event": "somethingNew", "more": [1, 2]}, None),
    ],
)
def test_every_event_of_the_vendor_is_understood(message: dict[str, Any], event: Event) -> None:
    assert started().read(memoryview(json.dumps(message).encode())) == event


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"{}",
        b'{"event":"media"}',
        b'{"event":"media","media":{"payload":"%%%"}}',
        b'{"event":"dtmf","dtmf":{"digit":"55"}}',
        b"[" * 100_000,
        json.dumps(start()).encode(),
    ],
)
def test_garbage_is_told_from_messages(message: bytes) -> None:
    with pytest.raises(Garbage):
        started().read(message)


@pytest.mark.parametrize(
    "message",
    [
        media(b"\x80" * 160),
        start(encoding="audio/opus"),
        start(sampleRate=16000),
        start(channels=2),
        start(""),
        start("x" * 1000),
        {"event": "start"},
    ],
)
def test_a_stream_begins_with_a_proper_start(message: dict[str, Any]) -> None:
    with pytest.raises(Garbage):
        TwilioDialect().read(json.dumps(message).encode())


def test_what_is_sent_is_what_the_vendor_documents() -> None:
    dialect = started()
    assert json.loads(dialect.audio(b"\x01" * 160)) == {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"payload": base64.b64encode(b"\x01" * 160).decode()},
    }
    assert json.loads(dialect.clear()) == {"event": "clear", "streamSid": "MZ1"}
    assert json.loads(dialect.mark('a "name"')) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": 'a "name"'}}


def test_a_stream_id_cannot_break_out_of_its_message() -> None:
    dialect = TwilioDialect()
    dialect.read(json.dumps(start('x","event":"evil')).encode())
    assert json.loads(dialect.clear())["streamSid"] == 'x","event":"evil'
