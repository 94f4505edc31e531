import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.api.calls import CallBook, book_of, same_answer
from tests.api.conftest import Person
from voiceera.config import Settings
from voiceera.store.base import Database

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
REPORTS = (
    *("calls", "sentiment", "emotions", "top-phrases", "agent-performance", "campaign-stats"),
    *("hourly-calls", "daily-calls", "export"),
)


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def add_campaign(book: CallBook, name: str = "Spring") -> UUID:
    campaign = await book.person.post("/campaigns", name=name, agent_id=str(book.agent_id))
    return UUID(campaign["id"])


async def totals_of(person: Person, /, **query: Any) -> int:
    return int((await person.get("/analytics/calls", **query))["total_calls"])


async def test_calls_are_counted_by_how_they_ended(ann: Person, book: CallBook) -> None:
    answered: dict[str, Any] = {"answered_at": NOON, "outcome": "reached"}
    await book.add(**answered, duration_seconds=30, cost="0.01", goal_reached=True, disposition="confirmed")
    await book.add(**answered, duration_seconds=60, cost="0.02")
    await book.add(status="voicemail", outcome="voicemail", answered_at=NOON, duration_seconds=9)
    await book.add(status="failed", outcome="failed")
    await book.add(status="in_progress", answered_at=NOON)
    found = await ann.get("/analytics/calls")
    assert (found["total_calls"], found["completed_calls"], found["failed_calls"]) == (5, 2, 1)
    assert (found["answered_calls"], found["answer_rate"], found["success_rate"]) == (4, 80.0, 40.0)
    assert (found["average_duration"], found["talk_seconds"]) == (33.0, 99.0)
    assert (found["goal_rate"], found["cost_per_call"], found["total_cost"]) == (25.0, 0.006, 0.03)
    assert {word: n for word, n in found["outcomes"].items() if n} == {"reached": 2, "voicemail": 1, "failed": 1}
    assert sum(found["statuses"].values()) == 5


async def test_reports_of_nothing_are_zeros(ann: Person) -> None:
    found = await ann.get("/analytics/calls")
    assert (found["total_calls"], found["success_rate"], found["cost_per_call"]) == (0, 0.0, None)
    assert (await ann.get("/analytics/sentiment"))["positive_percentage"] == 0.0
    assert [each["count"] for each in await ann.get("/analytics/emotions")] == [0] * 10
    assert await ann.get("/analytics/top-phrases") == []
    assert await ann.get("/analytics/agent-performance") == []
    assert [each["total"] for each in await ann.get("/analytics/hourly-calls")] == [0] * 24
    (today,) = await ann.get("/analytics/daily-calls")
    assert today["total"] == 0


async def test_sentiment_and_emotions_are_those_of_the_analyzed_calls(ann: Person, book: CallBook) -> None:
    for sentiment, emotions in (("positive", ["joy", "trust"]), ("negative", ["anger"]), ("negative", ["anger"])):
        await book.add(sentiment=sentiment, emotions=emotions)
    await book.add()
    found = await ann.get("/analytics/sentiment")
    assert (found["positive"], found["neutral"], found["negative"], found["unanalyzed"]) == (1, 0, 2, 1)
    assert (found["positive_percentage"], found["negative_percentage"]) == (33.3, 66.7)
    emotions_found = {each["emotion"]: each for each in await ann.get("/analytics/emotions")}
    assert list(emotions_found) == (
        [
            "joy",
            "satisfaction",
            "trust",
            "surprise",
            "confusion",
            "worry",
            "sadness",
            "frustration",
            "anger",
            "neutral",
        ]
    )
    assert {word: each["count"] for word, each in emotions_found.items() if each["count"]} == {
        "joy": 1,
        "trust": 1,
        "anger": 2,
    }
    assert emotions_found["anger"]["percentage"] == 50.0


async def test_top_phrases_count_calls_and_break_ties_by_the_alphabet(ann: Person, book: CallBook) -> None:
    for phrases in (["late delivery", "refund"], ["late delivery"], ["refund", "angry dog"]):
        await book.add(key_phrases=phrases, sentiment="neutral")
    assert await ann.get("/analytics/top-phrases") == [
        {"phrase": "late delivery", "count": 2, "frequency": 66.7},
        {"phrase": "refund", "count": 2, "frequency": 66.7},
        {"phrase": "angry dog", "count": 1, "frequency": 33.3},
    ]
    assert len(await ann.get("/analytics/top-phrases", limit=1)) == 1
    assert (await ann.get("/analytics/top-phrases", 422, limit=0))["fields"][0]["field"] == "limit"


async def test_filters_narrow_to_an_agent_a_campaign_and_a_period(ann: Person, book: CallBook) -> None:
    campaign_id = await add_campaign(book)
    other = UUID((await ann.post("/agents", name="Other"))["id"])
    await book.add(created_at=NOON, campaign_id=campaign_id)
    await book.add(created_at=NOON + timedelta(days=1))
    await book.add(created_at=NOON, agent_id=other)
    assert await totals_of(ann) == 3
    assert await totals_of(ann, agent_id=str(book.agent_id)) == 2
    assert await totals_of(ann, campaign_id=str(campaign_id)) == 1
    assert await totals_of(ann, agent_id=str(other), campaign_id=str(campaign_id)) == 0
    assert await totals_of(ann, date_from="2026-03-11") == 1
    assert await totals_of(ann, date_to="2026-03-10") == 2
    assert await totals_of(ann, date_to="2026-03-10T11:59:59Z") == 0
    assert await totals_of(ann, date_from="2026-03-10T12:00:00Z", date_to="2026-03-10") == 2
    assert await totals_of(ann, days=1) == 0
    await book.add()
    assert await totals_of(ann, days=1) == 1


async def test_a_period_with_two_beginnings_or_none_is_refused(ann: Person) -> None:
    for query, field in (
        ({"days": 7, "date_from": "2026-01-01"}, "days"),
        ({"days": 0}, "days"),
        ({"date_from": "2026-02-02", "date_to": "2026-02-01"}, "date_to"),
        ({"date_form": "2026-02-02"}, "date_form"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"agent_id": "7"}, "agent_id"),
    ):
        for report in REPORTS:
            error = await ann.get(f"/analytics/{report}", 422, **query)
            assert error["fields"][0]["field"] == field, (report, query)
    error = await ann.get("/analytics/daily-calls", 422, date_from="1900-01-01")
    assert error["fields"][0]["field"] == "date_from"


async def test_hours_are_those_of_the_zones_clock(ann: Person, book: CallBook) -> None:
    await book.add(created_at=datetime(2026, 3, 10, 18, 40, tzinfo=UTC))
    for zone, hour in (("UTC", 18), ("Asia/Kolkata", 0), ("Asia/Kathmandu", 0), ("America/New_York", 14)):
        rows = await ann.get("/analytics/hourly-calls", timezone=zone)
        assert [row["hour"] for row in rows] == list(range(24))
        assert [row["hour"] for row in rows if row["total"]] == [hour], zone


async def test_hours_follow_the_clock_over_its_change_to_summer_time(ann: Person, book: CallBook) -> None:
    """In Berlin, 1:30 UTC is 2:30 until the last Sunday of March, which has no such hour, and 3:30 from it on."""
    for day in (28, 29, 30):
        await book.add(created_at=datetime(2026, 3, day, 1, 30, tzinfo=UTC))
    rows = await ann.get("/analytics/hourly-calls", timezone="Europe/Berlin")
    assert {row["hour"]: row["total"] for row in rows if row["total"]} == {2: 1, 3: 2}


async def test_days_have_rows_also_where_nothing_was(ann: Person, book: CallBook) -> None:
    await book.add(created_at=NOON, status="failed")
    await book.add(created_at=NOON + timedelta(days=2))
    rows = await ann.get("/analytics/daily-calls", date_from="2026-03-09", date_to="2026-03-13")
    assert [(row["date"], row["total"], row["failed"]) for row in rows] == [
        ("2026-03-09", 0, 0),
        ("2026-03-10", 1, 1),
        ("2026-03-11", 0, 0),
        ("2026-03-12", 1, 0),
        ("2026-03-13", 0, 0),
    ]
    assert len(await ann.get("/analytics/daily-calls", days=7)) == 7
    everything = await ann.get("/analytics/daily-calls")
    assert everything[0]["date"] == "2026-03-10" and sum(row["total"] for row in everything) == 2


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"])
async def test_every_call_of_a_year_falls_on_its_local_day_and_hour(ann: Person, book: CallBook, zone: str) -> None:
    start = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
    made = [start + timedelta(hours=5, minutes=13) * index for index in range(1_600)]
    async with book.database.organization(book.organization_id) as connection:
        await connection.execute(
            text(
                "INSERT INTO calls (organization_id, id, direction, status, agent_id, agent_version, created_at)"
                " VALUES (:org, :id, 'outbound', 'busy', :agent, 1, :at)"
            ),
            [{"org": book.organization_id, "id": uuid4(), "agent": book.agent_id, "at": at} for at in made],
        )
    local = [at.astimezone(ZoneInfo(zone)) for at in made]
    days = await ann.get("/analytics/daily-calls", timezone=zone, date_from="2026-01-02", date_to="2026-11-30")
    expected = [str(at.date()) for at in local if "2026-01-02" <= str(at.date()) <= "2026-11-30"]
    assert {row["date"]: row["total"] for row in days if row["total"]} == {
        day: expected.count(day) for day in expected
    }
    hours = await ann.get("/analytics/hourly-calls", timezone=zone)
    assert [row["total"] for row in hours] == [[at.hour for at in local].count(hour) for hour in range(24)]


async def test_an_agents_row_is_a_recount_of_its_calls(ann: Person, book: CallBook) -> None:
    await book.held()
    await book.add(status="busy", turns=2, interruptions=1)
    quiet = await ann.post("/agents", name="Quiet")
    clara, other = await ann.get("/analytics/agent-performance")
    assert (clara["name"], clara["calls"], clara["answered"], clara["completed"]) == ("Clara", 2, 1, 1)
    assert (clara["turns"], clara["interruptions"], clara["talk_seconds"]) == (5, 1, 5.0)
    assert clara["latency_ms_p50"] == clara["latency_ms_p95"] == pytest.approx(612.5, rel=0.025)
    assert (other["agent_id"], other["calls"], other["latency_ms_p50"]) == (quiet["id"], 0, None)
    await ann.delete(f"/agents/{quiet['id']}")
    assert len(await ann.get("/analytics/agent-performance")) == 1
    assert len(await ann.get("/analytics/agent-performance", agent_id=quiet["id"])) == 1


async def test_a_campaigns_row_has_its_people_and_its_calls(ann: Person, book: CallBook) -> None:
    numbers = ["+12025550101", "+12025550102"]
    campaign = await ann.post("/campaigns", name="Spring", agent_id=str(book.agent_id), phone_numbers=numbers)
    await book.add(campaign_id=UUID(campaign["id"]))
    await book.add()
    (row,) = await ann.get("/analytics/campaign-stats")
    assert (row["name"], row["status"], row["calls"], row["completed"]) == ("Spring", "draft", 1, 1)
    assert (row["contacts"]["total"], row["contacts"]["pending"]) == (2, 2)
    assert await ann.get("/analytics/campaign-stats", campaign_id=campaign["id"]) == [row]


async def test_a_deleted_call_counts_no_more(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    await book.held()
    await ann.delete(f"/call-logs/{call_id}")
    assert await totals_of(ann) == 1
    (clara,) = await ann.get("/analytics/agent-performance")
    assert clara["calls"] == 1


async def test_another_tenants_agent_and_campaign_read_as_ones_that_never_were(
    ann: Person, bob: Person, book: CallBook, database: Database, settings: Settings
) -> None:
    campaign_id = await add_campaign(book)
    await book.add(campaign_id=campaign_id)
    for report in REPORTS:
        for query, theirs in (("agent_id", book.agent_id), ("campaign_id", campaign_id)):
            status, _ = await same_answer(bob, "GET", f"/analytics/{report}?{query}={{}}", str(theirs))
            assert status == 404
    assert await totals_of(bob) == 0


# ── export ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def exported(person: Person, report: str, /, **query: Any) -> list[dict[str, str]]:
    response = await person.client.get("/analytics/export", params={"report": report, **query})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv")
    assert f'filename="{report}.csv"' in response.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(response.text)))


async def test_exported_calls_are_the_calls_of_the_report(
    ann: Person, book: CallBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceera.services.analytics._ROWS_AT_ONCE", 2)
    made = [await book.add(created_at=NOON, status=status) for status in ("busy", "busy", "failed", "completed")]
    rows = await exported(ann, "calls")
    assert sorted(row["id"] for row in rows) == sorted(made)
    assert [row["id"] for row in await exported(ann, "calls", date_from="2026-03-11")] == []
    assert rows[0]["created_at"] == "2026-03-10T12:00:00.000Z"


async def test_every_report_can_be_exported_and_says_the_same(ann: Person, book: CallBook) -> None:
    await add_campaign(book)
    await book.add(sentiment="positive", emotions=["joy"], key_phrases=["refund"])
    await book.add(status="busy")
    assert {row["sentiment"]: row["count"] for row in await exported(ann, "sentiment")}["positive"] == "1"
    assert {row["emotion"]: row["count"] for row in await exported(ann, "emotions")}["joy"] == "1"
    assert await exported(ann, "top-phrases") == [{"phrase": "refund", "count": "1", "frequency": "100.0"}]
    assert sum(int(row["total"]) for row in await exported(ann, "hourly-calls")) == 2
    assert sum(int(row["total"]) for row in await exported(ann, "daily-calls")) == 2
    (agent,) = await exported(ann, "agent-performance")
    assert (agent["name"], agent["calls"], agent["sentiment.positive"]) == ("Clara", "2", "1")
    (campaign,) = await exported(ann, "campaign-stats")
    assert (campaign["name"], campaign["contacts.total"]) == ("Spring", "0")
    error = await ann.get("/analytics/export", 422, report="everything")
    assert error["fields"][0]["field"] == "report"


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
async def test_a_formula_in_a_name_is_only_text(ann: Person, book: CallBook, name: str) -> None:
    await book.add(contact_name=name, notes='a "quoted", line\nand another')
    (row,) = await exported(ann, "calls")
    assert row["contact_name"] == f"'{name}"
    assert row["notes"] == 'a "quoted", line\nand another'
