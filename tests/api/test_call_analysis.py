from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.api.calls import CallBook, book_of, same_answer, saying
from tests.api.conftest import Person
from voiceera.config import Settings
from voiceera.rules.analysis import Findings, Tokens
from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.services import analyses as service
from voiceera.services.analyses import Subject
from voiceera.store.base import Database


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


def heard(words: str) -> tuple[TurnRecord, ...]:
    return (TurnRecord(Speaker.AGENT, "Hello.", 0, 900), TurnRecord(Speaker.CALLER, words, 1_000, 2_500))


async def test_a_finished_call_is_analyzed_and_shows_it(ann: Person, book: CallBook) -> None:
    call_id = await book.held(heard("This is outrageous, I want my money back!"))
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["analysis_state"], call["sentiment"]) == ("pending", None)
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["sentiment"] is None
    assert await book.analyse() == 1
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["analysis_state"], call["sentiment"], call["emotions"]) == ("done", "negative", ["anger"])
    assert (call["key_phrases"], call["spoken_language"]) == (["outrageous", "money"], "en")
    assert "money back" in call["summary"]
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["state"], found["analyzer"], found["transcript_version"]) == ("done", "basic", 1)
    assert found["sentiment"]["overall"]["evidence"][0]["quote"] == "This is outrageous, I want my money back!"
    assert {check["name"]: check["verdict"] for check in found["compliance"]} == {
        "greeting_said": "passed",
        "recording_announced": "failed",
        "opt_out_honoured": "not_applicable",
    }
    assert await book.analyse() == 0


async def test_a_call_that_nobody_talked_on_has_no_analysis(ann: Person, book: CallBook) -> None:
    for call_id in (await book.add(status="busy"), await book.held(())):
        assert (await ann.get(f"/call-logs/{call_id}"))["analysis_state"] is None
        assert (await ann.get(f"/call-logs/{call_id}/analysis", 404))["code"] == "CALL_003"
    assert await book.analyse() == 0


async def test_only_the_agent_spoke_is_an_analysis_without_sentiment(ann: Person, book: CallBook) -> None:
    call_id = await book.held(saying("Is anybody there?"))
    await book.analyse()
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["analysis_state"], call["sentiment"], call["emotions"]) == ("done", None, None)
    assert call["summary"].endswith("The caller said nothing.")


@pytest.mark.parametrize("words", ["", "   ", "…", "?!", "\u200b", "🙂", "a" * 100_000, "no " * 30_000])
async def test_words_that_are_none_or_far_too_many_are_analyzed(ann: Person, book: CallBook, words: str) -> None:
    call_id = await book.held((TurnRecord(Speaker.AGENT, words, 0, 0), TurnRecord(Speaker.CALLER, words, 0, 0)))
    assert await book.analyse() == 1
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["state"], found["error"]) == ("done", None)
    assert len((await ann.get(f"/call-logs/{call_id}"))["summary"]) < 1_000


async def test_a_call_can_be_analyzed_again(ann: Person, book: CallBook) -> None:
    call_id = await book.held(heard("Lovely, thank you."))
    await book.analyse()
    async with book.database.organization(book.organization_id) as connection:
        await connection.execute(text("UPDATE call_turns SET text = 'You liars!' WHERE speaker = 'caller'"))
    again = await ann.post(f"/call-logs/{call_id}/analyze", 202)
    assert again["state"] == "pending"
    assert (await ann.get(f"/call-logs/{call_id}"))["sentiment"] == "positive", "what was said stands until then"
    await book.analyse()
    assert (await ann.get(f"/call-logs/{call_id}"))["sentiment"] == "negative"
    live = await book.add(status="in_progress")
    assert (await ann.post(f"/call-logs/{live}/analyze", 409))["code"] == "CALL_002"


async def test_an_analysis_that_fails_is_tried_again_and_then_given_up(ann: Person, book: CallBook) -> None:
    call_id = await book.held(heard("Hello."))
    now = datetime.now(UTC)

    async def find(_subject: Subject, _tokens: Tokens) -> Findings:
        raise RuntimeError("no analyzer")

    for tries in (1, 2, 3):
        with pytest.raises(RuntimeError):
            await service.analyse(book.database, book.organization_id, UUID(call_id), now, find)
        found = await ann.get(f"/call-logs/{call_id}/analysis")
        assert (found["state"], found["error"]) == ("pending" if tries < 3 else "failed", "RuntimeError")
        assert await book.analyse(now) == 0, "not due yet"
        now += timedelta(minutes=10)
    assert (await ann.get(f"/call-logs/{call_id}"))["analysis_state"] == "failed"
    await ann.post(f"/call-logs/{call_id}/analyze", 202)
    await book.analyse()
    assert (await ann.get(f"/call-logs/{call_id}"))["analysis_state"] == "done"


async def test_another_tenants_analysis_reads_as_one_that_never_was(ann: Person, bob: Person, book: CallBook) -> None:
    call_id = await book.held()
    assert (await same_answer(bob, "GET", "/call-logs/{}/analysis", call_id))[0] == 404
    assert (await same_answer(bob, "POST", "/call-logs/{}/analyze", call_id))[0] == 404
