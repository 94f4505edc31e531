"""How quick the reports are over many calls, and whether they are right while calls come and go.

    .venv/bin/python -m benchmarks.analytics [--rows 5000000] [--data DIR] [--json FILE]

The data is that of `benchmarks.rows`: one tenant has half of the calls of 90 days. Reports are asked from the API in
this process, for the last 30 days in six time zones, one request at a time, token and session checked.

  *_ms                     of a report, the median and (…_p95) the 95th percentile over all zones, the first asking of
                           each left out; `export_first_byte_ms` of the export
  rollups_seconds          counting all quarters and days that the data has not counted yet
  recount_equal            of 50 random (agent, campaign, zone, period), asked during a storm of inserts, deletions
                           and re-analyses while the worker counts: whether each report equalled a recount from the
                           calls' rows in the same snapshot
  export_rows_per_second   of all calls of the tenant's last 30 days as CSV; …_per_cpu_second of this process
  export_peak_mb           how much this process grew while it sent them
"""

import argparse
import asyncio
import json
import platform
import random
import resource
import statistics
import time
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa

from benchmarks.rows import MEASURED_TENANT, call_rows, facts_of
from voiceera import log
from voiceera.api.analytics_export import lines_of_calls
from voiceera.api.app import create_app
from voiceera.config import Settings
from voiceera.errors import Conflict
from voiceera.ids import new_id
from voiceera.rules import periods
from voiceera.rules.analysis import Emotion, Sentiment
from voiceera.rules.permissions import Role
from voiceera.services.passwords import Passwords
from voiceera.store import analytics, calls, users
from voiceera.store.analytics import Slice
from voiceera.store.base import Connection, Database
from voiceera.store.bus import PostgresBus
from voiceera.store.call_measures import COUNTED
from voiceera.store.filters import Span
from voiceera.store.users import User
from voiceera.worker.rollups import Rollups

REPORTS = {
    "calls": "calls",
    "sentiment": "sentiment",
    "emotions": "emotions",
    "agent-performance": "agent_performance",
    "campaign-stats": "campaign_stats",
    "hourly-calls": "hourly_calls",
    "daily-calls": "daily_calls",
    "top-phrases": "top_phrases",
}
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Auckland")
DAYS = 30
ROUNDS = 5
QUESTIONS = 50
_EMAIL, _PASSWORD = "benchmark@example.com", "correct horse battery"


@asynccontextmanager
async def signed_in(database: Database, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, in process, as somebody of the measured tenant."""
    settings = Settings(data_dir=folder, rate_limit_requests=1_000_000, argon2_memory_kib=64, argon2_passes=1)
    bus = PostgresBus(database.url)
    app = create_app(settings, database, bus)
    transport = httpx.ASGITransport(app)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://api") as client,
        ):
            await _move_in(database, app.state.backend.accounts.passwords)
            signed = await client.post("/auth/login", json={"email": _EMAIL, "password": _PASSWORD})
            client.headers["Authorization"] = f"Bearer {signed.json()['data']['token']}"
            yield client
    finally:
        await bus.close()


async def _move_in(database: Database, passwords: Passwords) -> None:
    """Make somebody of the measured tenant, once."""
    person = User(
        id=new_id(),
        organization_id=MEASURED_TENANT,
        email=_EMAIL,
        first_name="A",
        last_name="Person",
        role=Role.VIEWER,
        is_active=True,
        created_at=datetime.now(UTC),
        last_login_at=None,
    )
    with suppress(Conflict):
        async with database.platform() as connection:
            await users.add(connection, person, await passwords.hash(_PASSWORD))


async def note_everything(database: Database) -> None:
    """The rows were loaded with triggers off: note all of them as changed, where nothing is counted yet."""
    async with database.platform() as connection:
        if not await connection.scalar(sa.text("SELECT EXISTS (SELECT FROM calls WHERE key_phrases IS NOT NULL)")):
            raise SystemExit("These rows were made before calls were analyzed: remove their directory.")
        if await connection.scalar(sa.text("SELECT EXISTS (SELECT FROM call_rollups)")):
            return
        await connection.exec_driver_sql(
            "INSERT INTO call_changes (organization_id, quarter) SELECT DISTINCT organization_id,"
            " date_bin('15 minutes', created_at, '2000-01-01 00:00:00+00') FROM calls"
        )


async def count_all(database: Database) -> float:
    """Seconds until every quarter and day is counted."""
    began = time.monotonic()
    worker = Rollups(database)
    await worker.round()
    await worker.phrases()
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in ("call_rollups", "latency_rollups", "phrase_rollups", "call_changes"):
            await connection.exec_driver_sql(f"VACUUM (ANALYZE) {table}")
    return time.monotonic() - began


async def time_reports(client: httpx.AsyncClient, end: datetime) -> dict[str, float]:
    """Milliseconds of each report over the data's last 30 days."""
    spent: dict[str, list[float]] = {name: [] for name in REPORTS.values()}
    for _ in range(ROUNDS):
        for zone in ZONES:
            last = end.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
            query = {"timezone": zone, "date_from": str(last - timedelta(days=DAYS - 1)), "date_to": str(last)}
            for path, name in REPORTS.items():
                began = time.monotonic()
                response = await client.get(f"/analytics/{path}", params=query)
                spent[name].append(1000 * (time.monotonic() - began))
                response.raise_for_status()
    figures: dict[str, float] = {}
    for name, times in spent.items():
        warm = sorted(times[len(ZONES) :])
        figures |= {
            f"{name}_ms": round(statistics.median(warm), 1),
            f"{name}_ms_p95": round(warm[int(0.95 * len(warm))], 1),
        }
    return figures


async def time_export(database: Database, end: datetime) -> dict[str, float]:
    """The export's own generator: what it sends, how soon and how fast; HTTP clients in process hold whole bodies."""
    wanted = Slice(MEASURED_TENANT, span=Span(end - timedelta(days=DAYS), end))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, spent, rows, first = time.monotonic(), time.process_time(), -1, 0.0
    async for lines in lines_of_calls(database, wanted):
        rows += lines.count("\r\n")
        if not first and rows > 0:
            first = time.monotonic() - began
    seconds = time.monotonic() - began
    return {
        "export_first_byte_ms": round(1000 * first, 1),
        "export_rows": rows,
        "export_rows_per_second": round(rows / seconds),
        "export_rows_per_cpu_second": round(rows / (time.process_time() - spent)),
        "export_peak_mb": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
    }


# ── the storm ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Storm:
    """Inserts, deletions and re-analyses among the calls of the last weeks."""

    database: Database
    end: datetime
    agent_ids: Sequence[UUID]
    campaign_ids: Sequence[UUID]
    dice: random.Random
    strikes: int = 0

    async def rage(self, over: asyncio.Event) -> None:
        while not over.is_set():
            async with self.database.organization(MEASURED_TENANT) as connection:
                await self.dice.choice((self._born, self._gone, self._analyzed))(connection)
            self.strikes += 1

    async def _born(self, connection: Connection) -> None:
        row: dict[str, Any] = {"organization_id": MEASURED_TENANT, "id": new_id(), "agent_version": 1}
        row |= {"agent_id": self.dice.choice(self.agent_ids), "campaign_id": self.dice.choice(self.campaign_ids)}
        row |= {"direction": "outbound", "status": "completed", "outcome": "reached", "created_at": self._when()}
        row |= {"duration_seconds": 20, "cost": "0.004", "answer_ms": [500.0, 812.5], "turns": 3}
        await calls.add(connection, row)

    async def _gone(self, connection: Connection) -> None:
        if (call_id := await self._any(connection)) is not None:
            await calls.remove(connection, MEASURED_TENANT, call_id)

    async def _analyzed(self, connection: Connection) -> None:
        if (call_id := await self._any(connection)) is not None:
            found = {"sentiment": self.dice.choice(list(Sentiment)), "emotions": [self.dice.choice(list(Emotion))]}
            await calls.change(connection, MEASURED_TENANT, call_id, **found)

    async def _any(self, connection: Connection) -> UUID | None:
        statement = sa.select(calls.calls.c.id).where(
            calls.calls.c.organization_id == MEASURED_TENANT, calls.calls.c.created_at >= self._when()
        )
        found: UUID | None = await connection.scalar(statement.order_by(calls.calls.c.created_at).limit(1))
        return found

    def _when(self) -> datetime:
        return self.end - timedelta(days=self.dice.uniform(0, DAYS))

    def question(self) -> tuple[Slice, ZoneInfo]:
        zone = ZoneInfo(self.dice.choice(ZONES))
        edges = sorted((self._when() - timedelta(days=2), self._when()))
        if self.dice.random() < 0.7:
            edges = [periods.midnight(edge.astimezone(zone).date(), zone) for edge in edges]
        agent_id = self.dice.choice([None, *self.agent_ids])
        return Slice(MEASURED_TENANT, agent_id, self.dice.choice([None, *self.campaign_ids]), Span(*edges)), zone


async def equals_recount(connection: Connection, wanted: Slice, zone: ZoneInfo) -> bool:
    """Totals, by agent, by the zone's days and hours: from rollups, and from nothing but the rows."""
    start, end = wanted.span.start or datetime.min, wanted.span.end or datetime.max
    days = periods.days_between(start, end, zone)
    midnights = [periods.midnight(day, zone) for day in days]
    clock = periods.offsets(start, end, zone)
    if len(clock) > 2:
        raise ValueError("the recount knows one change of the clock")
    change = clock[-1].start
    local = f"timezone('UTC', created_at) + CASE WHEN created_at < '{change.isoformat()}' THEN"
    local += f" interval '{clock[0].ahead.total_seconds()} s' ELSE interval '{clock[-1].ahead.total_seconds()} s' END"
    pairs: list[tuple[dict[Any, Any], str]] = [
        ({0: await analytics.totals(connection, wanted)}, "0"),
        (await analytics.totals_by_agent(connection, wanted), "agent_id"),
        (await analytics.totals_by_hour(connection, wanted, clock), f"extract(hour FROM {local})::int"),
    ]
    by_day = await analytics.totals_by_day(connection, wanted, midnights)
    pairs.append(({days[place]: sums for place, sums in by_day.items()}, f"({local})::date"))
    for found, key in pairs:
        measures: Set[str] = next(iter(found.values()), {}).keys() - {"key"}
        if _plain(found, measures) != _plain(await _recount(connection, wanted, key), measures):
            return False
    return True


async def _recount(connection: Connection, wanted: Slice, key: str) -> dict[Any, Any]:
    keyed: sa.ColumnElement[Any] = sa.literal_column(key).label("key")
    statement: sa.Select[Any] = (
        sa.select(keyed, sa.literal_column(COUNTED)).select_from(calls.calls).where(*wanted.where())
    )
    rows = await connection.execute(statement.group_by(sa.literal_column("1")))
    return {row.key: dict(row._mapping) for row in rows}


def _plain(groups: dict[Any, Any], measures: Set[str]) -> dict[Any, dict[str, float]]:
    return {
        key: {name: float(sums[name]) for name in measures}
        for key, sums in groups.items()
        if key is not None and sums["total"]
    }


async def storm(database: Database, end: datetime, seed: int = 1) -> dict[str, Any]:
    """Ask random questions while calls come and go, and the worker counts."""
    async with database.organization(MEASURED_TENANT) as connection:
        of = {"of": MEASURED_TENANT}
        agent_ids = (await connection.scalars(sa.text("SELECT id FROM agents WHERE organization_id = :of"), of)).all()
        found = await connection.scalars(sa.text("SELECT id FROM campaigns WHERE organization_id = :of"), of)
        campaign_ids = found.all()[-8:]
    raging = Storm(database, end, list(agent_ids), list(campaign_ids), random.Random(seed))
    over, equal, rounds = asyncio.Event(), 0, 0

    async def count() -> None:
        nonlocal rounds
        while not over.is_set():
            await Rollups(database).round()
            rounds += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(raging.rage(over))
        tasks.create_task(count())
        for _ in range(QUESTIONS):
            wanted, zone = raging.question()
            async with database.snapshot(MEASURED_TENANT) as snapshot:
                equal += await equals_recount(snapshot, wanted, zone)
        over.set()
    return {
        "recount_equal": equal == QUESTIONS,
        "recounts": QUESTIONS,
        "storm_changes": raging.strikes,
        "storm_counts": rounds,
    }


async def measure(rows: int, data: Path | None) -> dict[str, Any]:
    log.configure("benchmark", "CRITICAL")
    async with call_rows(rows, data) as server:
        database = Database(server.url)
        end = datetime.fromisoformat(facts_of(rows, data)["until"]).astimezone(UTC)
        try:
            await note_everything(database)
            result: dict[str, Any] = {"rows": rows, "rollups_seconds": round(await count_all(database), 1)}
            with TemporaryDirectory() as folder:
                async with signed_in(database, Path(folder)) as client:
                    result |= await time_reports(client, end)
            result |= await time_export(database, end)
            result |= await storm(database, end)
        finally:
            await database.close()
    return result | {"machine": f"{platform.machine()}, Python {platform.python_version()}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(measure(options.rows, options.data))
    for name, value in result.items():
        print(f"{name:24} {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
