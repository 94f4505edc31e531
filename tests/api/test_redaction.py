"""Calls whose agents redact: a card that is spoken and keyed in fifty calls is kept nowhere, in text or in sound."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from sqlalchemy import text

from benchmarks.canary_cards import WORDS, card
from tests.api.calls import CallBook, book_of, result
from tests.api.conftest import Person
from tests.api.jobs import do_due
from voiceera import clock
from voiceera.config import Settings
from voiceera.media.follower import Follower
from voiceera.rules.calls import CallBrief, Speaker, TurnRecord
from voiceera.rules.redactions import Private, Redaction
from voiceera.rules.sound_files import SoundFormat
from voiceera.services import calls
from voiceera.services.sound_archive import SoundArchive
from voiceera.store.base import Database
from voiceera.worker.encoding import encoding

RATE = 8_000
SECONDS = 12
ASKED, FIRST, SECOND = (500, 2_000), (3_000, 5_000), (6_000, 8_000)


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


def spoken(digits: str, chance: random.Random) -> tuple[str, str]:
    """In two turns, by words or digits, in groups or not."""
    cut = chance.randrange(4, 12)
    said = []
    for piece in (digits[:cut], digits[cut:]):
        if chance.random() < 0.5:
            said.append(" ".join(WORDS[int(digit)] for digit in piece))
        else:
            said.append(" ".join(piece[at : at + 4] for at in range(0, len(piece), 4)))
    return said[0], said[1]


async def hold(book: CallBook, digits: str, chance: random.Random, redaction: Redaction) -> str:
    """A call in which a card is asked for, said in two turns with a noise, and saved by the flow."""
    call_id = UUID(await book.add(direction="browser"))
    brief = await book.brief(call_id)
    brief = replace(brief, agent=brief.agent.model_copy(update={"redaction": redaction}))
    noise = np.random.default_rng(chance.randrange(1 << 32)).integers(-9000, 9000, (SECONDS * RATE, 2), np.int16)
    soundfile.write(brief.recording_path, noise, RATE, subtype="PCM_16")
    first, second = spoken(digits, chance)
    turns = (
        TurnRecord(Speaker.AGENT, "What is your card number?", *ASKED),
        TurnRecord(Speaker.CALLER, f"it is {first}", *FIRST, result=digits[:6]),
        TurnRecord(Speaker.CALLER, second, *SECOND, result=digits),
        TurnRecord(Speaker.AGENT, f"Thank you, that was {digits}.", 9_000, 11_000),
    )
    await follow(book, brief, turns)
    ended = replace(result(Path(brief.recording_path), turns), results={"card": digits})
    await calls.close(book.database, brief, ended, datetime.now(UTC))
    return str(call_id)


async def follow(book: CallBook, brief: CallBrief, turns: tuple[TurnRecord, ...]) -> None:
    """As the media process tells each turn when it is over."""

    class Book:
        async def record_turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
            await calls.record_turn(book.database, brief.organization_id, brief.call_id, index, turn)

    follower = Follower(brief, Book(), None)  # type: ignore[arg-type]
    for index, turn in enumerate(turns):
        follower.turn(index, turn)
    await follower.finish()


async def encode(book: CallBook) -> None:
    archive = SoundArchive(book.settings.recordings_dir)
    for _ in range(2):
        await do_due(book.database, encoding(book.database, archive, SoundFormat.FLAC), clock.utc_now())


async def heard(person: Person, call_id: str) -> "npt.NDArray[np.int16]":
    answer = await person.client.get(f"/call-recordings/{call_id}/download")
    assert answer.status_code == 200
    sound: npt.NDArray[np.int16] = soundfile.read(BytesIO(answer.content), dtype="int16")[0]
    return sound


def part(sound: "npt.NDArray[np.int16]", channel: int, span: tuple[int, int]) -> "npt.NDArray[np.int16]":
    return sound[span[0] * RATE // 1000 : span[1] * RATE // 1000, channel]


async def everything(database: Database) -> str:
    """All rows of all tables, as text."""
    async with database.platform() as connection:
        names = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        tables = (await connection.execute(names)).scalars().all()
        rows = [(await connection.execute(text(f"SELECT t::text FROM {name} t"))).scalars().all() for name in tables]
    return "\n".join(line for each in rows for line in each)


async def test_a_card_in_fifty_calls_is_kept_nowhere(ann: Person, book: CallBook, tmp_path: Path) -> None:
    chance = random.Random(5)
    await ann.post("/webhooks", url="https://1.1.1.1/here")
    cards = [card(chance) for _ in range(50)]
    held = [await hold(book, digits, chance, Redaction(kinds=(Private.CARD,))) for digits in cards]
    await encode(book)
    await book.analyse()
    stored = await everything(book.database)
    for call_id, digits in zip(held, cards, strict=True):
        shown = await ann.client.get(f"/call-logs/{call_id}")
        for where in (stored, shown.text):
            assert digits not in where
            assert " ".join(digits[at : at + 4] for at in (0, 4)) not in where
            assert " ".join(WORDS[int(digit)] for digit in digits[:4]) not in where
            assert " ".join(WORDS[int(digit)] for digit in digits[-4:]) not in where
        assert "[card]" in shown.text
        assert shown.json()["data"]["extracted"] == {"card": "[card]"}
    sound = await heard(ann, held[7])
    for span in (FIRST, SECOND):
        assert not part(sound, 0, span).any()
        assert part(sound, 1, span).any()
    assert part(sound, 0, ASKED).any()
    assert part(sound, 1, ASKED).any()
    assert not part(sound, 1, (9_000, 11_000)).any()
    assert {path.suffix for path in book.settings.recordings_dir.rglob("*") if path.is_file()} == {".flac"}


async def test_the_same_calls_without_redaction_keep_it(ann: Person, book: CallBook) -> None:
    """The test above can fail."""
    chance = random.Random(5)
    digits = card(chance)
    call_id = await hold(book, digits, chance, Redaction())
    await encode(book)
    assert digits in await everything(book.database)
    assert part(await heard(ann, call_id), 0, FIRST).any()


async def test_until_it_is_redacted_the_sound_cannot_be_had(ann: Person, book: CallBook) -> None:
    chance = random.Random(6)
    call_id = await hold(book, card(chance), chance, Redaction(kinds=(Private.CARD,)))
    refused = await ann.client.get(f"/call-recordings/{call_id}/download")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "RECORDING_004")
    assert (await ann.get(f"/call-recordings/{call_id}"))["download_url"] is None
    await encode(book)
    assert (await ann.get(f"/call-recordings/{call_id}"))["download_url"]


async def test_the_sound_may_be_left_as_it_is(ann: Person, book: CallBook) -> None:
    chance = random.Random(7)
    call_id = await hold(book, card(chance), chance, Redaction(kinds=(Private.CARD,), audio=False))
    await encode(book)
    assert part(await heard(ann, call_id), 0, FIRST).any()
    assert "[card]" in (await ann.client.get(f"/call-logs/{call_id}")).text


async def test_an_agent_says_what_it_redacts(ann: Person) -> None:
    agent = await ann.post("/agents", name="Careful", redaction={"kinds": ["card", "name"]})
    assert agent["redaction"] == {"kinds": ["card", "name"], "audio": True}
    refused = await ann.post("/agents", 422, name="Else", redaction={"kinds": ["everything"]})
    assert refused["fields"][0]["field"].startswith("redaction.kinds")
