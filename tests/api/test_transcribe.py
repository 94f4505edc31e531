from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import soundfile

from tests.api.calls import TURNS, CallBook, book_of, same_answer
from tests.api.conftest import Person
from tests.api.jobs import do_due
from tests.vendors.test_deepgram import serve_deepgram
from voiceera.config import Settings
from voiceera.errors import ProviderError
from voiceera.providers.on_this_machine import Machine
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import SpeechToText, Voice
from voiceera.providers.speech.espeak import EspeakTextToSpeech
from voiceera.providers.speech.scripted import ScriptedSpeechToText
from voiceera.rules.audio import AudioFormat, Encoding
from voiceera.services.connections import Connections
from voiceera.services.sound_archive import SoundArchive
from voiceera.store.base import Database
from voiceera.store.vault import Vault
from voiceera.worker.jobs import Kind
from voiceera.worker.transcription import Recognizers, registered, transcription

RATE = 16_000
L16 = AudioFormat(Encoding.L16, RATE)


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


@pytest.fixture
async def call_id(book: CallBook) -> str:
    return await book.held()


@pytest.fixture
def sound(call_id: str, tmp_path: Path) -> Path:
    return next(tmp_path.rglob(f"{call_id}.wav"))


def scripted(*answers: str | ProviderError) -> Recognizers:
    recognizer: SpeechToText = ScriptedSpeechToText(answers)
    return lambda _organization, _name: nullcontext(recognizer)


def kind_of(book: CallBook, recognizers: Recognizers | None = None, *, allow: str = "") -> Kind:
    """`allow`: inside addresses that vendors may have."""
    archive = SoundArchive(book.settings.recordings_dir)
    connections = Connections(book.database, Vault.load(book.settings), allow_list(allow))
    return transcription(
        book.database, archive, recognizers or registered(connections, Machine(book.settings.models_folder))
    )


async def spoken(text: str, voice: str = "en-US") -> "np.ndarray[Any, np.dtype[np.int16]]":
    """Real speech, as espeak-ng says it."""
    provider = EspeakTextToSpeech()
    try:
        pieces = [piece async for piece in provider.speak(text, Voice(voice), L16)]
    finally:
        await provider.close()
    return np.frombuffer(b"".join(pieces), np.int16)


async def write_talk(path: Path) -> None:
    """The agent asks on the right, the caller answers on the left."""
    question, answer = await spoken("Sorry, I didn't get that."), await spoken("yes please that is fine")
    pause = np.zeros(RATE, np.int16)
    right = np.concatenate([pause, question, pause, np.zeros_like(answer), pause])
    left = np.concatenate([pause, np.zeros_like(question), pause, answer, pause])
    soundfile.write(path, np.stack([left, right], axis=1), RATE, subtype="PCM_16")


async def transcript(person: Person, call_id: str, **query: Any) -> Any:
    return await person.get(f"/call-recordings/{call_id}/transcript", **query)


async def outcome(person: Person, call_id: str) -> tuple[str, str | None]:
    request = (await transcript(person, call_id))["transcriptions"][-1]
    return request["state"], request["reason"]


async def test_a_new_version_is_heard_from_the_recording_channel_by_channel(
    ann: Person, book: CallBook, call_id: str, sound: Path
) -> None:
    await write_talk(sound)
    asked = await ann.post(f"/call-recordings/{call_id}/transcribe", 202)
    assert (asked["state"], asked["provider"], asked["language"]) == ("queued", "moonshine", "en-US")
    assert await do_due(book.database, kind_of(book)) == 1
    newest = await transcript(ann, call_id)
    assert (newest["version"], newest["provider"]) == (2, "moonshine")
    agent, caller = newest["segments"]
    assert (agent["speaker"], caller["speaker"]) == ("agent", "caller")
    assert "get that" in agent["text"] and "yes" in caller["text"].lower()
    assert agent["start_ms"] == pytest.approx(1_000, abs=300) and caller["start_ms"] > agent["end_ms"]
    assert await ann.get(f"/call-logs/{call_id}/transcript") == newest
    assert (await ann.get(f"/call-logs/{call_id}"))["transcript"] == newest["segments"]
    assert await outcome(ann, call_id) == ("done", None)


async def test_the_versions_before_stay_and_can_be_read(
    ann: Person, book: CallBook, call_id: str, sound: Path
) -> None:
    await write_talk(sound)
    for words in ("first", "second"):
        await ann.post(f"/call-recordings/{call_id}/transcribe", 202, provider="scripted", language="de-DE")
        await do_due(book.database, kind_of(book, scripted(words, words)))
    newest = await transcript(ann, call_id)
    assert [(each["version"], each["provider"]) for each in newest["versions"]] == [
        (1, "live"),
        (2, "scripted"),
        (3, "scripted"),
    ]
    assert {each["text"] for each in newest["segments"]} == {"second"}
    assert {each["text"] for each in (await transcript(ann, call_id, version=2))["segments"]} == {"first"}
    live = (await ann.get(f"/call-logs/{call_id}/transcript", version=1))["segments"]
    assert [each["text"] for each in live] == [turn.text for turn in TURNS]
    assert (await ann.get(f"/call-logs/{call_id}/transcript", 404, version=4))["code"] == "TRANSCRIPT_001"
    text = await ann.client.get(f"/call-recordings/{call_id}/transcript/download", params={"version": 2})
    assert "first" in text.text and "second" not in text.text


async def test_a_new_version_is_analyzed(ann: Person, book: CallBook, call_id: str, sound: Path) -> None:
    await write_talk(sound)
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202)
    await do_due(book.database, kind_of(book, scripted("You liars!", "Hello.")))
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["state"] == "pending"


async def test_only_one_is_made_at_a_time(ann: Person, call_id: str) -> None:
    asked = await ann.post(f"/call-recordings/{call_id}/transcribe", 202)
    error = await ann.post(f"/call-recordings/{call_id}/transcribe", 409)
    assert error["code"] == "RECORDING_002" and asked["id"] in error["details"]


async def test_an_unknown_provider_is_refused_and_the_known_ones_are_named(ann: Person, call_id: str) -> None:
    error = await ann.post(f"/call-recordings/{call_id}/transcribe", 422, provider="nobody")
    assert error["fields"][0]["field"] == "provider" and "moonshine" in error["fields"][0]["message"]
    error = await ann.post(f"/call-recordings/{call_id}/transcribe", 422, language="English, please")
    assert error["fields"][0]["field"] == "language"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "recording_gone"),
        (lambda path: path.write_text("RIFF of old"), "not_a_recording"),
        (lambda path: soundfile.write(path, np.zeros((0, 2)), 8_000, subtype="PCM_16"), "empty_recording"),
        (lambda path: soundfile.write(path, np.zeros((100, 2)), 44_100, subtype="PCM_16"), "not_a_recording"),
        (lambda path: soundfile.write(path, np.zeros((8_000, 2)), 8_000, subtype="PCM_16"), "no_words"),
    ],
)
async def test_a_recording_that_cannot_be_transcribed_says_why(
    ann: Person, book: CallBook, call_id: str, sound: Path, spoil: Any, reason: str
) -> None:
    spoil(sound)
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202)
    await do_due(book.database, kind_of(book))
    assert await outcome(ann, call_id) == ("failed", reason)
    assert [each["version"] for each in (await transcript(ann, call_id))["versions"]] == [1]
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202)


async def test_a_provider_that_fails_is_tried_again_and_then_given_up(
    ann: Person, book: CallBook, call_id: str, sound: Path
) -> None:
    await write_talk(sound)
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202)
    kind = kind_of(book, scripted(ProviderError("scripted", "out of order")))
    now = datetime.now(UTC)
    for state in ("queued", "queued", "failed"):
        assert await do_due(book.database, kind, now) == 1
        assert await outcome(ann, call_id) == (state, "provider_failed")
        assert await do_due(book.database, kind, now) == 0
        now += timedelta(minutes=11)


async def test_a_language_that_the_provider_does_not_know_is_not_tried_again(
    ann: Person, book: CallBook, call_id: str, sound: Path
) -> None:
    await write_talk(sound)
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202, language="hi-IN")
    await do_due(book.database, kind_of(book))
    assert await outcome(ann, call_id) == ("failed", "provider_failed")


async def test_a_call_that_is_deleted_meanwhile_keeps_nothing(
    ann: Person, book: CallBook, call_id: str, sound: Path
) -> None:
    await write_talk(sound)
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202)

    @asynccontextmanager
    async def deleting(*_whose: Any) -> AsyncIterator[SpeechToText]:
        yield ScriptedSpeechToText(("words", "words"))
        await ann.delete(f"/call-logs/{call_id}")

    await do_due(book.database, kind_of(book, deleting))
    async with book.database.organization(book.organization_id) as connection:
        for table in ("transcripts", "transcriptions", "analyses"):
            found = await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")
            assert found.scalar_one() == 0


async def test_without_a_recording_there_is_nothing_to_transcribe(
    ann: Person, bob: Person, book: CallBook, call_id: str
) -> None:
    silent = await book.add()
    assert (await ann.post(f"/call-recordings/{silent}/transcribe", 404))["code"] == "RECORDING_001"
    assert (await same_answer(bob, "POST", "/call-recordings/{}/transcribe", call_id))[0] == 404
    await ann.delete(f"/call-recordings/{call_id}")
    await ann.post(f"/call-recordings/{call_id}/transcribe", 404)
    assert UUID(call_id)


async def test_a_vendors_own_account_transcribes(ann: Person, book: CallBook, call_id: str, sound: Path) -> None:
    await write_talk(sound)
    refused = await ann.post(f"/call-recordings/{call_id}/transcribe", 422, provider="nobody/Ours")
    assert refused["fields"][0]["field"] == "provider"
    async with serve_deepgram(words=("yes please",)) as far:
        base_url, allow = f"http://127.0.0.1:{far.port}/v1", f"127.0.0.1/32:{far.port}"
        fields = {"name": "Ours", "type": "stt", "provider": "deepgram", "config": {"base_url": base_url}}
        await ann.post("/integrations", **fields, credentials={"api_key": "dg-ours"})
        await ann.post(f"/call-recordings/{call_id}/transcribe", 202, provider="deepgram/Ours")
        await do_due(book.database, kind_of(book, allow=allow))
        assert await outcome(ann, call_id) == ("done", None)
        assert far.key == "Token dg-ours"
    newest = await transcript(ann, call_id)
    assert {each["text"] for each in newest["segments"]} == {"yes please"}


async def test_a_vendor_without_an_account_says_so(ann: Person, book: CallBook, call_id: str, sound: Path) -> None:
    await write_talk(sound)
    await ann.post(f"/call-recordings/{call_id}/transcribe", 202, provider="deepgram")
    await do_due(book.database, kind_of(book))
    assert await outcome(ann, call_id) == ("failed", "provider_failed")
