"""Whether the platform's parts answer: asked of each part itself, within a few seconds, and how long it took."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from voiceera import clock
from voiceera.ids import new_id
from voiceera.services.parts import Crew, Part, any_media, any_worker, each
from voiceera.store import jobs, media_nodes, processes
from voiceera.store.base import Database
from voiceera.store.bus import Bus

PATIENCE_SECONDS = 3.0
KEPT_SECONDS = 1.0
"""How long an answer to a probe holds, so that nobody can make work by asking."""

_AWAY = (SQLAlchemyError, OSError, TimeoutError)


class Checks:
    def __init__(self, database: Database, bus: Bus, recordings_dir: Path, least_free_bytes: int) -> None:
        self._database = database
        self._bus = bus
        self._directory = recordings_dir
        self._least_free = least_free_bytes
        self._one_at_a_time = asyncio.Lock()
        self._kept: tuple[float, list[Part]] | None = None
        self._writing: asyncio.Future[None] | None = None

    async def needed(self) -> list[Part]:
        """Database, storage, worker, media: what must answer. At most a second old."""
        async with self._one_at_a_time:
            now = clock.monotonic()
            if self._kept is None or now - self._kept[0] > KEPT_SECONDS:
                self._kept = (clock.monotonic(), await self._ask())
            return self._kept[1]

    async def _ask(self) -> list[Part]:
        database, storage, crew = await asyncio.gather(self.database(), self.storage(), self.crew())
        now = clock.utc_now()
        return [database, storage, any_worker(crew, now), any_media(crew, now)]

    async def every(self) -> list[Part]:
        """Each part, each process, asked now."""
        database, storage, bus, crew = await asyncio.gather(self.database(), self.storage(), self.bus(), self.crew())
        now = clock.utc_now()
        return [database, storage, self.disk(), bus, any_media(crew, now), any_worker(crew, now), *each(crew, now)]

    async def database(self) -> Part:
        started = clock.monotonic()
        for last in (False, True):  # a pooled connection may not know yet that the server was started again
            try:
                async with asyncio.timeout(PATIENCE_SECONDS), self._database.engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                break
            except _AWAY as error:
                if last:
                    return Part("database", "database", reason=_why(error))
        return Part("database", "database", latency_ms=_since(started))

    async def storage(self) -> Part:
        """A file can be written and removed where the recordings lie."""
        started = clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(self._begin_to_write())
        except _AWAY as error:
            return Part("storage", "recordings", reason=f"the recordings' directory cannot be written: {_why(error)}")
        if self.free_bytes() < self._least_free:
            return Part("storage", "recordings", reason="the disk is nearly full")
        return Part("storage", "recordings", latency_ms=_since(started))

    def _begin_to_write(self) -> asyncio.Future[None]:
        """One at a time: a storage that hangs must not take one thread after the other."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(asyncio.to_thread(_write_and_remove, self._directory))
            self._writing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return self._writing

    def disk(self) -> Part:
        free, least = self.free_bytes(), self._least_free
        reason = None if free >= least else f"less than {least >> 20} MB are free"
        return Part(
            "disk", "recordings", reason=reason, facts={"free_bytes": free, "total_bytes": self._usage().total}
        )

    def free_bytes(self) -> int:
        return int(self._usage().free)

    def _usage(self) -> Any:
        return shutil.disk_usage(next(path for path in (self._directory, *self._directory.parents) if path.is_dir()))

    async def bus(self) -> Part:
        """A message comes back."""
        started = clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await _echo(self._bus)
        except _AWAY as error:
            return Part("bus", "bus", reason=_why(error))
        return Part("bus", "bus", latency_ms=_since(started))

    async def crew(self) -> Crew | None:
        """None: the database, which knows them, does not answer."""
        started = clock.monotonic()
        try:
            async with asyncio.timeout(2 * PATIENCE_SECONDS):
                return await _again(lambda: self._crew(started))
        except _AWAY:
            return None

    async def _crew(self, started: float) -> Crew:
        async with self._database.platform() as connection:
            nodes, there = await media_nodes.seen(connection), await processes.seen(connection)
            age = await jobs.oldest_due_seconds(connection)
        return Crew(nodes, there, age, _since(started))


async def _again(ask: Callable[[], Awaitable[Crew]]) -> Crew:
    try:
        return await ask()
    except SQLAlchemyError:  # a pooled connection that is stale
        return await ask()


async def _echo(bus: Bus) -> None:
    channel, listening = f"echo:{new_id()}", asyncio.Event()
    async with aclosing(bus.subscribe(channel, listening)) as messages:
        hearing = asyncio.ensure_future(anext(messages))
        try:
            await listening.wait()
            await bus.publish(channel, {})
            await hearing
        finally:  # nobody may leave a subscription that somebody still iterates
            hearing.cancel()
            await asyncio.wait([hearing])


def _write_and_remove(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / f".probe-{new_id()}"
    try:
        probe.write_bytes(b"voiceera")
    finally:
        probe.unlink(missing_ok=True)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE_SECONDS:.0f} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _since(started: float) -> float:
    return round((clock.monotonic() - started) * 1000, 2)
