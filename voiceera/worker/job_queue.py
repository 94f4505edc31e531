"""PgQueuer, as the job runner uses it: names that no environment changes, and limits that hold for each worker."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    DBSettings,
    Durability,
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Context, Job
from pgqueuer.domain.types import Channel, JobId, QueueEntrypoint
from pgqueuer.ports.repository import EntrypointExecutionParameter

from voiceera.store.jobs import DueRow

NAMES = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.volatile,
)
"""Every name is given: PgQueuer would read the ones left out from the environment."""


def queries_over(connection: asyncpg.Connection) -> Queries:
    """PgQueuer's own statements over one connection."""
    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(NAMES),
        QueryQueueBuilder(NAMES),
        QuerySchedulerBuilder(NAMES),
    )


def due_row(job: Job) -> DueRow:
    """The row that a job is about."""
    assert job.payload is not None and job.headers is not None
    return DueRow(UUID(str(job.headers["organization_id"])), UUID(bytes=job.payload), job.execute_after)


class JobQueue(QueueManager):
    """Takes no more jobs of a kind than this worker has room for.

    PgQueuer's own limit holds for all workers together, and a killed one's jobs would count until they are stale.
    """

    def __init__(self, connection: asyncpg.Connection, limits: Mapping[str, int]) -> None:
        """`limits`: kind → how many of it run at a time in this worker."""
        super().__init__(queries_over(connection), channel=Channel(NAMES.channel))
        self._limits = limits
        self._running: Counter[str] = Counter()
        self._kinds: dict[JobId, str] = {}

    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[Job, None]:
        """Jobs that are due, until there are none, or no room is left."""
        while not self.shutdown.is_set():
            taken = 0
            for size, kinds in self._room(batch_size).items():
                found = await self.queries.dequeue(
                    batch_size=size,
                    entrypoints={QueueEntrypoint(kind): EntrypointExecutionParameter(0) for kind in kinds},
                    queue_manager_id=self.queue_manager_id,
                    global_concurrency_limit=global_concurrency_limit,
                    heartbeat_timeout=heartbeat_timeout,
                )
                for job in found:
                    if job.id not in self.job_context:  # else a late heartbeat made us take our own again
                        taken += 1
                        self._running[job.entrypoint] += 1
                        self._kinds[job.id] = job.entrypoint
                        yield job
            if not taken:
                return

    def forget_job(self, job_id: JobId, context: Context, task: asyncio.Task[None]) -> None:
        super().forget_job(job_id, context, task)
        self._running[self._kinds.pop(job_id)] -= 1

    def _room(self, batch_size: int) -> dict[int, list[str]]:
        """How many jobs to ask for → of which kinds: one statement serves all kinds with room for a whole batch."""
        room: dict[int, list[str]] = {}
        for kind, limit in self._limits.items():
            free = min(limit - self._running[kind], batch_size)
            if free > 0:
                room.setdefault(free, []).append(kind)
        return room
