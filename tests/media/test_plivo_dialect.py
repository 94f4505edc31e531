import base64
import json
from typing import Any

import pytest

from voiceera.media.dialects.dialect import Digit, Event, Garbage, Played, Started, Stopped
from voiceera.media.dialects.plivo import PlivoDialect
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat


def start(encoding: str = "audio/x-mulaw", rate: Any = 8000, stream_id: str = "s-1") -> dict[str, Any]:
    """As the vendor's page on its stream events has it."""
    return {
        "event": "start",
        "sequenceNumber": 0,
        "start": {
            "callId": "c-1",
            "streamId": stream_id,
            "accountId": "MA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": encoding, "sampleRate": rate},
        },
        "extra_headers": "{}",
    }


def media(payload: bytes, track: str = "inbound") -> dict[str, Any]:
    return {
        "event": "media",
        "sequenceNumber": 7,
        "streamId": "s-1",
        "media": {
            "track": track,
            "timestamp": "1700000000000",
            "chunk": 2,
            "payload": base64.b64encode(payload).decode(),
        },
        "extra_headers": "{}",
    }


def started(encoding: str = "audio/x-mulaw", rate: int = 8000) -> PlivoDialect:
    dialect = PlivoDialect()
    dialect.read(json.dumps(start(encoding, rate)).encode())
    return dialect


@pytest.mark.parametrize(
    ("encoding", "rate", "audio_format"),
    [
        ("audio/x-mulaw", 8000, ULAW_8K),
        ("audio/x-mulaw", "8000", ULAW_8K),
        ("audio/x-l16", 8000, L16_8K),
        ("audio/x-l16", 16000, L16_16K),
    ],
)
def test_the_start_says_how_the_line_sounds(encoding: str, rate: Any, audio_format: AudioFormat) -> None:
    event = PlivoDialect().read(json.dumps(start(encoding, rate)).encode())
    assert event == Started("s-1", audio_format, "c-1")


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (media(b"\x80" * 160), b"\x80" * 160),
        (media(b"\x80" * 160, "outbound"), None),
        (media(b""), None),
        (
            {"event": "dtmf", "streamId": "s-1", "dtmf": {"track": "inbound", "digit": "5", "timestamp": "1"}},
            Digit("5"),
        ),
        ({"event": "dtmf", "dtmf": {"digit": "#"}}, Digit("#")),
        ({"event": "playedStream", "streamId": "s-1", "name": "greeting"}, Played("greeting")),
        ({"event": "playedStream", "name": "greeting"}, Played("greeting")),
        ({"event": "clearedAudio", "streamId": "s-1"}, None),
        ({"event": "stop", "streamId": "s-1"}, Stopped()),
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
        b"[]",
        b"{}",
        b'{"event": 5}',
        b'{"event":"media"}',
        b'{"event":"media","media":{}}',
        b'{"event":"media","media":{"payload":"%%%"}}',
        b'{"event":"media","media":{"payload":"AAA"}}',
        b'{"event":"media","media":{"payload":null}}',
        b'{"event":"dtmf","dtmf":{"digit":"55"}}',
        b'{"event":"dtmf"}',
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
        start("audio/x-mulaw", 16000),
        start("audio/x-l16", 44100),
        start("audio/opus", 48000),
        start("audio/x-l16", "many"),
        start(stream_id=""),
        start(stream_id="x" * 1000),
        {"event": "start"},
    ],
)
def test_a_stream_begins_with_a_proper_start(message: dict[str, Any]) -> None:
    with pytest.raises(Garbage):
        PlivoDialect().read(json.dumps(message).encode())


def test_half_a_sample_of_l16_is_garbage() -> None:
    with pytest.raises(Garbage):
        started("audio/x-l16", 16000).read(json.dumps(media(b"\x00" * 641)).encode())


def test_what_is_sent_is_what_the_vendor_documents() -> None:
    dialect = started("audio/x-l16", 16000)
    sound = bytes(range(256)) * 2 + b"\x01" * 128
    assert json.loads(dialect.audio(sound)) == {
        "event": "playAudio",
        "streamId": "s-1",
        "media": {
            "contentType": "audio/x-l16",
            "sampleRate": 16000,
            "payload": base64.b64encode(sound).decode(),
        },
    }
    assert json.loads(dialect.clear()) == {"event": "clearAudio", "streamId": "s-1"}
    assert json.loads(dialect.mark('a "name"')) == {"event": "checkpoint", "streamId": "s-1", "name": 'a "name"'}


def test_a_stream_id_cannot_break_out_of_its_message() -> None:
    dialect = PlivoDialect()
    dialect.read(json.dumps(start(stream_id='x","event":"evil')).encode())
    assert json.loads(dialect.clear())["streamId"] == 'x","event":"evil'
