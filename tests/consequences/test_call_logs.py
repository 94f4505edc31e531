"""What the routes of call logs say and do, held against the carrier, against each other and against the store."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.calls import TURNS, CallBook
from tests.api.conftest import Person
from tests.consequences.conftest import Line
from tests.world import number
from voiceera.providers.protocols import EndedAs


async def ids(person: Person, path: str, **query: Any) -> list[str]:
    return [item["id"] for item in (await person.get(path, **query))["items"]]


@pytest.mark.consequence("GET /call-logs")
async def test_every_ring_is_in_the_list(line: Line) -> None:
    await line.launched(people=4, max_concurrent_calls=2)
    for _ in range(2):
        await line.rounds()
        await line.ends()
    await line.person.post("/calls", agent_id=line.agent_id, to=number(999))
    await line.rounds()
    listed = (await line.person.get("/call-logs"))["items"]
    assert sorted(call["phone_number"] for call in listed) == sorted(await line.rung())
    assert len(listed) == 5


@pytest.mark.consequence("GET /call-logs/{call_id}")
async def test_a_call_agrees_with_what_the_carrier_was_asked_and_said(line: Line) -> None:
    asked = await line.person.post("/calls", agent_id=line.agent_id, to=number(101))
    await line.rounds()
    [dial], [placed] = (await line.carrier()).dialed, (await line.carrier()).calls
    call = await line.person.get(f"/call-logs/{asked['id']}")
    assert (call["phone_number"], call["caller_id"]) == (dial.to, dial.caller_id)
    assert (call["carrier_call_id"], call["status"], call["ended_at"]) == (placed.carrier_call_id, "dialing", None)
    await line.ends(EndedAs.BUSY)
    call = await line.person.get(f"/call-logs/{asked['id']}")
    assert (call["status"], call["outcome"], call["duration_seconds"]) == ("busy", "busy", 0)
    assert call["created_at"] < call["ended_at"]


@pytest.mark.consequence("GET /call-logs/campaign/{campaign_id}")
async def test_a_campaigns_calls_are_the_lists_filtered_by_it(line: Line) -> None:
    first = await line.launched(people=2, name="One")
    second = await line.launched(name="Two", phone_numbers=[number(200 + index) for index in range(3)])
    await line.rounds()
    for campaign, calls in ((first, 2), (second, 3)):
        path = f"/call-logs/campaign/{campaign['id']}"
        assert await line.person.get(path) == await line.person.get("/call-logs", campaign_id=campaign["id"])
        assert (await line.person.get(path))["total"] == calls


@pytest.mark.consequence("GET /call-logs/agent/{agent_id}")
async def test_an_agents_calls_are_the_lists_filtered_by_it(line: Line, book: CallBook) -> None:
    await book.held()
    await line.launched(people=2)
    await line.rounds()
    for agent_id, calls in ((line.agent_id, 2), (str(book.agent_id), 1)):
        path = f"/call-logs/agent/{agent_id}"
        assert await line.person.get(path) == await line.person.get("/call-logs", agent_id=agent_id)
        assert (await line.person.get(path))["total"] == calls


@pytest.mark.consequence("GET /call-logs/date/{date}")
async def test_a_call_before_midnight_falls_on_the_next_day_further_east(ann: Person, book: CallBook) -> None:
    call = await book.add(created_at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    days = ("2026-03-09", "2026-03-10", "2026-03-11")
    for zone, day in (("UTC", days[1]), ("Asia/Kolkata", days[2]), ("America/New_York", days[1])):
        found = [each for each in days if await ids(ann, f"/call-logs/date/{each}", timezone=zone) == [call]]
        assert found == [day], zone


@pytest.mark.consequence("PUT /call-logs/{call_id}/notes")
async def test_search_finds_a_note_until_it_is_written_anew(ann: Person, book: CallBook) -> None:
    call, _ = await book.held(), await book.held()
    await ann.put(f"/call-logs/{call}/notes", notes="Allergic to penicillin.")
    assert await ids(ann, "/call-logs", search="PENICILLIN") == [call]
    await ann.put(f"/call-logs/{call}/notes", notes=None)
    assert await ids(ann, "/call-logs", search="penicillin") == []


@pytest.mark.consequence("DELETE /call-logs/{call_id}")
async def test_a_deleted_call_leaves_no_sound_and_no_words_in_the_store(ann: Person, book: CallBook) -> None:
    call, other = await book.held(), await book.held()
    sounds = {path.stem for path in book.settings.recordings_dir.rglob("*.wav")}
    assert sounds == {call, other}
    await ann.delete(f"/call-logs/{call}")
    assert {path.stem for path in book.settings.recordings_dir.rglob("*") if path.is_file()} == {other}
    async with book.database.organization(book.organization_id) as connection:
        left = await connection.exec_driver_sql("SELECT DISTINCT call_id::text FROM call_turns")
        assert left.scalars().all() == [other]
    assert await ids(ann, "/call-logs") == await ids(ann, "/call-logs", search=TURNS[0].text) == [other]
