"""Jobs on a real queue: woken, swept, limited, and never the end of a worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from voiceera.ids import new_id
from voiceera.store import jobs, migrate
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.job_queue import queries_over
from voiceera.worker.jobs import JobRunner, Kind

ORGANIZATION, STRANGER = new_id(), new_id()
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Chores:
    """A kind whose rows stand in a table of the test's own: done by deleting them."""

    database: Database
    done: list[UUID] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def kind(self, handle: Callable[[DueRow, datetime], Awaitable[None]] | None = None, at_once: int = 10) -> Kind:
        return Kind("chore", handle or self.do, self.due, at_once)

    async def do(self, row: DueRow, now: datetime) -> None:
        async with self.database.platform() as connection:
            gone = await connection.execute(text("DELETE FROM chores WHERE id = :id"), {"id": row.row_id})
        if gone.rowcount:
            await self.note(row.row_id)

    async def note(self, row_id: UUID) -> None:
        async with self.changed:
            self.done.append(row_id)
            self.changed.notify_all()

    async def until(self, count: int) -> None:
        async with self.changed, asyncio.timeout(20):
            await self.changed.wait_for(lambda: len(self.done) >= count)

    async def due(self, connection: Connection, now: datetime) -> Sequence[DueRow]:
        found = await connection.execute(text("SELECT id, due_at FROM chores WHERE due_at <= :now"), {"now": now})
        return [DueRow(ORGANIZATION, row.id, row.due_at) for row in found]

    async def add(self, *, wake: bool = True, fails: bool = False, delay: timedelta = timedelta(0)) -> UUID:
        row_id, due_at = new_id(), datetime.now(UTC) + delay
        async with self.database.organization(ORGANIZATION) as connection:
            await connection.execute(
                text("INSERT INTO chores VALUES (:id, :due_at)"), {"id": row_id, "due_at": due_at}
            )
            if wake:
                await jobs.enqueue(connection, "chore", ORGANIZATION, row_id, due_at)
            if fails:
                raise LookupError
        return row_id


@pytest.fixture
async def chores(database: Database) -> Chores:
    async with database.platform() as connection:
        await connection.execute(text("CREATE TABLE chores (id uuid PRIMARY KEY, due_at timestamptz)"))
    return Chores(database)


@asynccontextmanager
async def running(database: Database, *kinds: Kind, sweep_seconds: float = 3600) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(JobRunner(database, kinds, sweep_seconds=sweep_seconds).run(stop))
        yield stop
        stop.set()


async def queued(database: Database) -> int:
    async with database.platform() as connection:
        return await connection.scalar(text("SELECT count(*) FROM pgqueuer")) or 0


async def test_a_job_wakes_the_worker_in_whose_transaction_it_was_written(chores: Chores) -> None:
    async with running(chores.database, chores.kind()):
        with pytest.raises(LookupError):
            await chores.add(fails=True)
        kept = await chores.add()
        await chores.until(1)
    assert chores.done == [kept]


async def test_a_job_waits_until_its_row_is_due(chores: Chores) -> None:
    async with running(chores.database, chores.kind()):
        later = await chores.add(delay=timedelta(seconds=0.5))
        sooner = await chores.add()
        await chores.until(2)
    assert chores.done == [sooner, later]


async def test_the_sweep_finds_a_row_whose_job_was_lost(chores: Chores) -> None:
    lost = await chores.add(wake=False)
    async with running(chores.database, chores.kind()):
        await chores.until(1)
    assert chores.done == [lost]


async def test_sweeping_again_and_again_makes_one_job(chores: Chores) -> None:
    await chores.add()
    runner = JobRunner(chores.database, [chores.kind()])
    for _ in range(3):
        await runner.sweep()
    assert await queued(chores.database) == 1


async def test_a_failing_handler_ends_neither_the_worker_nor_the_row(chores: Chores) -> None:
    tries = 0

    async def fail_once(row: DueRow, now: datetime) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("a fault of the handler")
        await chores.do(row, now)

    row_id = await chores.add()
    async with running(chores.database, chores.kind(fail_once), sweep_seconds=0.2):
        await chores.until(1)
    assert (chores.done, tries) == ([row_id], 2)


async def test_no_more_run_at_a_time_than_the_kind_allows(chores: Chores) -> None:
    running_now = most = 0

    async def slowly(row: DueRow, now: datetime) -> None:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await asyncio.sleep(0.01)
        running_now -= 1
        await chores.do(row, now)

    for _ in range(12):
        await chores.add()
    async with running(chores.database, chores.kind(slowly, at_once=3)):
        await chores.until(12)
    assert most == 3
    assert len(set(chores.done)) == 12


async def test_a_stop_lets_begun_work_end(chores: Chores) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(row: DueRow, now: datetime) -> None:
        begun.set()
        await may_end.wait()
        await chores.do(row, now)

    await chores.add()
    async with running(chores.database, chores.kind(wait)) as stop:
        await begun.wait()
        stop.set()
        may_end.set()
    assert len(chores.done) == 1
    assert await queued(chores.database) == 0


async def test_a_lost_connection_is_opened_again_and_nothing_stays_undone(chores: Chores) -> None:
    async with running(chores.database, chores.kind(), sweep_seconds=0.5):
        await chores.add()
        await chores.until(1)
        async with chores.database.platform() as connection:
            await connection.execute(
                text("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'voiceera jobs'
                """)
            )
        await chores.add()
        await chores.until(2)


async def test_an_organization_sees_its_own_jobs_alone(chores: Chores) -> None:
    await chores.add()
    for organization_id, seen in ((ORGANIZATION, 1), (STRANGER, 0)):
        async with chores.database.organization(organization_id) as connection:
            assert await connection.scalar(text("SELECT count(*) FROM pgqueuer")) == seen


async def test_pgqueuer_finds_nothing_to_change_in_our_schema(database: Database) -> None:
    await migrate.upgrade(database.url)
    connection = await jobs.queue_connection(database.url)
    plan = await queries_over(connection).plan_upgrade()
    await connection.close()
    assert not plan.statements, plan
    assert not plan.notes, plan


async def test_what_was_logged_about_old_jobs_is_forgotten(chores: Chores) -> None:
    async with running(chores.database, chores.kind()):
        await chores.add()
        await chores.until(1)
    async with chores.database.platform() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM pgqueuer_log"))
        await jobs.forget_log(connection, timedelta(0))
        assert not await connection.scalar(text("SELECT count(*) FROM pgqueuer_log"))
