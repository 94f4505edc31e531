"""Calls whose media process was killed: what it had recorded is kept, and says that its end is missing."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import soundfile

from tests.api.calls import SECONDS, TURNS, CallBook, book_of, result
from tests.api.conftest import Person
from tests.api.test_encoding import encode, files
from tests.api.test_redaction import RATE, heard, part
from voiceera.config import Settings
from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.services import browser_calls, calls
from voiceera.services.salvage import BROKEN_OFF
from voiceera.store.base import Database


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def broken_off(book: CallBook, *turns: TurnRecord, size: int | None = None) -> str:
    """A call in a browser whose media process has gone."""
    call_id = UUID(await book.add(direction="browser", status="in_progress"))
    brief = await book.brief(call_id)
    if size is not None:
        path = Path(brief.recording_path)
        path.write_bytes(path.read_bytes()[:size])
    for index, turn in enumerate(turns):
        await calls.record_turn(book.database, book.organization_id, call_id, index, turn)
    await browser_calls.give_up(book.database, book.organization_id, call_id, datetime.now(UTC))
    return str(call_id)


async def test_what_was_recorded_until_then_can_be_heard(ann: Person, book: CallBook) -> None:
    call_id = await broken_off(book, *TURNS)
    waiting = await ann.get(f"/call-recordings/{call_id}")
    assert (waiting["download_url"], waiting["encoding_state"]) == (None, "pending")
    await encode(book)
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["fault"], shown["format"], shown["duration_seconds"]) == (BROKEN_OFF, "flac", SECONDS)
    assert len(await heard(ann, call_id)) == SECONDS * RATE
    assert (await ann.get(f"/call-logs/{call_id}"))["recording_url"]


async def test_a_call_that_left_no_file_says_so(ann: Person, book: CallBook) -> None:
    call_id = await broken_off(book, size=0)
    await encode(book)
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["download_url"], shown["fault"]) == (None, BROKEN_OFF)
    await ann.delete(f"/call-recordings/{call_id}")
    assert files(book) == set()


async def test_what_was_said_after_the_last_turn_is_silent_where_something_is_redacted(
    ann: Person, book: CallBook
) -> None:
    agent = await ann.post("/agents", name="Careful", redaction={"kinds": ["card"]})
    book.agent_id = UUID(agent["id"])
    call_id = await broken_off(book, TurnRecord(Speaker.CALLER, "yes", 200, 1_000))
    await encode(book)
    sound = await heard(ann, call_id)
    assert part(sound, 0, (200, 900)).any()
    assert not part(sound, 0, (1_000, int(SECONDS * 1000))).any()
    assert part(sound, 1, (1_000, int(SECONDS * 1000))).any()


async def test_a_process_that_was_only_slow_has_the_last_word(ann: Person, book: CallBook) -> None:
    call_id = await broken_off(book)
    await encode(book)
    brief = await book.brief(UUID(call_id))
    soundfile.write(brief.recording_path, [[0.1, 0.2]] * RATE, RATE, subtype="PCM_16")
    await calls.close(book.database, brief, result(Path(brief.recording_path)), datetime.now(UTC))
    assert (await ann.get(f"/call-recordings/{call_id}"))["fault"] is None
    await encode(book)
    assert len(await heard(ann, call_id)) == RATE
