"""Keeps the reports quick: counts anew whatever has changed, for every organization, every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from voiceera.clock import utc_now
from voiceera.log import get_logger
from voiceera.store import phrase_counts, rollups
from voiceera.store.base import Database

log = get_logger("rollups")

PAUSE_SECONDS = 10.0


class Rollups:
    """Any number may run over one database: who comes second to an organization leaves it alone."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.round()
                await self.phrases()
            except Exception:
                log.exception("round_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)

    async def round(self) -> None:
        """Count in all changes that are there now; a little of each organization in turn."""
        async with self._database.platform() as connection:
            behind = await rollups.behind(connection)
        while behind:
            behind = [organization_id for organization_id in behind if await self._has_more(organization_id)]

    async def phrases(self) -> None:
        """Count the phrases of the parts of days that are over."""
        async with self._database.platform() as connection:
            behind = await phrase_counts.behind(connection, self._now())
        while behind:
            behind = [organization_id for organization_id in behind if await self._has_more_phrases(organization_id)]

    async def _has_more(self, organization_id: UUID) -> bool:
        return await self._safely(rollups.refresh(self._database, organization_id)) == rollups.QUARTERS_AT_ONCE

    async def _has_more_phrases(self, organization_id: UUID) -> bool:
        return bool(await self._safely(phrase_counts.refresh(self._database, organization_id, self._now())))

    async def _safely(self, refresh: Awaitable[int]) -> int:
        """0 where two refreshes met after all."""
        try:
            return await refresh
        except DBAPIError as problem:
            if getattr(problem.orig, "sqlstate", None) not in rollups.LOST_RACE:
                raise
            return 0
