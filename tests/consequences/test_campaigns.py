"""What the routes of campaigns do: to the phones that ring, to the call logs, to the contacts."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.consequences.conftest import Line
from tests.world import number
from voiceera.providers.protocols import EndedAs

STATES = ("pending", "in_progress", "reached", "exhausted", "suppressed", "invalid", "canceled")


async def recount(line: Line, campaign_id: str) -> dict[str, int]:
    """Where the contacts' rows stand."""
    statement = text("SELECT state, count(*) AS n FROM contacts WHERE campaign_id = :id GROUP BY state")
    async with line.backend.database.organization(line.organization_id) as connection:
        rows = (await connection.execute(statement, {"id": campaign_id})).all()
    return dict.fromkeys(STATES, 0) | {row.state: row.n for row in rows}


async def call_logs(line: Line, campaign_id: str) -> list[Any]:
    found = await line.person.get("/call-logs", campaign_id=campaign_id, limit=100)
    return list(found["items"])


@pytest.mark.consequence("GET /campaigns")
async def test_the_status_filter_follows_every_move(line: Line) -> None:
    campaign = await line.campaign()
    path = f"/campaigns/{campaign['id']}"

    async def listed_as() -> list[str]:
        states = ("draft", "active", "paused", "stopped")
        return [state for state in states if (await line.person.get("/campaigns", status=state))["total"]]

    seen = [*await listed_as()]
    for move in ("launch", "pause", "resume", "stop"):
        await line.person.post(f"{path}/{move}", 200)
        seen += await listed_as()
    assert seen == ["draft", "active", "paused", "active", "stopped"]


@pytest.mark.consequence("POST /campaigns")
async def test_contacts_stand_behind_a_new_campaign_normalized_and_without_duplicates(line: Line) -> None:
    written = ["(202) 555-0101", "+1 202 555 0102", "2025550101", "12"]
    campaign = await line.campaign(phone_numbers=written)
    people = await line.person.get(f"/campaigns/{campaign['id']}/contacts", sort="phone_number")
    assert [person["phone_number"] for person in people["items"]] == ["+12025550101", "+12025550102"]
    await line.person.post(f"/campaigns/{campaign['id']}/launch", 200)
    assert sorted(await line.ring(2)) == ["+12025550101", "+12025550102"]


@pytest.mark.consequence("GET /campaigns/{campaign_id}")
async def test_progress_moves_as_the_phones_ring(line: Line) -> None:
    campaign = await line.launched(people=3)
    path = f"/campaigns/{campaign['id']}"
    assert (await line.person.get(path))["progress"]["pending"] == 3
    await line.rounds()
    progress = (await line.person.get(path))["progress"]
    assert (progress["in_progress"], progress["pending"]) == (len(await line.rung()), 0) == (3, 0)
    await line.ends(EndedAs.COMPLETED)
    assert (await line.person.get(path))["progress"]["in_progress"] == 0


@pytest.mark.consequence("PUT /campaigns/{campaign_id}")
async def test_a_lower_limit_is_obeyed_from_the_next_ring_on(line: Line) -> None:
    campaign = await line.launched(people=8, max_concurrent_calls=4)
    await line.rounds()
    assert len(await line.rung()) == 4
    await line.person.put(f"/campaigns/{campaign['id']}", max_concurrent_calls=2)
    await line.ends(count=2)
    assert await line.rounds() == 0, "two calls are under way, and there may be no more"
    await line.ends(count=1)
    await line.rounds()
    assert len(await line.rung()) == 5


@pytest.mark.consequence("DELETE /campaigns/{campaign_id}")
async def test_a_deleted_campaign_rings_nobody_more_and_keeps_its_calls(line: Line) -> None:
    campaign = await line.launched(people=4, max_concurrent_calls=2)
    path = f"/campaigns/{campaign['id']}"
    await line.rounds()
    assert (await line.person.delete(path, 409))["code"] == "CAMPAIGN_002"
    await line.person.post(f"{path}/pause", 200)
    await line.person.delete(path)
    await line.ends()
    assert (await line.rounds(), len(await line.rung())) == (0, 2)
    assert (await line.person.get(path, 404))["code"] == "CAMPAIGN_001"
    assert len(await call_logs(line, campaign["id"])) == 2


@pytest.mark.consequence("POST /campaigns/{campaign_id}/pause")
async def test_a_pause_rings_nobody_more_and_leaves_live_calls_alone(line: Line) -> None:
    campaign = await line.launched(people=4, max_concurrent_calls=2)
    await line.rounds()
    await line.person.post(f"/campaigns/{campaign['id']}/pause", 200)
    assert (await line.rounds(), len(await line.rung())) == (0, 2)
    assert (await line.carrier()).hung_up == []
    assert {call["status"] for call in await call_logs(line, campaign["id"])} <= {"dialing", "ringing"}


@pytest.mark.consequence("POST /campaigns/{campaign_id}/resume")
async def test_after_a_pause_the_rest_are_rung_and_none_twice(line: Line) -> None:
    campaign = await line.launched(people=5, max_concurrent_calls=2)
    path = f"/campaigns/{campaign['id']}"
    await line.rounds()
    await line.person.post(f"{path}/pause", 200)
    await line.person.post(f"{path}/resume", 200)
    for _ in range(3):
        await line.ends(EndedAs.COMPLETED)
        await line.rounds()
    assert sorted(await line.rung()) == [number(100 + index) for index in range(5)]


@pytest.mark.consequence("POST /campaigns/{campaign_id}/stop")
async def test_a_stop_cancels_who_waits_and_none_rings_again(line: Line) -> None:
    campaign = await line.launched(people=5, max_concurrent_calls=2)
    path = f"/campaigns/{campaign['id']}"
    await line.rounds()
    await line.person.post(f"{path}/stop", 200)
    waiting = await line.person.get(f"{path}/contacts", status="canceled")
    assert waiting["total"] == 3
    await line.ends()
    assert (await line.rounds(), len(await line.rung())) == (0, 2)


@pytest.mark.consequence("GET /campaigns/{campaign_id}/stats")
async def test_statistics_equal_a_recount_of_rows_and_rings_at_any_moment(line: Line) -> None:
    campaign = await line.launched(people=6, max_concurrent_calls=3)

    async def agrees() -> None:
        stats = await line.person.get(f"/campaigns/{campaign['id']}/stats")
        assert {state: stats[state] for state in STATES} == await recount(line, campaign["id"])
        assert sum(stats[state] for state in STATES) == stats["total"] == 6
        assert stats["attempts"] + stats["dialing"] + stats["live"] == len(await line.rung())
        ended = [call for call in await call_logs(line, campaign["id"]) if call["ended_at"]]
        assert sum(stats["outcomes"].values()) == len(ended)

    await agrees()
    for ended_as in (EndedAs.BUSY, EndedAs.COMPLETED, EndedAs.NO_ANSWER):
        await line.rounds()
        await agrees()
        await line.ends(ended_as, count=2)
        await agrees()
    await line.person.post(f"/campaigns/{campaign['id']}/stop", 200)
    await agrees()
