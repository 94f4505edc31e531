import base64
import json
from typing import Any

import pytest

from voiceera.media.dialects.dialect import Digit, Event, Garbage, Played, Started, Stopped
from voiceera.media.dialects.exotel import ExotelDialect
from voiceera.rules.audio import L16_8K

FRAME = b"\x01\x02" * 160


def start(stream_id: str = "s1", rate: Any = "8000") -> dict[str, Any]:
    """As the vendor's page on its applet has it."""
    inside = {
        "stream_sid": stream_id,
        "call_sid": "e1",
        "account_sid": "acc",
        "from": "09876543210",
        "to": "08047112233",
        "custom_parameters": {},
        "media_format": {"encoding": "base64", "sample_rate": rate, "bit_rate": "128kbps"},
    }
    return {"event": "start", "sequence_number": "1", "stream_sid": stream_id, "start": inside}


def media(payload: bytes) -> dict[str, Any]:
    sound = {"chunk": "2", "timestamp": "10", "payload": base64.b64encode(payload).decode()}
    return {"event": "media", "sequence_number": "3", "stream_sid": "s1", "media": sound}


def started() -> ExotelDialect:
    dialect = ExotelDialect()
    assert dialect.read(b'{"event":"connected"}') is None
    assert dialect.read(json.dumps(start()).encode()) == Started("s1", L16_8K, "e1")
    return dialect


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (media(FRAME * 5), FRAME * 5),
        ({"event": "dtmf", "stream_sid": "s1", "dtmf": {"duration": "200", "digit": "1"}}, Digit("1")),
        ({"event": "mark", "stream_sid": "s1", "mark": {"name": "greeting"}}, Played("greeting")),
        ({"event": "stop", "stream_sid": "s1", "stop": {"reason": "callended"}}, Stopped()),
        ({"event": "somethingNew"}, None),
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


@pytest.mark.parametrize("message", [media(FRAME), start(rate=16000), start(""), {"event": "start"}])
def test_a_stream_begins_with_a_proper_start(message: dict[str, Any]) -> None:
    with pytest.raises(Garbage):
        ExotelDialect().read(json.dumps(message).encode())


def played(message: bytes) -> bytes:
    sent = json.loads(message)
    assert (sent["event"], sent["stream_sid"]) == ("media", "s1")
    return base64.b64decode(sent["media"]["payload"])


def test_sound_goes_out_in_pieces_of_100_ms() -> None:
    dialect = started()
    assert [dialect.audio(FRAME) for _ in range(4)] == [b""] * 4
    assert played(dialect.audio(FRAME)) == FRAME * 5
    assert dialect.flush() == b""


def test_what_an_utterance_ends_with_is_filled_up_with_silence() -> None:
    dialect = started()
    dialect.audio(FRAME)
    dialect.audio(FRAME[:100])
    assert played(dialect.flush()) == FRAME + FRAME[:100] + bytes(1600 - 420)
    assert json.loads(dialect.mark("m")) == {"event": "mark", "stream_sid": "s1", "mark": {"name": "m"}}


def test_a_short_last_frame_leaves_no_piece_that_crackles() -> None:
    dialect = started()
    sent = b"".join(played(message) for size in [100, *[320] * 11] if (message := dialect.audio(FRAME[:size])))
    rest = played(dialect.flush())
    assert (len(sent), len(rest)) == (3200, 1600)
    assert (sent + rest)[:3620] == FRAME[:100] + FRAME * 11


def test_a_clear_drops_what_waits_too() -> None:
    dialect = started()
    dialect.audio(FRAME)
    assert json.loads(dialect.clear()) == {"event": "clear", "stream_sid": "s1"}
    assert dialect.flush() == b""
