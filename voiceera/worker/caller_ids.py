"""Watches whether people still answer the numbers that calls come from, and rests those that they do not."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from voiceera.clock import utc_now
from voiceera.errors import Conflict
from voiceera.log import get_logger
from voiceera.services.caller_ids import give_rests
from voiceera.services.trunks import TrunkBook
from voiceera.store import campaigns
from voiceera.store.base import Database

log = get_logger("caller_ids")

PAUSE_SECONDS = 60.0


class CallerIdWatch:
    """Any number may run over one database: they come to the same rests."""

    def __init__(self, database: Database, trunks: TrunkBook, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._trunks = trunks
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.round()
            except Exception:
                log.exception("round_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)

    async def round(self) -> None:
        """Look at the numbers of each organization that dials."""
        async with self._database.platform() as connection:
            dialing = await campaigns.organizations_dialing(connection)
        for organization_id in dialing:
            await self._look(organization_id)

    async def _look(self, organization_id: UUID) -> None:
        try:
            trunk = await self._trunks.of(organization_id)
        except Conflict:
            return
        async with self._database.organization(organization_id) as connection:
            worn = await give_rests(connection, organization_id, trunk, self._now())
        for record in worn:
            log.warning(
                "caller_id_rests",
                organization_id=str(organization_id),
                caller_id=record.number,
                answer_rate=round(record.recent.rate, 3),
                earlier_rate=round(record.before.rate, 3),
            )
