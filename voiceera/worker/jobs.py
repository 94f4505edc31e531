"""The job runner: kind → handler. Woken by PgQueuer, backed by a sweep that finds due rows without it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.models import Job

from voiceera.clock import utc_now
from voiceera.log import get_logger
from voiceera.store import jobs
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.job_queue import JobQueue, due_row

log = get_logger("jobs")

SWEEP_SECONDS = 60.0
SWEPT_AT_ONCE = 1_000
"""How many rows a kind's `due` gives at most, the longest due first."""
_BATCH = 10
_STALE = timedelta(seconds=30)
"""A job whose worker has not been heard of for that long is given to another."""
_LOG_KEPT = timedelta(hours=1)
_SHORTEST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0
_CLOSE_SECONDS = 5
_TROUBLE = (
    *(OSError, TimeoutError, FailingListenerError),
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
)


@dataclass(frozen=True)
class Kind:
    """One kind of background work.

    `handle(row, now)`: look at the row, and do what is due on it. It may be called twice for one row, at the same
    time and in two processes: it claims by updating the row. An error that it lets out is logged; the row is still
    due, and comes again with the next sweep.
    `due(connection, now)`: at most `SWEPT_AT_ONCE` rows of all organizations with work due; a platform transaction.
    """

    name: str
    handle: Callable[[DueRow, datetime], Awaitable[None]]
    due: Callable[[Connection, datetime], Awaitable[Sequence[DueRow]]]
    at_once: int = 10
    """How many run at a time in one worker."""


class JobRunner:
    """Any number may run over one database."""

    def __init__(
        self,
        database: Database,
        kinds: Sequence[Kind],
        *,
        drain_seconds: float = 30,
        sweep_seconds: float = SWEEP_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`drain_seconds`: how long handlers may go on after the stop; then they are cancelled."""
        self._database = database
        self._kinds = {kind.name: kind for kind in kinds}
        self._drain_seconds = drain_seconds
        self._sweep_seconds = sweep_seconds
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then finish what is begun."""
        sweeping = asyncio.create_task(self._keep_sweeping(stop))
        try:
            await self._keep_working(stop)
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    async def sweep(self) -> None:
        """Enqueue every row that is due; what is queued already stays one job."""
        for kind in self._kinds.values():
            async with self._database.platform() as connection:
                await jobs.enqueue_all(connection, kind.name, await kind.due(connection, self._now()))
        async with self._database.platform() as connection:
            await jobs.forget_log(connection, _LOG_KEPT)

    async def _keep_sweeping(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.sweep()
            except Exception:
                log.exception("sweep_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._sweep_seconds * random.uniform(0.9, 1.1))

    async def _keep_working(self, stop: asyncio.Event) -> None:
        """Serve the queue over one connection after another."""
        pause = _SHORTEST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                connection = await jobs.queue_connection(self._database.url)
                pause = _SHORTEST_PAUSE_SECONDS
                try:
                    await self._serve(connection, stop)
                    await connection.close(timeout=_CLOSE_SECONDS)
                finally:
                    connection.terminate()
            except Exception as problem:
                log.warning("queue_lost", problem=type(problem).__name__, exc_info=not isinstance(problem, _TROUBLE))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _serve(self, connection: asyncpg.Connection, stop: asyncio.Event) -> None:
        """Until `stop` or the connection's end, and then until the handlers have ended. Raises what went wrong."""
        queue = JobQueue(connection, {kind.name: kind.at_once for kind in self._kinds.values()})
        for kind in self._kinds.values():
            queue.entrypoint(kind.name, accepts_context=False)(self._handler(kind))
        over = asyncio.Event()
        connection.add_termination_listener(lambda _connection: over.set())
        working = asyncio.create_task(
            queue.run(
                batch_size=_BATCH,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=_STALE,
                log_aggregation_interval=timedelta(0),
            )
        )
        waits = [asyncio.create_task(event.wait()) for event in (stop, over)]
        try:
            await asyncio.wait({working, *waits}, return_when=asyncio.FIRST_COMPLETED)
            queue.shutdown.set()
            await asyncio.wait({working}, timeout=self._drain_seconds)
        finally:
            for each in (working, *waits):
                each.cancel()
            with suppress(asyncio.CancelledError):
                await working

    def _handler(self, kind: Kind) -> Callable[[Job], Awaitable[None]]:
        async def handle(job: Job) -> None:
            row = due_row(job)
            try:
                # The database's clock said that it is due: ours may be a little behind.
                await kind.handle(row, max(self._now(), row.due_at))
            except Exception:
                log.exception(
                    "job_failed", kind=kind.name, row_id=str(row.row_id), organization_id=str(row.organization_id)
                )

        return handle
