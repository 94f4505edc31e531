"""Once an hour, what organizations do not keep any longer is erased."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from voiceera.clock import utc_now
from voiceera.log import get_logger
from voiceera.services.retention import erase_old
from voiceera.services.sound_archive import SoundArchive
from voiceera.store import retention
from voiceera.store.base import Database

log = get_logger("retention")

PAUSE_SECONDS = 3600.0


class RetentionWatch:
    """Any number may run over one database."""

    def __init__(self, database: Database, archive: SoundArchive, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._archive = archive
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
        async with self._database.platform() as connection:
            limited = await retention.limited(connection)
        for organization_id, kept in limited:
            try:
                erased = await erase_old(self._database, organization_id, kept, self._archive, self._now())
            except Exception:  # one organization's trouble is not the others'
                log.exception("not_erased", organization_id=str(organization_id))
                continue
            if erased.recordings or erased.calls or erased.left:
                told = {"recordings": erased.recordings, "calls": erased.calls, "left": erased.left}
                log.info("erased", organization_id=str(organization_id), **told)
