"""The reaper: once a second, whatever has been left lying is found by its row and put right."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from voiceera import vitals
from voiceera.clock import utc_now
from voiceera.log import get_logger
from voiceera.services import browser_calls, campaigns, expiry, idempotency, reconciling
from voiceera.services.live import tell, tell_campaign, wake
from voiceera.services.trunks import TrunkBook
from voiceera.store import calls, dial_queue, media_nodes, partitions, processes, system_logs
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus
from voiceera.store.dial_queue import Key

log = get_logger("reaper")

_PAUSE_SECONDS = 1.0
_ROUNDS_AN_HOUR = 3600
_STUCK_SECONDS = 60.0
"""A round that takes longer than this is taken for stuck."""

Question = Callable[[Connection, datetime], Awaitable[list[Key]]]
Remedy = Callable[[Key], Awaitable[None]]


class Reaper:
    """Any number may run: each remedy locks its row and looks again before it acts."""

    def __init__(
        self,
        database: Database,
        bus: Bus | None,
        trunks: TrunkBook,
        *,
        keep_logs_days: float = 30,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._trunks = trunks
        self._keep_logs_days = keep_logs_days
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        rounds = 0
        while not stop.is_set():
            try:
                if rounds % _ROUNDS_AN_HOUR == 0:
                    await self._keep_house()
                await self.round()
                vitals.went_round("reaper", _STUCK_SECONDS)
            except Exception:
                log.exception("round_failed")
            rounds += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)

        vitals.ended("reaper")

    async def _keep_house(self) -> None:
        now = self._now()
        await partitions.make_ahead(self._database, now)
        await idempotency.forget(self._database, now)
        await expiry.forget_old(self._database, now)
        await system_logs.keep_partitions(self._database, now, self._keep_logs_days)
        async with self._database.platform() as connection:
            await processes.forget(connection, now)
            await media_nodes.forget(connection, now)

    async def round(self) -> None:
        """Ask every question once and apply its remedy to each row found."""
        remedies: list[tuple[Question, Remedy]] = [
            (dial_queue.expired_claims, self._give_back),
            (dial_queue.too_late_to_ring, self._cancel),
            (dial_queue.to_hang_up, self._hang_up),
            (dial_queue.overdue, self._look_into),
            (_abandoned, self._give_up),
            (dial_queue.starting_campaigns, self._move_campaign),
            (dial_queue.finished_campaigns, self._move_campaign),
            (dial_queue.left_behind, self._cancel_left_behind),
        ]
        for question, remedy in remedies:
            async with self._database.platform() as connection:
                keys = await question(connection, self._now())
            for key in keys:
                await self._apply(remedy, key)

    async def _apply(self, remedy: Remedy, key: Key) -> None:
        """One row that cannot be put right must not keep the others waiting."""
        try:
            await remedy(key)
        except Exception:
            log.exception("remedy_failed", organization_id=str(key[0]), row_id=str(key[1]))

    async def _give_back(self, key: Key) -> None:
        await reconciling.give_back_expired(self._database, key, self._now())
        await wake(self._bus)

    async def _cancel(self, key: Key) -> None:
        await reconciling.cancel_late(self._database, key, self._now())

    async def _hang_up(self, key: Key) -> None:
        await reconciling.hang_up(self._database, self._trunks, key)

    async def _look_into(self, key: Key) -> None:
        await tell(self._bus, await reconciling.look_into(self._database, self._trunks, key, self._now()))

    async def _give_up(self, key: Key) -> None:
        await tell(self._bus, await browser_calls.give_up(self._database, *key, self._now()))

    async def _move_campaign(self, key: Key) -> None:
        status = await reconciling.move_campaign(self._database, key, self._now())
        if status is not None:
            await tell_campaign(self._bus, key[1], status)
            await wake(self._bus)

    async def _cancel_left_behind(self, key: Key) -> None:
        async with self._database.organization(key[0]) as connection:
            await campaigns.cancel_left_behind(connection, *key, self._now())


async def _abandoned(connection: Connection, now: datetime) -> list[Key]:
    return await calls.abandoned(connection, now - browser_calls.LOST_AFTER)
