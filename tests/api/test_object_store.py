"""Recordings in an object store: the whole way over a real socket, also when the store does not answer."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person
from tests.api.jobs import do_due
from tests.api.test_transcribe import outcome, scripted, write_talk
from tests.s3 import BUCKET, Bucket, bucket
from voiceera import clock
from voiceera.config import Settings
from voiceera.errors import StartupError
from voiceera.rules.sound_files import SoundFormat
from voiceera.services import encodings as service
from voiceera.services.sound_archive import SoundArchive
from voiceera.store.base import Database
from voiceera.worker.encoding import encoding
from voiceera.worker.transcription import transcription

URL = f"s3://{BUCKET}/voice"


@pytest.fixture
async def s3() -> AsyncIterator[Bucket]:
    async with bucket() as kept:
        yield kept


@pytest.fixture
def archive(s3: Bucket, settings: Settings) -> SoundArchive:
    return SoundArchive(settings.recordings_dir, URL, s3.options)


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings, archive: SoundArchive) -> CallBook:
    app = ann.client._transport.app  # type: ignore[attr-defined]
    object.__setattr__(app.state.backend, "archive", archive)
    return await book_of(database, settings, ann)


@pytest.fixture
async def call_id(book: CallBook) -> str:
    return await book.held()


async def encode(book: CallBook, archive: SoundArchive, *, later: timedelta = timedelta()) -> None:
    kind = encoding(book.database, archive, SoundFormat.FLAC)
    await do_due(book.database, kind, clock.utc_now() + later)


def local(book: CallBook) -> set[str]:
    return {path.suffix for path in book.settings.recordings_dir.rglob("*") if path.is_file()}


async def download(person: Person, call_id: str, **headers: str) -> httpx.Response:
    return await person.client.get(f"/call-recordings/{call_id}/download", headers=headers)


async def test_an_encoded_recording_lies_in_the_store_and_later_only_there(
    ann: Person, book: CallBook, archive: SoundArchive, s3: Bucket, call_id: str
) -> None:
    await encode(book, archive)
    ((key, kept),) = s3.objects.items()
    assert key.startswith(f"voice/{book.organization_id}/")
    assert key.endswith(f"/{call_id}.flac")
    assert local(book) == {".wav", ".flac"}
    await encode(book, archive, later=service.SPARE_FOR + timedelta(seconds=1))
    assert local(book) == set()
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["format"], shown["sha256"]) == ("flac", sha256(kept).hexdigest())
    whole = await download(ann, call_id)
    assert (whole.status_code, whole.content) == (200, kept)
    part = await download(ann, call_id, range="bytes=100-299")
    assert (part.status_code, part.content) == (206, kept[100:300])
    assert (s3.forged, len(kept)) == (0, shown["size_bytes"])


async def test_a_deleted_recording_is_gone_from_the_store(
    ann: Person, book: CallBook, archive: SoundArchive, s3: Bucket, call_id: str
) -> None:
    await encode(book, archive)
    await ann.delete(f"/call-recordings/{call_id}")
    assert (s3.objects, local(book)) == ({}, set())


async def test_while_the_store_does_not_answer_nothing_is_deleted_and_it_is_said(
    ann: Person, book: CallBook, archive: SoundArchive, s3: Bucket, call_id: str
) -> None:
    await encode(book, archive)
    s3.refuse = 403
    assert (await ann.delete(f"/call-recordings/{call_id}", 502))["code"] == "PROVIDER_001"
    assert (await download(ann, call_id)).status_code == 502
    s3.refuse = 0
    assert (await download(ann, call_id)).status_code == 200
    await ann.delete(f"/call-recordings/{call_id}")


@pytest.mark.parametrize("fault", ["refuses", "keeps less than it was given"])
async def test_a_recording_stays_local_until_the_store_has_all_of_it(
    ann: Person, book: CallBook, archive: SoundArchive, s3: Bucket, call_id: str, fault: str
) -> None:
    s3.refuse, s3.cut = (403, 0) if fault == "refuses" else (0, 7)
    await encode(book, archive)
    shown = await ann.get(f"/call-recordings/{call_id}")
    assert (shown["format"], shown["encoding_state"]) == ("wav", "pending")
    assert (await download(ann, call_id)).status_code == 200
    s3.refuse = s3.cut = 0
    await encode(book, archive, later=timedelta(minutes=2))
    assert (await ann.get(f"/call-recordings/{call_id}"))["encoding_state"] == "done"
    assert len(s3.objects) == 1


async def test_what_lies_in_the_store_can_be_transcribed(
    ann: Person, book: CallBook, archive: SoundArchive, settings: Settings, call_id: str
) -> None:
    await write_talk(next(settings.recordings_dir.rglob(f"{call_id}.wav")))
    await encode(book, archive)
    await encode(book, archive, later=service.SPARE_FOR + timedelta(seconds=1))
    assert local(book) == set()
    await ann.client.post(f"/call-recordings/{call_id}/transcribe", json={"provider": "scripted"})
    await do_due(book.database, transcription(book.database, archive, scripted("yes please", "sorry")))
    assert await outcome(ann, call_id) == ("done", None)


@pytest.mark.parametrize(
    ("url", "options"), [("nowhere://calls", {}), ("s3://calls", {"regoin": "eu-west-1"}), ("calls", {})]
)
def test_a_store_that_cannot_be_is_refused_at_the_start(tmp_path: Path, url: str, options: dict[str, str]) -> None:
    with pytest.raises(StartupError, match="VOICEERA_RECORDING_STORE"):
        SoundArchive(tmp_path, url, options)


def test_options_that_are_no_json_are_refused_without_repeating_them(settings: Settings) -> None:
    broken = settings.model_copy(update={"recording_store": URL, "recording_store_options": None})
    told = Settings(**broken.plain() | {"recording_store_options": "{secret"})  # type: ignore[arg-type]
    with pytest.raises(StartupError) as refused:
        SoundArchive.of(told)
    assert "secret" not in str(refused.value.message)
