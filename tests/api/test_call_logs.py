from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.api.calls import CallBook, book_of, result, same_answer, saying
from tests.api.conftest import Person
from voiceera.config import Settings
from voiceera.services.calls import record_turn
from voiceera.services.close import close
from voiceera.store.base import Database


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def ids(person: Person, path: str, **query: Any) -> list[str]:
    return [item["id"] for item in (await person.get(path, **query))["items"]]


async def make_viewer(database: Database, person: Person) -> None:
    """Their next request is a viewer's."""
    async with database.organization(UUID(person.organization_id)) as connection:
        await connection.execute(text("UPDATE users SET role = 'viewer'"))


async def test_a_call_shows_what_was_said_and_what_came_of_it(ann: Person, book: CallBook) -> None:
    call_id = await book.held(cost="0.0123", cost_parts={"carrier": "0.0123"})
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["status"], call["disposition"], call["extracted"]) == ("completed", "confirmed", {"coming": "yes"})
    assert (call["duration_seconds"], call["cost"], call["cost_parts"]) == (5.0, 0.0123, {"carrier": 0.0123})
    assert [each["speaker"] for each in call["transcript"]] == ["agent", "caller", "agent"]
    assert (call["answered_by"], call["hangup_cause"], call["turns"]) == ("human", "agent_ended", 3)
    assert call["latency"]["total_ms_p50"] == 612.5
    assert call["recording_url"].endswith(f"/call-recordings/{call_id}/download")
    assert call["sentiment"] is None
    listed = (await ann.get("/call-logs"))["items"]
    only_of_one = {"transcript", "costs", "tools", "usage"}
    assert listed == [{name: value for name, value in call.items() if name not in only_of_one}]


async def test_a_call_that_nobody_answered_has_no_recording_and_no_words(ann: Person, book: CallBook) -> None:
    call = await ann.get(f"/call-logs/{await book.add(status='no_answer')}")
    assert (call["recording_url"], call["transcript"], call["cost"]) == (None, [], None)
    assert call["latency"]["total_ms_p50"] is None


async def test_the_transcript_tells_each_turns_times_and_latency(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    transcript = await ann.get(f"/call-logs/{call_id}/transcript")
    yes, goodbye = transcript["segments"][1:]
    assert (yes["text"], yes["start_ms"], yes["end_ms"]) == ("Yes, I'll be there — <3 p.m.", 2_100, 3_400)
    assert (yes["confidence"], yes["result"], yes["latency"]) == (0.91, "yes", None)
    assert goodbye["interrupted"] and goodbye["latency"]["total_ms"] == 612.5
    assert transcript["latency"]["answers"] == 1


async def test_filters_narrow_and_compose(ann: Person, book: CallBook) -> None:
    busy = await book.add(number="+12025550101", status="busy")
    held = await book.held(number="+12025550102")
    assert await ids(ann, "/call-logs") == [held, busy]
    assert await ids(ann, "/call-logs", status="busy") == [busy]
    assert await ids(ann, "/call-logs", phone_number="+12025550102") == [held]
    assert await ids(ann, "/call-logs", phone_number=" 12025550102") == [held], "an unencoded plus"
    assert await ids(ann, "/call-logs", direction="browser", disposition="confirmed") == [held]
    assert await ids(ann, "/call-logs", direction="browser", status="busy") == []
    assert await ids(ann, "/call-logs", agent_id=str(book.agent_id)) == [held, busy]
    assert await ids(ann, "/call-logs", agent_id=str(uuid4())) == []
    assert await ids(ann, "/call-logs", campaign_id=str(uuid4())) == []
    error = await ann.get("/call-logs", 422, stauts="busy")
    assert error["fields"][0]["field"] == "stauts"


async def test_search_finds_what_was_said_and_what_was_noted(ann: Person, book: CallBook) -> None:
    dentist = await book.held(saying("Your dentist, 100% painless."))
    garage = await book.held(saying("Your car is ready."))
    assert await ids(ann, "/call-logs", search="DENTIST") == [dentist]
    assert await ids(ann, "/call-logs", search="painless, dentist!") == [dentist], "all of the words, in any order"
    assert await ids(ann, "/call-logs", search="100 pain") == [dentist], "the last word may have just begun"
    assert await ids(ann, "/call-logs", search="pain 100") == []
    assert await ids(ann, "/call-logs", search="%") == [], "no word, no call"
    await ann.put(f"/call-logs/{garage}/notes", notes="Rang the dentist by mistake.")
    assert await ids(ann, "/call-logs", search="dentist") == [garage, dentist]
    assert await ids(ann, "/call-logs", search="dentist", sort="created_at") == [dentist, garage]
    await ann.put(f"/call-logs/{garage}/notes", notes=None)
    assert await ids(ann, "/call-logs", search="dentist") == [dentist]


async def test_cursors_walk_calls_by_duration_whether_known_or_not(ann: Person, book: CallBook) -> None:
    made = [await book.add(duration_seconds=seconds) for seconds in (30, None, 12.5, 12.5, 0)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in made:
        page = await ann.get("/call-logs", limit=2, sort="-duration_seconds", **cursor)
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == [made[0], made[3], made[2], made[4], made[1]]


async def test_a_call_late_at_night_falls_on_another_day_elsewhere(ann: Person, book: CallBook) -> None:
    call_id = await book.add(created_at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    assert await ids(ann, "/call-logs/date/2026-03-10") == [call_id]
    assert await ids(ann, "/call-logs/date/2026-03-11") == []
    assert await ids(ann, "/call-logs/date/2026-03-10", timezone="Asia/Kolkata") == []
    assert await ids(ann, "/call-logs/date/2026-03-11", timezone="Asia/Kolkata") == [call_id]
    assert await ids(ann, "/call-logs", date_from="2026-03-10", date_to="2026-03-10") == [call_id]
    assert await ids(ann, "/call-logs", date_to="2026-03-10", timezone="Asia/Kolkata") == []
    assert await ids(ann, "/call-logs/date/2026-03-10", status="busy") == []
    await ann.get("/call-logs/date/2026-03-10", 422, date_from="2026-03-10")
    for day in ("2026-02-30", "9999-12-31", "0001-01-01", "today"):
        assert (await ann.get(f"/call-logs/date/{day}", 422))["fields"][0]["field"] == "date"


async def test_the_calls_of_an_agent_stay_when_it_is_deleted(ann: Person, book: CallBook) -> None:
    call_id = await book.add()
    other = await ann.post("/agents", name="Other")
    path = f"/call-logs/agent/{book.agent_id}"
    assert await ids(ann, path) == [call_id]
    assert await ids(ann, f"/call-logs/agent/{other['id']}") == []
    await ann.delete(f"/agents/{book.agent_id}")
    assert await ids(ann, path) == [call_id]
    assert await ids(ann, path, status="busy") == []
    await ann.get(path, 422, agent_id=str(book.agent_id))
    assert (await ann.get(f"/call-logs/agent/{uuid4()}", 404))["code"] == "AGENT_001"


async def test_the_calls_of_a_campaign_are_those_of_the_filter(ann: Person, book: CallBook) -> None:
    campaign_id = uuid4()
    async with book.database.organization(book.organization_id) as connection:
        await connection.execute(
            text(
                "INSERT INTO campaigns (organization_id, id, agent_id, name, status, config, created_at, updated_at)"
                " VALUES (:org, :id, :agent, 'Spring', 'draft', '{\"category\": \"service\"}', now(), now())"
            ),
            {"org": book.organization_id, "id": campaign_id, "agent": book.agent_id},
        )
    call_id = await book.add(campaign_id=campaign_id)
    await book.add()
    path = f"/call-logs/campaign/{campaign_id}"
    assert await ids(ann, path) == await ids(ann, "/call-logs", campaign_id=str(campaign_id)) == [call_id]
    assert await ids(ann, path, agent_id=str(uuid4())) == []
    assert (await ann.get(f"/call-logs/campaign/{uuid4()}", 404))["code"] == "CAMPAIGN_001"


async def test_a_deleted_call_leaves_neither_words_nor_sound(ann: Person, book: CallBook, tmp_path: Path) -> None:
    kept, call_id = await book.held(), await book.held()
    assert len(list(tmp_path.rglob("*.wav"))) == 2
    await ann.delete(f"/call-logs/{call_id}")
    assert [file.stem for file in tmp_path.rglob("*.wav")] == [kept]
    assert (await ann.get(f"/call-logs/{call_id}", 404))["code"] == "CALL_001"
    assert await ids(ann, "/call-logs") == [kept]
    async with book.database.organization(book.organization_id) as connection:
        for table in ("call_turns", "recordings"):
            count = f"SELECT count(*) FROM {table} WHERE call_id = :id"
            assert await connection.scalar(text(count), {"id": UUID(call_id)}) == 0
    assert (await ann.delete(f"/call-logs/{call_id}", 404))["code"] == "CALL_001"


@pytest.mark.parametrize("status", ["queued", "dialing", "ringing", "in_progress"])
async def test_a_live_call_cannot_be_deleted(ann: Person, book: CallBook, status: str) -> None:
    call_id = await book.add(status=status)
    error = await ann.delete(f"/call-logs/{call_id}", 409)
    assert error["code"] == "CALL_002" and status in error["details"]
    assert (await ann.get(f"/call-logs/{call_id}"))["status"] == status


async def test_a_conversation_that_closes_after_its_call_was_deleted_leaves_nothing(
    ann: Person, book: CallBook, tmp_path: Path
) -> None:
    call_id = UUID(await book.add(direction="browser"))
    brief = await book.brief(call_id)
    await ann.delete(f"/call-logs/{call_id}")
    told = result(Path(brief.recording_path))
    await record_turn(book.database, book.organization_id, call_id, 0, told.turns[0])
    assert list(tmp_path.rglob("*.wav")), "the file of the conversation that still runs"
    await close(book.database, brief, told, datetime.now(UTC))
    assert not list(tmp_path.rglob("*.wav"))
    await ann.get(f"/call-logs/{call_id}", 404)


async def test_another_tenants_call_reads_as_one_that_never_was(
    ann: Person, bob: Person, database: Database, settings: Settings
) -> None:
    theirs = await (await book_of(database, settings, bob)).held()
    for method, template, json in (
        ("GET", "/call-logs/{}", None),
        ("DELETE", "/call-logs/{}", None),
        ("PUT", "/call-logs/{}/notes", {"notes": "mine"}),
        ("GET", "/call-logs/{}/transcript", None),
    ):
        assert (await same_answer(ann, method, template, theirs, json))[0] == 404
    agent_id = (await bob.get(f"/call-logs/{theirs}"))["agent_id"]
    assert (await same_answer(ann, "GET", "/call-logs/agent/{}", agent_id))[0] == 404
    assert await ids(ann, "/call-logs", agent_id=agent_id) == []
    assert await ids(ann, "/call-logs", search="Monday") == []
    assert (await bob.get(f"/call-logs/{theirs}"))["notes"] is None


async def test_a_viewer_reads_calls_and_changes_none(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    await make_viewer(book.database, ann)
    assert await ids(ann, "/call-logs") == [call_id]
    await ann.get(f"/call-logs/{call_id}/transcript")
    assert (await ann.put(f"/call-logs/{call_id}/notes", 403, notes="x"))["code"] == "AUTH_004"
    assert (await ann.delete(f"/call-logs/{call_id}", 403))["code"] == "AUTH_004"
