"""What the reports say, held against the calls that they count, as other routes show them."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.api.calls import LATENCY, CallBook
from tests.api.conftest import Person
from tests.consequences.conftest import Line
from voiceera.providers.protocols import EndedAs
from voiceera.rules.calls import Speaker, TurnRecord

EVENING = datetime(2026, 3, 10, 18, 40, tzinfo=UTC)


async def talked(book: CallBook, *words: str) -> list[str]:
    """Calls in which the caller said this, analyzed."""
    made = []
    for said in words:
        caller = TurnRecord(Speaker.CALLER, said, 1_000, 3_000)
        made.append(await book.held((TurnRecord(Speaker.AGENT, "Hello.", 0, 900, latency=LATENCY), caller)))
    await book.analyse()
    return made


async def all_calls(person: Person, **query: Any) -> list[Any]:
    page = await person.get("/call-logs", limit=100, **query)
    assert page["next_cursor"] is None
    return list(page["items"])


@pytest.mark.consequence("GET /analytics/calls")
async def test_one_more_call_changes_the_report_by_exactly_that_call(ann: Person, book: CallBook) -> None:
    await book.add(status="busy", outcome="busy")
    before = await ann.get("/analytics/calls")
    call = await ann.get(f"/call-logs/{await book.held(cost='0.05')}")
    after = await ann.get("/analytics/calls")
    assert after["total_calls"] - before["total_calls"] == 1
    assert after["completed_calls"] - before["completed_calls"] == 1
    assert after["outcomes"] == before["outcomes"] | {call["outcome"]: 1}
    assert after["statuses"] == before["statuses"] | {call["status"]: 1}
    assert after["average_duration"] == call["duration_seconds"]
    assert (after["success_rate"], after["total_cost"], after["cost_per_call"]) == (50.0, call["cost"], 0.025)
    await ann.delete(f"/call-logs/{call['id']}")
    assert await ann.get("/analytics/calls") == before


@pytest.mark.consequence("GET /analytics/sentiment")
async def test_a_cross_caller_moves_negative_by_one(ann: Person, book: CallBook) -> None:
    await talked(book, "Lovely, thank you.", "It is on Monday.")
    before = await ann.get("/analytics/sentiment")
    (call_id,) = await talked(book, "This is outrageous, you charged me twice!")
    after = await ann.get("/analytics/sentiment")
    assert (await ann.get(f"/call-logs/{call_id}"))["sentiment"] == "negative"
    for word, more in (("positive", 0), ("neutral", 0), ("negative", 1), ("unanalyzed", 0)):
        assert after[word] - before[word] == more, word
    assert after["negative_percentage"] == 33.3


@pytest.mark.consequence("GET /analytics/emotions")
async def test_emotions_sum_to_those_of_the_analyzed_calls(ann: Person, book: CallBook) -> None:
    said = ("Thanks, I trust you.", "I am furious!", "I am confused and worried.", "Room seven.")
    await talked(book, *said)
    await book.add(status="busy")
    felt = Counter(emotion for call in await all_calls(ann) for emotion in call["emotions"] or ())
    found = {each["emotion"]: each["count"] for each in await ann.get("/analytics/emotions")}
    assert Counter(found) == felt
    assert sum(felt.values()) >= len(said)


@pytest.mark.consequence("GET /analytics/top-phrases")
async def test_a_phrase_said_in_seven_calls_counts_seven(ann: Person, book: CallBook) -> None:
    await talked(
        book,
        *("My parcel is missing.", "Is it the missing parcel?", "Again a missing parcel, a missing parcel!"),
        *("The missing parcel came.", "About that missing parcel.", "No missing parcel here.", "A missing parcel."),
        *("I have a missing parcel.", "The weather is nice."),
    )
    (first,) = await ann.get("/analytics/top-phrases", limit=1)
    assert (first["phrase"], first["count"]) == ("missing parcel", 7)
    assert sum("missing parcel" in call["key_phrases"] for call in await all_calls(ann)) == 7


@pytest.mark.consequence("GET /analytics/agent-performance")
async def test_an_agents_row_equals_a_recount_of_its_calls(ann: Person, book: CallBook) -> None:
    await talked(book, "Thank you.", "You liars!")
    await book.add(status="no_answer", outcome="no_answer", interruptions=2, turns=1)
    calls = await all_calls(ann, agent_id=str(book.agent_id))
    (row,) = await ann.get("/analytics/agent-performance")
    completed = [call for call in calls if call["status"] == "completed"]
    assert (row["agent_id"], row["calls"], row["completed"]) == (str(book.agent_id), len(calls), len(completed))
    assert row["talk_seconds"] == sum(call["duration_seconds"] for call in completed)
    for word in ("turns", "interruptions"):
        assert row[word] == sum(call[word] for call in calls)
    assert row["sentiment"]["negative"] == sum(call["sentiment"] == "negative" for call in calls) == 1
    assert row["latency_ms_p95"] == pytest.approx(completed[0]["latency"]["total_ms_p50"], rel=0.025)


@pytest.mark.consequence("GET /analytics/campaign-stats")
async def test_a_campaigns_row_equals_its_own_statistics(line: Line) -> None:
    campaign = await line.launched(people=5, max_concurrent_calls=3)
    await line.rounds()
    await line.ends(EndedAs.BUSY, count=2)
    stats = await line.person.get(f"/campaigns/{campaign['id']}/stats")
    (row,) = await line.person.get("/analytics/campaign-stats")
    assert row["contacts"] == {word: stats[word] for word in row["contacts"]}
    assert row["attempts"] == stats["outcomes"] and row["attempts"]["busy"] == 2
    assert row["calls"] == stats["attempts"] + stats["dialing"] + stats["live"] == len(await line.rung())


@pytest.mark.consequence("GET /analytics/hourly-calls")
async def test_the_hours_shift_with_the_zone_half_hours_too(ann: Person, book: CallBook) -> None:
    await book.add(created_at=EVENING)
    for zone, hour in (("UTC", 18), ("Asia/Kolkata", 0), ("Asia/Kathmandu", 0), ("Australia/Eucla", 3)):
        rows = await ann.get("/analytics/hourly-calls", timezone=zone)
        assert [row["hour"] for row in rows if row["total"]] == [hour], zone
        day = "2026-03-11" if hour < 18 else "2026-03-10"
        assert (await ann.get(f"/call-logs/date/{day}", timezone=zone))["total"] == 1


@pytest.mark.consequence("GET /analytics/daily-calls")
async def test_the_days_sum_to_the_report_of_calls(ann: Person, book: CallBook) -> None:
    for status in ("completed", "failed", "busy"):
        await book.add(status=status, created_at=EVENING)
    await book.add()
    for query in ({}, {"timezone": "Asia/Kolkata"}, {"date_to": "2026-03-11"}, {"days": 3}):
        total = await ann.get("/analytics/calls", **query)
        rows = await ann.get("/analytics/daily-calls", **query)
        for word, of_all in (("total", "total_calls"), ("completed", "completed_calls"), ("failed", "failed_calls")):
            assert sum(row[word] for row in rows) == total[of_all], (query, word)


@pytest.mark.consequence("GET /analytics/export")
async def test_exported_rows_add_up_and_a_formula_is_harmless(ann: Person, book: CallBook) -> None:
    await book.add(contact_name="=2+5+cmd|' /C calc'!A0", status="busy")
    await book.held()
    response = await ann.client.get("/analytics/export", params={"report": "calls"})
    rows = list(csv.DictReader(io.StringIO(response.text)))
    report = await ann.get("/analytics/calls")
    assert Counter(row["status"] for row in rows) == Counter({w: n for w, n in report["statuses"].items() if n})
    assert sum(float(row["duration_seconds"] or 0) for row in rows) == report["talk_seconds"]
    assert {UUID(row["id"]) for row in rows} == {UUID(call["id"]) for call in await all_calls(ann)}
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.endswith("cmd|' /C calc'!A0") for cell in cells), "it is still there to be read"
