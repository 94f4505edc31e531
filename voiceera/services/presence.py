"""A process says each second that it is there, what it counts, and what of it does not work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

from voiceera import __version__, clock, vitals
from voiceera.ids import new_id
from voiceera.log import get_logger
from voiceera.store import processes
from voiceera.store.base import Database
from voiceera.store.processes import Process

BEAT_SECONDS = 1.0
_LAST_WORDS_SECONDS = 2.0

log = get_logger("presence")


@asynccontextmanager
async def present(database: Database, role: str, name: str) -> AsyncIterator[None]:
    """While inside, a row says that this process is there; it goes at the end. Raises what the database raises."""
    started = clock.utc_now()
    process = Process(new_id(), role, name, __version__, started, started, None, {})
    await _beat(database, process, started)
    beating = asyncio.create_task(_keep_beating(database, process))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        with suppress(Exception):  # a database that is away will find us silent
            await asyncio.wait_for(_leave(database, process), _LAST_WORDS_SECONDS)


async def _keep_beating(database: Database, process: Process) -> None:
    is_down = False
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await _beat(database, process, clock.utc_now())
            is_down = False
        except Exception as error:
            if not is_down:
                log.warning("heartbeat_failed", problem=type(error).__name__)
            is_down = True


async def _beat(database: Database, process: Process, now: datetime) -> None:
    told = replace(process, seen_at=now, problem=vitals.problem(), counters=vitals.counts())
    async with database.platform() as connection:
        await processes.beat(connection, told)


async def _leave(database: Database, process: Process) -> None:
    async with database.platform() as connection:
        await processes.leave(connection, process.id)
