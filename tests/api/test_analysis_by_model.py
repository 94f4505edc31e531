"""A finished call read by the language model of the agent's plan: a server that speaks OpenAI's chat API."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person
from tests.vendors.chat import says
from tests.vendors.http_vendor import Answer, HttpVendor, http_vendor, whole
from voiceera.config import Settings
from voiceera.errors import ProviderError
from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.store.base import Database

TURNS = (
    TurnRecord(Speaker.AGENT, "Hello, this call is recorded. How can I help?", 0, 2_000),
    TurnRecord(Speaker.CALLER, "My boiler is still cold, it's the third time this week!", 2_500, 5_000),
    TurnRecord(Speaker.AGENT, "I'm sorry. Shall I send somebody tomorrow at nine?", 5_500, 8_000),
    TurnRecord(Speaker.CALLER, "Fine, tomorrow at nine.", 8_500, 10_000),
)
SCHEMA = {
    "type": "object",
    "properties": {"visit_at": {"type": "string"}, "times_called": {"type": "integer", "minimum": 0}},
    "required": ["visit_at"],
    "additionalProperties": False,
}
PLAN: dict[str, Any] = {
    "provider": "openai",
    "model": "judge-1",
    "instructions": "We repair boilers.",
    "dispositions": ["visit booked", "refused"],
    "extract": SCHEMA,
    "checks": [{"name": "apologized", "rule": "The agent said sorry."}, {"name": "price_told", "rule": "…"}],
}


def answer(**changed: Any) -> dict[str, Any]:
    cold = {"turn": 1, "quote": "My boiler is still cold"}
    mood = {"sentiment": "negative", "score": -0.6, "confidence": 0.9, "evidence": [cold]}
    return {
        "summary": "The boiler was cold again; a visit was booked.",
        "language": "en-US",
        "sentiment": {
            "caller": mood,
            "agent": None,
            "over_time": [{"turn": 1, "score": -0.8}, {"turn": 9, "score": 1}],
        },
        "emotions": [
            {"emotion": "frustration", "confidence": 0.8, "evidence": [cold]},
            {"emotion": "anger", "confidence": 0.6, "evidence": [{"turn": 1, "quote": "I will sue you"}]},
        ],
        "key_phrases": ["Cold boiler"],
        "extracted": {"visit_at": "tomorrow at nine", "times_called": 3},
        "extracted_from": [
            {"field": "visit_at", "confidence": 0.9, "turn": 3, "quote": "tomorrow at nine"},
            {"field": "times_called", "confidence": 0.7, "turn": 1, "quote": "four times"},
        ],
        "disposition": {"value": "visit booked", "confidence": 0.9, "evidence": [{"turn": 0, "quote": "Fine,"}]},
        "checks": [
            {"name": "apologized", "verdict": "passed", "confidence": 0.9, "turn": 2, "quote": "I'm sorry."},
        ],
    } | changed


def said(content: Any) -> Answer:
    text = json.dumps(content)
    return says(*(text[start : start + 50] for start in range(0, len(text), 50)))


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


@asynccontextmanager
async def judge(ann: Person, book: CallBook, *answers: Answer, **plan: Any) -> AsyncIterator[HttpVendor]:
    """The model that the agent's plan names; None takes a part of the plan away."""
    async with http_vendor(*answers) as vendor:
        fields = {"name": "Judge", "type": "llm", "provider": "openai", "config": {"base_url": vendor.url + "/v1"}}
        await ann.post("/integrations", **fields, credentials={"api_key": "sk-judge"})
        whole_plan = {name: value for name, value in (PLAN | plan).items() if value is not None}
        made = await ann.client.put(f"/agents/{book.agent_id}", json={"analysis": whole_plan})
        assert made.status_code == 200, made.text
        yield vendor


async def analysed(book: CallBook, vendor: HttpVendor, now: datetime | None = None) -> int:
    return await book.analyse(now, allow=f"127.0.0.1/32:{vendor.port}")


async def unheard_of(book: CallBook, call_id: str) -> None:
    """The call noted no disposition itself."""
    async with book.database.organization(book.organization_id) as connection:
        await connection.exec_driver_sql("UPDATE calls SET disposition = NULL")


async def test_what_the_plan_asks_for_is_found_with_its_evidence(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    await unheard_of(book, call_id)
    async with judge(ann, book, said(answer())) as vendor:
        assert await analysed(book, vendor) == 1
    (asked,) = vendor.asked
    sent = asked.json()
    assert sent["model"] == "judge-1" and asked.headers["authorization"] == "Bearer sk-judge"
    assert sent["response_format"]["json_schema"]["schema"]["properties"]["extracted"] == SCHEMA
    assert "We repair boilers." in sent["messages"][0]["content"]
    told = [json.loads(line) for line in sent["messages"][1]["content"].splitlines()]
    assert [(each["turn"], each["speaker"], each["text"]) for each in told] == [
        (place, turn.speaker, turn.text) for place, turn in enumerate(TURNS)
    ]
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["summary"], call["sentiment"]) == ("The boiler was cold again; a visit was booked.", "negative")
    assert (call["emotions"], call["key_phrases"], call["spoken_language"]) == (
        ["frustration", "anger"],
        ["cold boiler"],
        "en",
    )
    assert call["disposition"] == "visit booked"
    assert call["extracted"] == {"coming": "yes", "visit_at": "tomorrow at nine", "times_called": 3}
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["analyzer"], found["instead_of"]) == ("openai", None)
    assert found["disposition"]["is_the_calls"] and found["disposition"]["evidence"][0]["at_ms"] == 8_500
    assert [each["field"] for each in found["extraction"]["evidence"]] == ["visit_at"], "nobody said four times"
    frustration, anger = found["emotions"]
    assert (frustration["confidence"], frustration["evidence"][0]["at_ms"]) == (0.8, 2_500)
    assert (anger["confidence"], anger["evidence"]) == (0.3, []), "what nobody said proves nothing"
    assert found["sentiment"]["over_time"] == [{"at_ms": 2_500, "score": -0.8}]
    checks = {each["name"]: (each["verdict"], each["quote"]) for each in found["compliance"]}
    assert checks["apologized"] == ("passed", "I'm sorry.")
    assert checks["price_told"] == ("not_applicable", None)
    assert checks["recording_announced"][0] == "passed"


async def test_tokens_stand_in_the_calls_ledger_once_for_each_analysis(ann: Person, book: CallBook) -> None:
    await ann.post("/prices", part="llm", provider="openai", unit="prompt_token", price="1", per="1000")
    call_id = await book.held(TURNS)
    async with judge(ann, book, said(answer())) as vendor:
        await analysed(book, vendor)
        assert (await ann.get(f"/call-logs/{call_id}"))["cost"] == pytest.approx(0.02)
        await ann.post(f"/call-logs/{call_id}/analyze", 202)
        await analysed(book, vendor)
    assert (await ann.get(f"/call-logs/{call_id}"))["cost"] == pytest.approx(0.04)


async def test_a_disposition_that_the_call_noted_stays(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    async with judge(ann, book, said(answer())) as vendor:
        await analysed(book, vendor)
    assert (await ann.get(f"/call-logs/{call_id}"))["disposition"] == "confirmed"
    assert not (await ann.get(f"/call-logs/{call_id}/analysis"))["disposition"]["is_the_calls"]


async def test_another_analysis_changes_what_an_analysis_said(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    await unheard_of(book, call_id)
    second = answer(
        disposition={"value": "refused", "confidence": 1, "evidence": []}, extracted={"visit_at": "never"}
    )
    async with judge(ann, book, said(answer()), said(second)) as vendor:
        await analysed(book, vendor)
        await ann.post(f"/call-logs/{call_id}/analyze", 202)
        await analysed(book, vendor)
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["disposition"], call["extracted"]) == ("refused", {"coming": "yes", "visit_at": "never"})


async def test_an_answer_that_does_not_fit_is_asked_for_again_and_told_why(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    wrong = answer(extracted={"times_called": "three"}, summary=7)
    async with judge(ann, book, said(wrong), said(answer())) as vendor:
        await analysed(book, vendor)
    again = vendor.asked[1].json()["messages"][-1]["content"]
    assert 'summary: the value is not of type "string"' in again
    assert "extracted" in again and "visit_at" in again and "three" not in again
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["analyzer"], found["extraction"]["values"]["times_called"]) == ("openai", 3)


@pytest.mark.parametrize("reply", [says("I ", "cannot."), says("[1, ", "2]"), said({"summary": "Only this."})])
async def test_a_model_that_never_fits_leaves_it_to_the_embedded_analyzer(
    ann: Person, book: CallBook, reply: Answer
) -> None:
    call_id = await book.held(TURNS)
    async with judge(ann, book, reply) as vendor:
        await analysed(book, vendor)
    assert len(vendor.asked) == 2
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["state"], found["analyzer"], found["instead_of"]["analyzer"]) == ("done", "basic", "openai")
    assert "fits" in found["instead_of"]["reason"]
    assert found["extraction"] is None


async def test_a_schema_that_no_answer_fits_costs_the_extraction_only(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    impossible = {"type": "object", "properties": {"never": False}, "required": ["never"]}
    async with judge(ann, book, said(answer()), extract=impossible) as vendor:
        await analysed(book, vendor)
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["analyzer"], found["extraction"]["values"]) == ("openai", None)
    assert '"never" is a required property' in found["extraction"]["problem"]
    assert (await ann.get(f"/call-logs/{call_id}"))["extracted"] == {"coming": "yes"}


async def test_a_fenced_answer_is_read(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    async with judge(ann, book, says("```json\n", json.dumps(answer()), "\n```\n")) as vendor:
        await analysed(book, vendor)
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["analyzer"] == "openai"


async def test_a_vendor_in_trouble_is_asked_later_and_at_last_done_without(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    now = datetime.now(UTC) + timedelta(seconds=1)
    async with judge(ann, book, whole(500, b"oops")) as vendor:
        for _ in range(2):
            with pytest.raises(ProviderError):
                await analysed(book, vendor, now)
            assert (await ann.get(f"/call-logs/{call_id}/analysis"))["state"] == "pending"
            now += timedelta(minutes=11)
        await analysed(book, vendor, now)
    found = await ann.get(f"/call-logs/{call_id}/analysis")
    assert (found["state"], found["analyzer"]) == ("done", "basic")
    assert found["instead_of"] == {"analyzer": "openai", "reason": "answered 500"}


async def test_a_vendor_that_refuses_is_done_without_at_once(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    async with judge(ann, book, whole(401, b"{}")) as vendor:
        await analysed(book, vendor)
    assert len(vendor.asked) == 1
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["instead_of"]["reason"] == "answered 401"


async def test_who_asks_anew_meanwhile_gets_the_new_analysis(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)

    async def asked_meanwhile(*of: Any) -> None:
        await ann.post(f"/call-logs/{call_id}/analyze", 202)
        await said(answer(summary="The first."))(*of)

    async with judge(ann, book, asked_meanwhile, said(answer(summary="The second."))) as vendor:
        await analysed(book, vendor)
        found = await ann.get(f"/call-logs/{call_id}/analysis")
        assert (found["state"], found["summary"]) == ("pending", None)
        await analysed(book, vendor)
    assert (await ann.get(f"/call-logs/{call_id}"))["summary"] == "The second."


async def test_a_call_that_is_deleted_meanwhile_keeps_nothing(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)

    async def deleted_meanwhile(*of: Any) -> None:
        await ann.delete(f"/call-logs/{call_id}")
        await said(answer())(*of)

    async with judge(ann, book, deleted_meanwhile) as vendor:
        await analysed(book, vendor)
    await ann.get(f"/call-logs/{call_id}", 404)


async def test_no_model_is_asked_about_a_call_of_no_words(ann: Person, book: CallBook) -> None:
    call_id = await book.held((TurnRecord(Speaker.AGENT, "", 0, 0), TurnRecord(Speaker.CALLER, " ", 0, 0)))
    async with judge(ann, book, said(answer())) as vendor:
        await analysed(book, vendor)
    assert vendor.asked == []
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["analyzer"] == "basic"


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"dispositions": ["booked"]}, "analysis.provider"),
        ({"provider": "nobody"}, "analysis.provider"),
        (PLAN | {"extract": {"type": "array"}}, "analysis.extract"),
        (PLAN | {"extract": {"type": "object", "properties": {"a": {"type": "objekt"}}}}, "analysis.extract"),
        (
            PLAN | {"extract": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/x"}}}},
            "analysis.extract",
        ),
        (
            PLAN | {"extract": {"type": "object", "properties": {"a": {"description": "x" * 30_000}}}},
            "analysis.extract",
        ),
        (PLAN | {"checks": [{"name": "greeting_said", "rule": "x"}]}, "analysis.checks.0.name"),
        (PLAN | {"checks": [{"name": "Not a name", "rule": "x"}]}, "analysis.checks.0.name"),
        (PLAN | {"surprise": 1}, "analysis.surprise"),
    ],
)
async def test_a_plan_that_cannot_be_carried_out_is_refused(ann: Person, plan: dict[str, Any], field: str) -> None:
    refused = await ann.post("/agents", 422, name="Planner", analysis=plan)
    assert field in [each["field"] for each in refused["fields"]]


async def test_a_field_that_the_flow_saves_is_not_extracted_too(ann: Person) -> None:
    ask = {"kind": "ask", "text": "When?", "expect": {"type": "date"}, "save_as": "visit_at", "next": "end"}
    flow = {"start": "ask", "steps": {"ask": ask, "end": {"kind": "end", "disposition": "done"}}}
    refused = await ann.post("/agents", 422, name="Planner", flow=flow, analysis=PLAN)
    assert [each["field"] for each in refused["fields"]] == ["analysis.extract"]
    assert "visit_at" in refused["fields"][0]["message"]


async def test_the_newest_plan_counts_for_calls_that_were_held_before(ann: Person, book: CallBook) -> None:
    call_id = await book.held(TURNS)
    await book.analyse()
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["analyzer"] == "basic"
    async with judge(ann, book, said(answer())) as vendor:
        await ann.post(f"/call-logs/{call_id}/analyze", 202)
        await analysed(book, vendor)
    assert (await ann.get(f"/call-logs/{call_id}/analysis"))["analyzer"] == "openai"
