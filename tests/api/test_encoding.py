"""Recordings after their calls: encoded, checked, downloaded in their new form; or left as they were."""

import io
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import soundfile
from sqlalchemy import text

from tests.api.calls import SECONDS, CallBook, book_of
from tests.api.conftest import Person
from tests.api.jobs import do_due
from voiceera import clock
from voiceera.config import Settings
from voiceera.rules.sound_files import SoundFormat
from voiceera.services import encodings as service
from voiceera.services.sound_archive import SoundArchive
from voiceera.store.base import Database
from voiceera.worker.encoding import encoding


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


@pytest.fixture
async def call_id(book: CallBook) -> str:
    return await book.held()


async def encode(
    book: CallBook, sound_format: SoundFormat = SoundFormat.FLAC, *, later: timedelta | None = None
) -> int:
    kind = encoding(book.database, archive_of(book), sound_format)
    return await do_due(book.database, kind, clock.utc_now() + (later or timedelta()))


def archive_of(book: CallBook) -> SoundArchive:
    return SoundArchive(book.settings.recordings_dir)


def files(book: CallBook) -> set[str]:
    return {path.suffix for path in book.settings.recordings_dir.rglob("*") if path.is_file()}


def recorded(book: CallBook, call_id: str) -> Path:
    return next(book.settings.recordings_dir.rglob(f"{call_id}.wav"))


async def events(book: CallBook) -> list[Any]:
    async with book.database.organization(book.organization_id) as connection:
        told = text("SELECT data FROM events WHERE type = 'recording.ready' AND organization_id = :organization_id")
        return [row.data for row in await connection.execute(told, {"organization_id": book.organization_id})]


@pytest.mark.parametrize(
    ("sound_format", "suffix", "media_type"),
    [
        (SoundFormat.FLAC, ".flac", "audio/flac"),
        (SoundFormat.OPUS, ".ogg", "audio/ogg"),
        (SoundFormat.MP3, ".mp3", "audio/mpeg"),
    ],
)
async def test_a_recording_is_kept_in_the_form_that_is_asked_for(
    ann: Person, book: CallBook, call_id: str, sound_format: SoundFormat, suffix: str, media_type: str
) -> None:
    before = await ann.get(f"/call-recordings/{call_id}")
    assert (before["format"], before["encoding_state"]) == ("wav", "pending")
    samples, rate = soundfile.read(recorded(book, call_id), dtype="int16")
    assert await encode(book, sound_format) == 1
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["format"], shown["encoding_state"]) == (sound_format, "done")
    answer = await ann.client.get(f"/call-recordings/{call_id}/download")
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{call_id}{suffix}"'
    assert (len(answer.content), sha256(answer.content).hexdigest()) == (shown["size_bytes"], shown["sha256"])
    again, its_rate = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    highest = [int(np.argmax(np.abs(np.fft.rfft(channel))) * its_rate / len(channel)) for channel in again.T]
    assert [round(each, -1) for each in highest] == [220, 880]
    if sound_format is SoundFormat.FLAC:
        assert its_rate == rate
        assert np.array_equal(samples, again)


async def test_the_original_goes_an_hour_later(book: CallBook, call_id: str) -> None:
    await encode(book)
    assert files(book) == {".wav", ".flac"}
    assert await encode(book) == 0
    await encode(book, later=service.SPARE_FOR + timedelta(seconds=1))
    assert files(book) == {".flac"}
    assert await encode(book, later=timedelta(days=1)) == 0


async def test_it_is_told_once_it_is_ready(book: CallBook, call_id: str) -> None:
    await book.person.post("/webhooks", url="https://1.1.1.1/here", events=["recording.ready"])
    assert await events(book) == []
    await encode(book)
    (told,) = await events(book)
    assert (told["call_id"], told["format"], told["duration_seconds"]) == (call_id, "flac", SECONDS)
    assert told["sha256"] == sha256(recorded(book, call_id).with_suffix(".flac").read_bytes()).hexdigest()


async def test_a_waveform_can_be_drawn(ann: Person, book: CallBook, call_id: str) -> None:
    assert (await ann.get(f"/call-recordings/{call_id}/waveform"))["channels"] == []
    await encode(book, SoundFormat.WAV)
    drawn = await ann.get(f"/call-recordings/{call_id}/waveform")
    assert len(drawn["channels"]) == 2
    assert len(drawn["channels"][0]) == round(SECONDS * drawn["points_per_second"])
    assert min(drawn["channels"][0]) > 0
    assert (await ann.get(f"/call-recordings/{call_id}"))["format"] == "wav"
    await ann.delete(f"/call-recordings/{call_id}")
    await ann.get(f"/call-recordings/{call_id}/waveform", 404)


@pytest.mark.parametrize("moment", ["before", "within", "after"])
async def test_what_is_deleted_leaves_nothing_whenever_it_is_encoded(
    ann: Person, book: CallBook, call_id: str, moment: str
) -> None:
    now = clock.utc_now()
    key = book.database, book.organization_id, UUID(call_id)
    if moment == "after":
        await encode(book)
    task = None
    if moment == "within":
        task = await service.claim(*key, archive_of(book), SoundFormat.FLAC, now)
        assert task is not None
    await ann.delete(f"/call-recordings/{call_id}")
    if task is not None:  # the encoder had read the file, writes the new one, and dies before it could say so
        task.target.write_bytes(b"somebody's voice")
        assert await encode(book) == 0
        assert await encode(book, later=service.LEASE + timedelta(seconds=1)) == 1
    await encode(book, later=timedelta(days=1))
    assert files(book) == set()


async def test_a_recording_that_is_none_stays_and_says_why(ann: Person, book: CallBook, call_id: str) -> None:
    recorded(book, call_id).write_bytes(b"RIFFrubbish")
    for later in (0, 2, 15, 90, 600, 3000):
        await encode(book, later=timedelta(minutes=later))
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["format"], shown["encoding_state"]) == ("wav", "failed")
    assert await encode(book, later=timedelta(days=9)) == 0
    assert files(book) == {".wav"}


async def test_a_recording_that_is_gone_is_given_up_at_once(ann: Person, book: CallBook, call_id: str) -> None:
    recorded(book, call_id).unlink()
    assert await encode(book) == 1
    assert (await ann.get(f"/call-recordings/{call_id}"))["encoding_state"] == "failed"


async def test_a_worker_that_dies_at_it_is_followed_by_another(ann: Person, book: CallBook, call_id: str) -> None:
    key = book.database, book.organization_id, UUID(call_id)
    assert await service.claim(*key, archive_of(book), SoundFormat.FLAC, clock.utc_now()) is not None
    assert await encode(book) == 0
    assert await encode(book, later=service.LEASE + timedelta(seconds=1)) == 1
    assert (await ann.get(f"/call-recordings/{call_id}"))["format"] == "flac"
