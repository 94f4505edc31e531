"""Reports equal a recount, at any moment of a storm of changes and however far the rollups have come."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import floor, log
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.world import World, make_world
from voiceera.ids import new_id
from voiceera.rules import periods
from voiceera.rules.agents import AgentConfig
from voiceera.rules.analysis import Emotion, Sentiment
from voiceera.rules.calls import CallStatus, Outcome
from voiceera.store import agents, analytics, call_totals, calls, rollups
from voiceera.store.analytics import Slice
from voiceera.store.base import Connection, Database
from voiceera.store.call_filter import CallFilter
from voiceera.store.filters import Span
from voiceera.worker.rollups import Rollups

START = datetime(2026, 3, 27, 20, 0, tzinfo=UTC)
"""Two days before Europe's clocks are set forward."""
DAYS = 5
ZONES = tuple(map(ZoneInfo, ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns")))
CAMPAIGNS = (None, new_id(), new_id(), new_id())


@pytest.fixture
async def world(database: Database) -> World:
    return await make_world(database)


async def add_agents(world: World, count: int) -> list[UUID]:
    made = [world.agent_id]
    async with world.scope() as connection:
        for index in range(count):
            id_, config = new_id(), AgentConfig(name=f"Agent {index}")
            of = world.organization_id
            await agents.add(connection, of, id_, config, status="active", created_by=None, now=START)
            made.append(id_)
    return made


class Storm:
    """Random calls that come, go and are analyzed, seeded."""

    def __init__(self, world: World, agent_ids: Sequence[UUID], seed: int) -> None:
        self.world = world
        self._agents = agent_ids
        self._dice = random.Random(seed)
        self.ids: list[UUID] = []

    async def add(self, count: int) -> None:
        async with self.world.scope() as connection:
            for _ in range(count):
                await calls.add(connection, self._row())

    async def strike(self) -> None:
        """One change of a few calls."""
        await self._dice.choice((self._born, self._gone, self._analyzed, self._ended))()

    async def _born(self) -> None:
        await self.add(self._dice.randint(1, 4))

    async def _gone(self) -> None:
        if self.ids:
            gone = self.ids.pop(self._dice.randrange(len(self.ids)))
            async with self.world.scope() as connection:
                await calls.remove(connection, self.world.organization_id, gone)

    async def _analyzed(self) -> None:
        await self._change(lambda: self._feelings())

    async def _ended(self) -> None:
        await self._change(lambda: {"status": "completed", "outcome": "reached", "duration_seconds": 12.5})

    async def _change(self, values: Callable[[], dict[str, Any]]) -> None:
        if self.ids:
            async with self.world.scope() as connection:
                chosen = self._dice.choice(self.ids)
                await calls.change(connection, self.world.organization_id, chosen, **values())

    def _feelings(self) -> dict[str, Any]:
        emotions = self._dice.sample(list(Emotion), self._dice.randint(1, 3))
        return {"sentiment": self._dice.choice(list(Sentiment)), "emotions": emotions, "key_phrases": self._phrases()}

    def _phrases(self) -> list[str]:
        """Some are common, most are rare."""
        return sorted({f"phrase {int(self._dice.paretovariate(0.5)) % 1000}" for _ in range(5)})

    def _row(self) -> dict[str, Any]:
        self.ids.append(new_id())
        seconds = self._dice.uniform(0, DAYS * 86_400)
        row: dict[str, Any] = {"organization_id": self.world.organization_id, "id": self.ids[-1]}
        row |= {"direction": "outbound", "agent_id": self._dice.choice(self._agents), "agent_version": 1}
        row |= {"status": self._dice.choice(list(CallStatus)), "created_at": START + timedelta(seconds=seconds)}
        row |= {"outcome": self._dice.choice([None, *Outcome]), "campaign_id": self._dice.choice(CAMPAIGNS)}
        row |= {"duration_seconds": self._dice.choice([None, 0, 30.25]), "cost": self._dice.choice([None, "0.0125"])}
        row |= {"turns": self._dice.randint(0, 9), "interruptions": self._dice.randint(0, 2)}
        row |= {"key_phrases": self._dice.choice([None, self._phrases()])}
        row |= {"answer_ms": [self._dice.uniform(0, 2_000) for _ in range(self._dice.randint(0, 3))]}
        return row | (self._feelings() if self._dice.random() < 0.5 else {})

    def slice(self) -> tuple[Slice, ZoneInfo]:
        """A random question."""
        dice, zone = self._dice, self._dice.choice(ZONES)
        edges = sorted(START + timedelta(seconds=dice.uniform(-86_400, (DAYS + 1) * 86_400)) for _ in range(2))
        if dice.random() < 0.6:
            edges = [periods.midnight(edge.astimezone(zone).date(), zone) for edge in edges]
        span = Span(*(None if dice.random() < 0.15 else edge for edge in edges))
        whose = dice.choice([None, None, *self._agents]), dice.choice([None, None, *CAMPAIGNS])
        return Slice(self.world.organization_id, *whose, span), zone


# ── the recount: in Python, over every row ───────────────────────────────────────────────────────────────────────


async def recounted(connection: Connection, wanted: Slice) -> list[Any]:
    """The slice's calls, one by one."""
    rows = (await connection.execute(text("SELECT * FROM calls"))).all()
    start, end = wanted.span.start, wanted.span.end
    return [
        row
        for row in rows
        if (wanted.agent_id in (None, row.agent_id))
        and (wanted.campaign_id in (None, row.campaign_id))
        and (start is None or row.created_at >= start)
        and (end is None or row.created_at < end)
    ]


def summed(rows: Sequence[Any]) -> dict[str, float]:
    was_answered = [row for row in rows if row.answered_at or row.status in ("completed", "voicemail")]
    timed = [row for row in was_answered if row.duration_seconds is not None]
    sums: dict[str, float] = {"total": len(rows), "answered": len(was_answered), "timed": len(timed)}
    sums |= {"talk_seconds": sum(row.duration_seconds for row in timed), "goals": sum(r.goal_reached for r in rows)}
    sums |= {word: sum(getattr(row, word) for row in rows) for word in ("turns", "interruptions")}
    costs = [row.cost for row in rows if row.cost is not None]
    sums |= {"priced": len(costs), "cost": sum(costs)}
    sums |= {f"is_{word}": sum(row.status == word for row in rows) for word in CallStatus}
    sums |= {f"ended_{word}": sum(row.outcome == word for row in rows) for word in Outcome}
    sums |= {word: sum(row.sentiment == word for row in rows) for word in Sentiment}
    return sums | {f"felt_{word}": sum(word in (row.emotions or ()) for row in rows) for word in Emotion}


def by(rows: Sequence[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        if key(row) is not None:
            groups.setdefault(key(row), []).append(row)
    return groups


def plain(groups: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, float]]:
    return {
        key: {name: float(value) for name, value in sums.items() if name != "key"}
        for key, sums in groups.items()
        if sums["total"]
    }


def recount_by(rows: Sequence[Any], key: Callable[[Any], Any]) -> dict[Any, dict[str, float]]:
    return plain({name: summed(group) for name, group in by(rows, key).items()})


def counts(groups: dict[Any, dict[str, float]]) -> dict[Any, dict[str, float]]:
    return {key: {name: sums[name] for name in analytics.COUNTS} for key, sums in groups.items()}


def recount_bins(rows: Sequence[Any], key: Callable[[Any], Any]) -> dict[Any, dict[int, int]]:
    bins = {
        name: Counter(floor(log(max(ms, 1)) / log(1.05)) for row in group for ms in row.answer_ms)
        for name, group in by(rows, key).items()
    }
    return {name: dict(counts) for name, counts in bins.items() if counts}


async def check(connection: Connection, wanted: Slice, zone: ZoneInfo) -> None:
    """Every report, in the connection's own snapshot."""
    rows = await recounted(connection, wanted)
    assert plain({0: await analytics.totals(connection, wanted)}) == recount_by(rows, lambda _row: 0)
    for found, key in (
        (await analytics.totals_by_agent(connection, wanted), lambda row: row.agent_id),
        (await analytics.totals_by_campaign(connection, wanted), lambda row: row.campaign_id),
    ):
        assert plain(found) == recount_by(rows, key)
    for status in (None, "failed"):
        asked = CallFilter(agent_id=wanted.agent_id, campaign_id=wanted.campaign_id, status=status, span=wanted.span)
        recount = sum(status in (None, row.status) for row in rows)
        assert await call_totals.total(connection, wanted.organization_id, asked, most=10_000) == recount
    first, last = START - timedelta(days=2), START + timedelta(days=DAYS + 2)
    days = periods.days_between(first, last, zone)
    midnights = [periods.midnight(day, zone) for day in days]
    by_day = {
        days[place]: sums for place, sums in (await analytics.totals_by_day(connection, wanted, midnights)).items()
    }
    assert plain(by_day) == counts(recount_by(rows, lambda row: row.created_at.astimezone(zone).date()))
    by_hour = await analytics.totals_by_hour(connection, wanted, periods.offsets(first, last, zone))
    assert plain(by_hour) == counts(recount_by(rows, lambda row: row.created_at.astimezone(zone).hour))
    for limit in (1, 10):
        assert await analytics.top_phrases(connection, wanted, limit) == commonest(rows, limit)
    latencies = await analytics.latencies_by_agent(connection, wanted)
    assert {id_: dict(bins) for id_, bins in latencies.items()} == recount_bins(rows, lambda row: row.agent_id)
    latencies = await analytics.latencies_by_campaign(connection, wanted)
    assert {id_: dict(bins) for id_, bins in latencies.items()} == recount_bins(rows, lambda row: row.campaign_id)


def commonest(rows: Sequence[Any], limit: int) -> list[tuple[str, int]]:
    counts = Counter(phrase for row in rows for phrase in row.key_phrases or ())
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:limit]


async def test_reports_equal_a_recount_during_a_storm(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceera.store.phrase_counts._FIRST_GIVEN", 1)
    storm = Storm(world, await add_agents(world, 2), seed=5)
    await storm.add(300)
    over = asyncio.Event()

    async def rage() -> None:
        while not over.is_set():
            await storm.strike()

    async def count() -> None:
        while not over.is_set():
            await Rollups(database).round()
            await Rollups(database).phrases()

    async with asyncio.TaskGroup() as tasks:
        for task in (rage(), count(), count()):
            tasks.create_task(task)
        for _ in range(40):
            wanted, zone = storm.slice()
            async with database.snapshot(world.organization_id) as connection:
                await check(connection, wanted, zone)
        over.set()


async def test_a_change_is_counted_before_and_after_a_refresh(world: World, database: Database) -> None:
    storm = Storm(world, [world.agent_id], seed=1)
    everything = Slice(world.organization_id)

    async def total() -> int:
        async with world.scope() as connection:
            return int((await analytics.totals(connection, everything))["total"])

    for expected in (3, 6):
        await storm.add(3)
        assert await total() == expected
        await Rollups(database).round()
        assert await world.value("SELECT count(*) FROM call_changes") == 0
        assert await total() == expected
    async with world.scope() as connection:
        await calls.remove(connection, world.organization_id, storm.ids[0])
    assert await total() == 5
    await Rollups(database).round()
    assert await total() == 5
    assert await rollups.refresh(database, world.organization_id) == 0


async def test_a_change_that_a_refresh_does_not_see_stays_noted(world: World, database: Database) -> None:
    storm = Storm(world, [world.agent_id], seed=2)
    await storm.add(1)
    async with world.scope() as late:
        await calls.change(late, world.organization_id, storm.ids[0], status="failed")
        await Rollups(database).round()
    async with database.snapshot(world.organization_id) as connection:
        assert (await analytics.totals(connection, Slice(world.organization_id)))["is_failed"] == 1
    assert await world.value("SELECT count(*) FROM call_changes") == 1


async def test_a_count_in_an_older_snapshot_than_the_last_fails(world: World, database: Database) -> None:
    await Storm(world, [world.agent_id], seed=4).add(1)
    async with database.snapshot(world.organization_id) as older:
        assert await older.scalar(text("SELECT count(*) FROM calls")) == 1
        assert await rollups.refresh(database, world.organization_id) == 1
        with pytest.raises(DBAPIError, match="could not serialize"):
            await rollups.take_turn(older, world.organization_id)


async def test_another_organizations_calls_are_not_counted(world: World, database: Database) -> None:
    other = await make_world(database)
    await Storm(other, [other.agent_id], seed=3).add(5)
    for _ in range(2):
        async with database.platform() as connection:
            assert (await analytics.totals(connection, Slice(world.organization_id)))["total"] == 0
            assert (await analytics.totals(connection, Slice(other.organization_id)))["total"] == 5
        await Rollups(database).round()
