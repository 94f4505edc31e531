"""Every filter in every order: a list's pages and totals are those of a recount, whichever way it is asked for."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.world import World, make_world
from voiceera.ids import lowest_id_at, new_id
from voiceera.rules.calls import CallStatus
from voiceera.store import call_logs, calls, partitions
from voiceera.store.base import Database
from voiceera.store.call_counts import CallCounts
from voiceera.store.call_filter import CallFilter
from voiceera.store.filters import Span
from voiceera.store.page import PageRequest
from voiceera.worker.rollups import Rollups

START = datetime(2026, 3, 30, tzinfo=UTC)
DAYS = 4
"""Over the end of a month, so that calls lie in several partitions."""
CAMPAIGNS = (None, new_id(), new_id())
DISPOSITIONS = (None, "confirmed", "declined")
SORTS = ("created_at", "duration_seconds", "cost", "status", "disposition", "status,cost", "-cost,created_at")


@pytest.fixture
async def world(database: Database) -> World:
    async with database.platform() as connection:
        await partitions.make(connection, partitions.months(START, 3))
    return await make_world(database)


def a_call(world: World, dice: random.Random) -> dict[str, Any]:
    at = START + timedelta(seconds=dice.uniform(0, DAYS * 86_400))
    # Some were noted later than they were made, even in another month.
    made = at if dice.random() < 0.9 else at - timedelta(days=3)
    row: dict[str, Any] = {"organization_id": world.organization_id, "id": an_id(made, dice), "created_at": at}
    row |= {"agent_id": world.agent_id, "agent_version": 1, "campaign_id": dice.choice(CAMPAIGNS)}
    row |= {"status": dice.choice(["completed", "completed", "failed", "busy"])}
    row |= {
        "direction": dice.choice(["outbound", "outbound", "inbound"]),
        "phone_number": f"+1202555010{dice.randint(0, 3)}",
    }
    if row["status"] == "completed":
        row |= {"duration_seconds": Decimal(dice.randint(1, 9)), "disposition": dice.choice(DISPOSITIONS)}
        row |= {"cost": dice.choice([None, Decimal("0.01"), Decimal("0.02")])}
    return row


def an_id(at: datetime, dice: random.Random) -> UUID:
    return UUID(int=lowest_id_at(at).int | dice.getrandbits(60))


def filters(world: World, dice: random.Random) -> list[CallFilter]:
    agent, campaign = CallFilter(agent_id=world.agent_id), CallFilter(campaign_id=CAMPAIGNS[1])
    edges = sorted(START + timedelta(seconds=dice.uniform(0, DAYS * 86_400)) for _ in range(2))
    return [
        CallFilter(),
        agent,
        campaign,
        CallFilter(status="completed"),
        CallFilter(status="queued"),
        CallFilter(direction="inbound"),
        CallFilter(disposition="declined"),
        CallFilter(phone_number="+12025550102"),
        CallFilter(span=Span(*edges)),
        CallFilter(span=Span(START + timedelta(days=1), START + timedelta(days=2))),
        replace(agent, span=Span(edges[0], None), disposition="confirmed"),
        replace(campaign, status="failed"),
        replace(campaign, status="completed", span=Span(None, edges[1])),
    ]


def is_wanted(row: dict[str, Any], wanted: CallFilter) -> bool:
    start, end = wanted.span.start or START, wanted.span.end or START + timedelta(days=DAYS)
    names = ("agent_id", "campaign_id", "status", "direction", "disposition", "phone_number")
    given = {name: value for name in names if (value := getattr(wanted, name)) is not None}
    return start <= row["created_at"] < end and all(row.get(name) == value for name, value in given.items())


def in_order(rows: list[dict[str, Any]], sort: str) -> list[UUID]:
    """Unknown values last, ties the way of the first field."""
    fields = [(name.removeprefix("-"), name.startswith("-")) for name in sort.split(",")]
    fields += [(name, fields[0][1]) for name in ("created_at", "id") if name not in dict(fields)]
    for name, is_descending in reversed(fields):
        rows = sorted(rows, key=_key(name), reverse=is_descending)
        rows.sort(key=lambda row: row.get(name) is None)
    return [row["id"] for row in rows]


def _key(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda row: (row.get(name) is not None, row.get(name))


@pytest.mark.parametrize("little", [0, 2_000], ids=["walked", "gathered"])
async def test_pages_and_totals_are_those_of_a_recount(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch, little: int
) -> None:
    monkeypatch.setattr(call_logs, "_LITTLE", little)
    dice = random.Random(7)
    rows = [a_call(world, dice) for _ in range(150)]
    async with world.scope() as connection:
        for row in rows[:100]:
            await calls.add(connection, row)
    await Rollups(database).round()
    async with world.scope() as connection:
        for row in rows[100:]:
            await calls.add(connection, row)
    for wanted in filters(world, dice):
        among = [row for row in rows if is_wanted(row, wanted)]
        for name in SORTS:
            sort = dice.choice([name, f"-{name}"]) if "," not in name else name
            await check(database, world.organization_id, wanted, sort, in_order(among, sort), dice)


async def check(
    database: Database,
    organization_id: UUID,
    wanted: CallFilter,
    sort: str,
    expected: list[UUID],
    dice: random.Random,
) -> None:
    """Two pages by cursor and one by skip, in a transaction as the route has it."""
    counts, size = CallCounts(), dice.randint(1, 40)
    async with database.organization(organization_id, keep_plans=True) as connection:

        async def ids(**of: Any) -> tuple[list[UUID], str | None]:
            page = await call_logs.find(connection, organization_id, PageRequest(sort=sort, **of), wanted, counts)
            assert (page.total, page.total_is_capped) == (len(expected), False), (wanted, sort)
            return [row["id"] for row in page.items], page.next_cursor

        found, cursor = await ids(limit=size)
        if cursor is not None:
            found += (await ids(limit=size, cursor=cursor))[0]
        assert found == expected[: 2 * size], (wanted, sort, size)
        skip = dice.randint(0, len(expected))
        assert (await ids(limit=size, skip=skip))[0] == expected[skip : skip + size], (wanted, sort, skip)


async def test_a_total_beyond_the_cap_says_so_however_much_is_counted_in(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceera.store.call_counts.EXACT_TOTAL_LIMIT", 10)
    monkeypatch.setattr("voiceera.store.call_counts.FAR_BEYOND", 12)
    dice = random.Random(3)
    for number in (8, 4, 20):
        async with world.scope() as connection:
            for _ in range(number):
                await calls.add(connection, a_call(world, dice) | {"status": CallStatus.BUSY})
        async with world.scope() as connection:
            many = int(await world.value("SELECT count(*) FROM calls"))
            for wanted in (CallFilter(), CallFilter(status="busy"), CallFilter(agent_id=world.agent_id)):
                told = await CallCounts().of(connection, world.organization_id, wanted)
                assert told == (min(many, 10), many > 10)
                assert await CallCounts().of(connection, world.organization_id, wanted, exact=True) == (many, False)
        await Rollups(database).round()
