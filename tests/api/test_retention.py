"""What an organization does not keep any longer is erased: its words and its sound are found nowhere."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.api.calls import CallBook, book_of, saying
from tests.api.conftest import Person
from voiceera import clock
from voiceera.config import Settings
from voiceera.errors import ProviderError
from voiceera.rules.retention import Retention
from voiceera.services.retention import Erased, erase_old
from voiceera.services.sound_archive import SoundArchive
from voiceera.store.base import Database
from voiceera.worker.retention import RetentionWatch

NOW = datetime.fromisoformat("2026-06-30T12:00:00+00:00")


@pytest.fixture
async def book(database: Database, settings: Settings, ann: Person) -> CallBook:
    return await book_of(database, settings, ann)


@pytest.mark.parametrize(
    ("kept", "recordings", "calls"),
    [
        (Retention(), None, None),
        (Retention(recordings_days=30), 30, None),
        (Retention(calls_days=90), 90, 90),  # with a call goes its recording
        (Retention(recordings_days=30, calls_days=90), 30, 90),
        (Retention(recordings_days=90, calls_days=30), 30, 30),
    ],
)
def test_a_recording_is_kept_no_longer_than_its_call(
    kept: Retention, recordings: int | None, calls: int | None
) -> None:
    expected = [None if days is None else NOW - timedelta(days=days) for days in (recordings, calls)]
    assert [kept.recordings_before(NOW), kept.calls_before(NOW)] == expected


def _sounds(settings: Settings) -> list[Path]:
    return [path for path in settings.recordings_dir.rglob("*") if path.is_file()]


async def _says(database: Database, word: str) -> int:
    """How many rows of the whole database hold the word."""
    found = 0
    async with database.platform() as connection:
        tables = await connection.exec_driver_sql("SELECT relid::regclass::text FROM pg_stat_user_tables")
        for (table,) in tables.all():
            rows = await connection.exec_driver_sql(
                f"SELECT count(*) FROM {table} t WHERE t::text ILIKE '%%{word}%%'"
            )
            found += int(rows.scalar_one())
    return found


async def test_what_is_too_old_leaves_neither_words_nor_sound(
    ann: Person, bob: Person, book: CallBook, database: Database, settings: Settings
) -> None:
    now = clock.utc_now()
    archive = SoundArchive.of(settings)
    theirs = await (await book_of(database, settings, bob)).held(saying("A capercaillie of theirs."))
    old = await book.held(saying("A cassowary ran away."), created_at=now - timedelta(days=100))
    recent = await book.held(saying("An ocelot stayed."), created_at=now)
    live = await book.add(status="ringing", created_at=now - timedelta(days=100))
    assert len(_sounds(settings)) == 3
    assert await _says(database, "cassowary") > 0

    assert (await ann.get("/organization/retention", calls_days=30))["calls"] == 1
    await ann.put("/organization", retention={"calls_days": 30})
    told = await ann.get("/organization/retention")
    assert (told["calls"], told["recordings"]) == (1, 0)
    await RetentionWatch(database, archive).round()

    assert (await ann.get(f"/call-logs/{old}", 404))["code"] == "CALL_001"
    assert await _says(database, "cassowary") == 0
    assert await _says(database, "capercaillie") > 0
    for person, call_id in ((ann, recent), (ann, live), (bob, theirs)):
        assert (await person.get(f"/call-logs/{call_id}"))["id"] == call_id
    assert len(_sounds(settings)) == 2
    async with database.platform() as connection:
        noted = await connection.exec_driver_sql("SELECT details FROM audit WHERE action = 'retention.erased'")
        assert [row[0] for row in noted] == [{"recordings": 0, "calls": 1}]


async def test_a_recording_goes_before_its_call(
    ann: Person, book: CallBook, database: Database, settings: Settings
) -> None:
    call_id = await book.held()
    later = clock.utc_now() + timedelta(days=31)
    archive, kept = SoundArchive.of(settings), Retention(recordings_days=30, calls_days=60)
    erased = await erase_old(database, book.organization_id, kept, archive, later)
    assert erased == Erased(recordings=1) and _sounds(settings) == []
    assert (await ann.get(f"/call-recordings/{call_id}", 404))["code"] == "RECORDING_001"
    assert len((await ann.get(f"/call-logs/{call_id}"))["transcript"]) == 3
    assert await erase_old(database, book.organization_id, kept, archive, later) == Erased()


async def test_more_than_a_slice_goes_in_one_round_and_other_days_are_kept(
    ann: Person, book: CallBook, database: Database, settings: Settings
) -> None:
    now = clock.utc_now()
    for hours in range(130):
        await book.add(status="busy", created_at=now - timedelta(days=40, hours=hours), ended_at=now)
    await book.add(status="busy", created_at=now - timedelta(days=20), ended_at=now)
    erased = await erase_old(database, book.organization_id, Retention(calls_days=30), SoundArchive.of(settings), now)
    assert erased == Erased(calls=130)
    assert (await ann.get("/call-logs"))["total"] == 1


class _Away(SoundArchive):
    async def remove(self, store: str, key: str) -> None:
        raise ProviderError("objects", "the store does not answer")


async def test_a_store_that_does_not_answer_loses_nothing_and_is_asked_again(
    ann: Person, book: CallBook, database: Database, settings: Settings
) -> None:
    call_id = await book.held()
    later, kept = clock.utc_now() + timedelta(days=31), Retention(recordings_days=30)
    away = _Away(settings.recordings_dir)
    assert await erase_old(database, book.organization_id, kept, away, later) == Erased(left=1)
    assert (await ann.get(f"/call-recordings/{call_id}"))["call_id"] == call_id
    archive = SoundArchive.of(settings)
    assert await erase_old(database, UUID(ann.organization_id), kept, archive, later) == Erased(recordings=1)


@pytest.mark.parametrize("days", [0, -1, 3651, "30", 1.5, True])
async def test_days_that_are_none_are_refused(ann: Person, days: object) -> None:
    error = await ann.put("/organization", 422, retention={"calls_days": days})
    assert error["fields"][0]["field"] == "retention.calls_days"
    assert (await ann.get("/organization"))["retention"] == {"recordings_days": None, "calls_days": None}
