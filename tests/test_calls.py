"""A call's life outside the engine, on the real database."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.world import NOON, World, carrier_says, make_world, number
from voiceera.errors import Conflict, Invalid
from voiceera.providers.protocols import CarrierEvent, CarrierEventKind, EndedAs
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.calls import AnsweredBy, CallBrief, CallResult, HangupCause, Speaker, TurnRecord
from voiceera.services import calls
from voiceera.store.base import Database

RINGING = CarrierEvent(CarrierEventKind.RINGING, "c-1")
ENDED = CarrierEvent(CarrierEventKind.ENDED, "c-1", EndedAs.COMPLETED, "Normal Hangup", 21.5, "0.0042")
TURN = TurnRecord(Speaker.CALLER, "yes please", 900, 1700, confidence=0.9, step="confirm", result="yes")
RESULT = CallResult(
    started_at=NOON,
    ended_at=NOON + timedelta(seconds=20),
    cause=HangupCause.AGENT_ENDED,
    answered_by=AnsweredBy.HUMAN,
    audio_format=ULAW_8K,
    disposition="confirmed",
    turns=(TURN,),
    results={"confirm": "yes"},
)


@pytest.fixture
async def world(database: Database) -> World:
    return await make_world(database)


async def place(world: World, to: str) -> UUID:
    async with world.database.organization(world.organization_id) as connection:
        return await calls.place(connection, world.organization_id, agent_id=world.agent_id, to=to, now=NOON)


async def dialed(world: World, index: int = 1) -> UUID:
    """A single call whose dial the carrier has just accepted."""
    call_id = await place(world, number(index))
    await world.rows("UPDATE attempts SET state = 'dialing' WHERE id = :id RETURNING id", id=call_id)
    return call_id


async def opened(world: World, call_id: UUID, directory: Path) -> CallBrief:
    invitation = await calls.answered(world.database, world.organization_id, call_id, world.trunk, NOON)
    assert invitation is not None
    token = invitation.url.rsplit("/", 1)[1]
    brief = await calls.redeem_media_token(world.database, token, "plivo", NOON, directory)
    assert brief is not None
    return brief


async def shown(world: World, call_id: UUID) -> tuple[str, str | None]:
    row = (await world.rows("SELECT status, outcome FROM calls WHERE id = :id", id=call_id))[0]
    return row.status, row.outcome


async def test_a_single_call_is_queued_with_its_number_in_e164(world: World) -> None:
    call_id = await place(world, "(202) 555-0123")
    assert await shown(world, call_id) == ("queued", None)
    assert await world.value("SELECT phone_number FROM attempts WHERE id = :id", id=call_id) == "+12025550123"


async def test_a_number_that_cannot_be_is_refused_with_its_field(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        await place(world, "12")
    assert [problem.field for problem in refused.value.fields] == ["to"]


async def test_a_media_token_opens_once_for_its_carrier_and_for_a_minute(world: World, tmp_path: Path) -> None:
    call_id = await dialed(world)
    invitation = await calls.answered(world.database, world.organization_id, call_id, world.trunk, NOON)
    assert invitation is not None and invitation.url.startswith("ws://127.0.0.1:8001/media/plivo/")
    token = invitation.url.rsplit("/", 1)[1]
    late = NOON + timedelta(seconds=61)
    assert await calls.redeem_media_token(world.database, token, "twilio", NOON, tmp_path) is None
    assert await calls.redeem_media_token(world.database, token, "plivo", late, tmp_path) is None
    assert await calls.redeem_media_token(world.database, token[:-1] + "~", "plivo", NOON, tmp_path) is None
    assert await calls.redeem_media_token(world.database, "nonsense", "plivo", NOON, tmp_path) is None
    brief = await calls.redeem_media_token(world.database, token, "plivo", NOON, tmp_path)
    assert brief is not None and brief.call_id == call_id and brief.agent.name == "Anna"
    assert Path(brief.recording_path).parent.is_dir()
    assert await calls.redeem_media_token(world.database, token, "plivo", NOON, tmp_path) is None


async def test_without_room_for_the_call_the_carrier_is_told_to_hang_up(database: Database) -> None:
    world = await make_world(database, capacity=1)
    first, second = await dialed(world, 1), await dialed(world, 2)
    assert await calls.answered(database, world.organization_id, first, world.trunk, NOON) is not None
    assert await calls.answered(database, world.organization_id, second, world.trunk, NOON) is None
    await carrier_says(database, world.organization_id, second, ENDED, NOON)
    assert await shown(world, second) == ("failed", "failed")
    assert await world.value("SELECT consumed FROM attempts WHERE id = :id", id=second) is False


async def test_every_order_of_the_carriers_news_and_the_close_ends_alike(world: World, tmp_path: Path) -> None:
    numbers = itertools.count(1)
    for order in itertools.permutations(["ringing", "ringing", "ended", "ended", "close", "close"]):
        if next(numbers) % 12:
            continue
        call_id = await dialed(world, next(numbers))
        brief = await opened(world, call_id, tmp_path)

        steps: dict[str, Callable[[], Awaitable[object]]] = {
            "ringing": lambda id=call_id: carrier_says(  # type: ignore[misc]
                world.database, world.organization_id, id, RINGING, NOON
            ),
            "ended": lambda id=call_id: carrier_says(  # type: ignore[misc]
                world.database, world.organization_id, id, ENDED, NOON
            ),
            "close": lambda brief=brief: calls.close(world.database, brief, RESULT, NOON),  # type: ignore[misc]
        }
        for step in order:
            assert (await shown(world, call_id))[0] in ("in_progress", "completed")
            await steps[step]()
        row = (await world.rows("SELECT * FROM calls WHERE id = :id", id=call_id))[0]
        assert (row.status, row.outcome, row.disposition) == ("completed", "reached", "confirmed")
        assert (float(row.duration_seconds), str(row.cost), row.turns) == (21.5, "0.00420", 1)
        assert row.hangup_cause == "agent_ended"


async def test_turns_recorded_as_they_come_survive_a_media_process_that_dies(world: World, tmp_path: Path) -> None:
    call_id = await dialed(world)
    await opened(world, call_id, tmp_path)
    await calls.record_turn(world.database, world.organization_id, call_id, 0, TURN)
    await calls.record_turn(world.database, world.organization_id, call_id, 0, replace(TURN, interrupted=True))
    rows = await world.rows("SELECT text, interrupted FROM call_turns WHERE call_id = :id", id=call_id)
    assert [tuple(row) for row in rows] == [("yes please", True)]


async def test_an_opt_out_puts_the_number_on_the_do_not_call_list_at_once(world: World, tmp_path: Path) -> None:
    call_id = await dialed(world)
    brief = await opened(world, call_id, tmp_path)
    opted_out = replace(RESULT, opted_out=True, disposition=None, cause=HangupCause.OPTED_OUT)
    await calls.close(world.database, brief, opted_out, NOON)
    with pytest.raises(Conflict):
        await dialed(world)


async def test_news_of_an_attempt_that_never_was_is_told_so(world: World) -> None:
    stranger = world.agent_id
    assert not await carrier_says(world.database, world.organization_id, stranger, ENDED, NOON)
    assert await calls.answered(world.database, world.organization_id, stranger, world.trunk, NOON) is None


async def test_whoever_rang_us_may_ask_not_to_be_rung(world: World, tmp_path: Path) -> None:
    """A call in has no attempt."""
    call_id = await dialed(world)
    brief = await opened(world, call_id, tmp_path)
    async with world.scope() as connection:
        await connection.execute(sa.text("DELETE FROM attempts WHERE id = :id"), {"id": call_id})
    await calls.close(world.database, brief, replace(RESULT, opted_out=True), NOON)
    with pytest.raises(Conflict):
        await dialed(world)
