"""Writes a process's spooled warnings and errors into the database, in batches, for as long as the process lives.

A database that is away keeps the lines waiting (standard error has them meanwhile); what the spool cannot hold is
counted, and the count is written down once there is somebody to tell.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from voiceera import vitals
from voiceera.ids import new_id
from voiceera.log import Line, Spool, get_logger
from voiceera.store import system_logs
from voiceera.store.base import Database

BATCH_LINES = 100
_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_LAST_WORDS_SECONDS = 2.0

log = get_logger("system_logs")


@asynccontextmanager
async def written_down(database: Database, spool: Spool, process: str) -> AsyncIterator[None]:
    """While inside, what `spool` gets goes into the database; the rest at the end, if it still answers."""
    writer = LogWriter(database, spool, process)
    writing = asyncio.create_task(writer.run())
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        with suppress(Exception):
            await asyncio.wait_for(writer.flush(), _LAST_WORDS_SECONDS)


class LogWriter:
    def __init__(self, database: Database, spool: Spool, process: str) -> None:
        """`process`: host and process id."""
        self._database = database
        self._spool = spool
        self._process = process
        self._told_dropped = 0

    async def run(self) -> None:
        pause = _PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await self.flush()
                pause = _PAUSE_SECONDS
            except Exception as error:
                if pause == _PAUSE_SECONDS:
                    log.warning("logs_not_written", problem=type(error).__name__, waiting=len(self._spool))
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def flush(self) -> None:
        """Write all that waits. Raises what the database raises; nothing is lost then."""
        while lines := self._spool.take(BATCH_LINES):
            try:
                await self._write(lines)
            except BaseException:
                self._spool.put_back(lines)
                raise
        if (dropped := self._spool.dropped) > self._told_dropped:
            vitals.count("log_lines_dropped", dropped - self._told_dropped)
            log.warning("log_lines_dropped", lines=dropped - self._told_dropped)
            self._told_dropped = dropped

    async def _write(self, lines: Sequence[Line]) -> None:
        rows = [row_of(line, self._process) for line in lines]
        try:
            await self._add(rows)
        except DBAPIError as error:
            if not _is_about_values(error):
                raise
            for row in rows:
                await self._add_if_storable(row)

    async def _add_if_storable(self, row: dict[str, Any]) -> None:
        """One line that cannot be stored must not hold up the others."""
        try:
            await self._add([row])
        except DBAPIError as error:
            if not _is_about_values(error):
                raise
            vitals.count("log_lines_dropped")

    async def _add(self, rows: list[dict[str, Any]]) -> None:
        async with self._database.platform() as connection:
            await system_logs.add(connection, rows)


def _is_about_values(error: DBAPIError) -> bool:
    """SQLSTATE classes 22 and 23: data exceptions and broken constraints."""
    return str(getattr(error.orig, "sqlstate", None) or "")[:2] in ("22", "23")


def row_of(line: Line, process: str) -> dict[str, Any]:
    """A spooled line as a row; what has no column goes into `details`."""
    rest = dict(line)
    return {
        "id": new_id(),
        "created_at": datetime.fromisoformat(rest.pop("timestamp")),
        "level": rest.pop("level"),
        "role": str(rest.pop("role", "")),
        "process": process,
        "component": str(rest.pop("component", "")),
        "event": str(rest.pop("event", "")),
        "request_id": _text(rest.pop("request_id", None)),
        "user_id": _id(rest.pop("user_id", None)),
        "organization_id": _id(rest.pop("organization_id", None)),
        "details": rest,
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:200]


def _id(value: Any) -> UUID | None:
    try:
        return None if value is None else UUID(str(value))
    except ValueError:
        return None
