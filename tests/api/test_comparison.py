"""Two groups of calls side by side: counted as their rows say, and told whether they differ by more than chance."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person
from tests.world import FLOW
from voiceera import clock
from voiceera.config import Settings
from voiceera.store.base import Database

PATH = "/analytics/comparison"


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def calls(book: CallBook, count: int, goals: int, version: int, agent_id: str | None = None) -> None:
    """All answered; the first ones reach the goal. They last 10, 11, 12 … seconds."""
    now = clock.utc_now()
    for index in range(count):
        told: dict[str, Any] = {
            "agent_version": version,
            "goal_reached": index < goals,
            "answered_at": now,
            "ended_at": now,
        }
        told |= {"agent_id": UUID(agent_id)} if agent_id else {}
        told |= {
            "duration_seconds": 10 + index % 10,
            "turns": 4,
            "sentiment": "positive" if index % 2 else "negative",
        }
        await book.add(**told, answer_ms=[100.0 * version, 200.0 * version])


async def test_two_versions_of_an_agent(ann: Person, book: CallBook) -> None:
    agent = str(book.agent_id)
    await ann.put(f"/agents/{agent}", flow=FLOW)
    await calls(book, 40, 10, 1)
    await calls(book, 50, 40, 2)
    await book.add(agent_version=1, status="busy", created_at=clock.utc_now() - timedelta(days=40))
    found = await ann.get(PATH, agent_id=agent, version=1, other_version=2, days=30)
    first, other = found["sides"]
    assert [(side["version"], side["calls"], side["agent_id"]) for side in (first, other)] == [
        (1, 40, agent),
        (2, 50, agent),
    ]
    assert first["goal_rate"] == {"percentage": 25.0, "low": 14.19, "high": 40.19, "of": 40}
    assert (other["goal_rate"]["percentage"], other["talk_seconds"]["mean"]) == (80.0, 14.5)
    assert (first["latency_ms_p50"], other["latency_ms_p95"]) == (150.0, 400.0)
    told = {each["measure"]: each for each in found["differences"]}
    assert (told["goal_rate"]["verdict"], told["goal_rate"]["difference"]) == ("higher", 55.0)
    assert told["goal_rate"]["message"].endswith("p < 0.001): more than chance.")
    assert [told[name]["verdict"] for name in ("answer_rate", "talk_seconds")] == ["no_difference"] * 2
    assert told["cost_per_call"]["verdict"] == "too_few"  # none of them has a cost
    assert (await ann.get(PATH, agent_id=agent, version=1, other_version=2))["sides"][0]["calls"] == 41


async def test_two_agents_and_nobody_elses(ann: Person, bob: Person, book: CallBook) -> None:
    other = (await ann.post("/agents", name="Dora", flow=FLOW))["id"]
    await calls(book, 3, 1, 1)
    await calls(book, 2, 1, 1, other)
    found = await ann.get(PATH, agent_id=str(book.agent_id), other_agent_id=other)
    assert [side["calls"] for side in found["sides"]] == [3, 2]
    assert {each["verdict"] for each in found["differences"]} == {"too_few"}
    theirs = (await bob.post("/agents", name="Theirs", flow=FLOW))["id"]
    assert (await ann.get(PATH, 404, agent_id=str(book.agent_id), other_agent_id=theirs))["code"] == "AGENT_001"
    assert (await ann.get(PATH, 404, agent_id=other, other_campaign_id=str(uuid4())))["code"] == "CAMPAIGN_001"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "other_version"),
        ({"version": 1, "other_version": 1}, "other_version"),
        ({"agent_id": None, "version": 1, "other_version": 2}, "agent_id"),
        ({"other_version": 0}, "other_version"),
    ],
)
async def test_what_cannot_be_compared_is_said(
    ann: Person, book: CallBook, query: dict[str, int | None], field: str
) -> None:
    asked = {"agent_id": str(book.agent_id)} | query
    error = await ann.get(PATH, 422, **{name: value for name, value in asked.items() if value is not None})
    assert error["fields"][0]["field"] == field
    assert (await ann.get(PATH, 404, agent_id=str(book.agent_id), version=7, other_version=1))["code"] == "AGENT_001"
