"""What the routes of recordings do, held against the files, the call's log, and players' readers."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import soundfile

from tests.api.calls import CallBook
from tests.api.conftest import Person
from tests.api.jobs import do_due
from tests.api.test_transcribe import RATE, kind_of, write_talk
from tests.test_transcript_files import read_srt, read_vtt
from tests.webhooks.receiver import Receiver, receiving
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import Recognition
from voiceera.providers.speech.moonshine import MoonshineSpeechToText
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.rules.audio import AudioFormat, Encoding
from voiceera.rules.phrases import common_phrases
from voiceera.services.deliveries import Post
from voiceera.services.sound_archive import SoundArchive
from voiceera.store import recordings
from voiceera.worker.deliveries import Deliveries


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def settings(tmp_path: Path, receiver: Receiver) -> Settings:
    return Settings(
        data_dir=tmp_path,
        argon2_memory_kib=64,
        argon2_passes=1,
        rate_limit_requests=10_000,
        outbound_allow=receiver.allow,
    )


async def file_of(book: CallBook, call_id: str) -> Path:
    """Where the store keeps the sound."""
    async with book.database.organization(book.organization_id) as connection:
        found = await recordings.get(connection, book.organization_id, UUID(call_id))
    assert found is not None
    return SoundArchive(book.settings.recordings_dir).path(found.key)


async def download(person: Person, call_id: str, **headers: str) -> bytes:
    response = await person.client.get(f"/call-recordings/{call_id}/download", headers=headers)
    assert response.status_code == (206 if headers else 200)
    return response.content


@pytest.mark.consequence("GET /call-recordings")
async def test_a_recording_is_listed_once_its_call_has_ended(ann: Person, book: CallBook) -> None:
    await book.add(status="in_progress")
    assert (await ann.get("/call-recordings"))["items"] == []
    call_id = await book.held()
    assert [each["call_id"] for each in (await ann.get("/call-recordings"))["items"]] == [call_id]
    assert (await ann.get(f"/call-logs/{call_id}"))["status"] == "completed"


@pytest.mark.consequence("GET /call-recordings/{call_id}")
async def test_size_duration_and_digest_are_those_of_the_file(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    shown, sound = await ann.get(f"/call-recordings/{call_id}"), await download(ann, call_id)
    assert (shown["size_bytes"], shown["sha256"]) == (len(sound), sha256(sound).hexdigest())
    info = soundfile.info(io.BytesIO(sound))
    assert shown["duration_seconds"] == info.frames / info.samplerate
    assert (shown["channels"], shown["sample_rate"]) == (info.channels, info.samplerate)
    assert sound == (await file_of(book, call_id)).read_bytes()


@pytest.mark.consequence("GET /call-recordings/{call_id}/download")
async def test_the_right_side_is_recognized_as_the_agent_and_ranges_work(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    await write_talk(await file_of(book, call_id))
    sound = await download(ann, call_id)
    part = await download(ann, call_id, Range="bytes=100-299")
    assert part == sound[100:300]
    right = soundfile.read(io.BytesIO(sound), dtype="int16")[0][:, 1]
    spoken = right[: int(np.flatnonzero(right)[-1]) + RATE // 4]
    heard = await recognized(spoken.astype("<i2").tobytes())
    assert "get that" in heard and "fine" not in heard


async def recognized(audio: bytes) -> str:
    recognizer = MoonshineSpeechToText()
    phrases = ("sorry i didn't get that", *common_phrases())
    try:
        stream = await recognizer.open(Recognition(AudioFormat(Encoding.L16, RATE), "en-US", phrases))
        stream.begin_utterance()
        stream.push(audio)
        heard = await stream.end_utterance()
        await stream.close()
    finally:
        await recognizer.close()
    return heard.text


@pytest.mark.consequence("DELETE /call-recordings/{call_id}")
async def test_a_deleted_recording_is_gone_from_the_store_and_its_call_stays(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    path = await file_of(book, call_id)
    await ann.delete(f"/call-recordings/{call_id}")
    assert not path.exists()
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["status"], call["recording_url"], len(call["transcript"])) == ("completed", None, 3)
    assert (await ann.client.get(f"/call-recordings/{call_id}/download")).status_code == 404


@pytest.mark.consequence("GET /call-recordings/{call_id}/transcript")
async def test_a_recordings_transcript_is_that_of_the_calls_log(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    found = await ann.get(f"/call-recordings/{call_id}/transcript")
    assert found == await ann.get(f"/call-logs/{call_id}/transcript")
    assert found["segments"] == (await ann.get(f"/call-logs/{call_id}"))["transcript"] != []


@pytest.mark.consequence("POST /call-recordings/{call_id}/transcribe")
async def test_a_new_version_appears_by_the_provider_named_and_a_receiver_hears_of_it(
    ann: Person, book: CallBook, backend: Backend, receiver: Receiver
) -> None:
    call_id = await book.held()
    await write_talk(await file_of(book, call_id))
    await ann.post("/webhooks", url=receiver.url, events=["transcript.ready", "call.analyzed"])
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202, provider="moonshine")
    await do_due(book.database, kind_of(book))
    found = await ann.get(f"/call-logs/{call_id}/transcript")
    assert [(each["version"], each["provider"]) for each in found["versions"]] == [(1, "live"), (2, "moonshine")]
    assert [each["speaker"] for each in found["segments"]] == ["agent", "caller"]
    assert "yes" in found["segments"][1]["text"].lower()
    await book.analyse()
    stop = asyncio.Event()
    async with WebhookSender(allow_list(receiver.allow), timeout_seconds=5) as sender:
        await do_due(book.database, Deliveries(Post(backend.database, backend.vault, sender), stop).kind())
        await receiver.until(2)
    ready, analyzed = (json.loads(each.body) for each in receiver.received)
    assert (ready["type"], ready["data"]["call_id"], ready["data"]["version"]) == ("transcript.ready", call_id, 2)
    assert (analyzed["type"], analyzed["data"]["id"]) == ("call.analyzed", call_id)
    assert analyzed["data"]["sentiment"] == (await ann.get(f"/call-logs/{call_id}"))["sentiment"]


@pytest.mark.consequence("GET /call-recordings/{call_id}/transcript/download")
async def test_subtitles_are_read_as_the_transcripts_segments(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    segments = (await ann.get(f"/call-logs/{call_id}/transcript"))["segments"]
    times = [(segment["start_ms"], segment["end_ms"]) for segment in segments]
    for format_, read in (("srt", read_srt), ("vtt", read_vtt)):
        path = f"/call-recordings/{call_id}/transcript/download"
        response = await ann.client.get(path, params={"format": format_})
        cues = read(response.text)
        assert [(cue[0], cue[1]) for cue in cues] == times, format_
