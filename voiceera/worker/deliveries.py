"""The worker's part of webhooks: many receivers at a time, few connections to each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from voiceera.log import get_logger
from voiceera.rules.webhooks import connections
from voiceera.services.deliveries import Post
from voiceera.services.events import DELIVER
from voiceera.store import deliveries
from voiceera.store.base import Connection
from voiceera.store.deliveries import Claimed
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind

log = get_logger("webhooks")

RECEIVERS_AT_ONCE = 200
KEPT = timedelta(days=30)
"""How long events and their deliveries can be looked at."""


@dataclass
class _Lane:
    """One receiver's deliveries in this process."""

    more: asyncio.Event = field(default_factory=asyncio.Event)
    limit: int = connections(0)
    sending: set[asyncio.Task[None]] = field(default_factory=set)


class Deliveries:
    """A job wakes for a webhook; what is due for it is claimed from the rows until nothing is left."""

    def __init__(self, post: Post, stop: asyncio.Event) -> None:
        """`stop`: claim no more; what is under way is carried through."""
        self._post = post
        self._stop = stop
        self._lanes: dict[UUID, _Lane] = {}

    def kind(self) -> Kind:
        return Kind(DELIVER, self.deliver, self._due, at_once=RECEIVERS_AT_ONCE)

    async def deliver(self, row: DueRow, now: datetime) -> None:
        """Send what is due to the webhook `row.row_id`. Where somebody is at it already, it goes on to this, too."""
        if (lane := self._lanes.get(row.row_id)) is not None:
            lane.more.set()
            return
        lane = self._lanes[row.row_id] = _Lane()
        try:
            await self._drain(lane, row, now)
        finally:
            del self._lanes[row.row_id]

    async def _drain(self, lane: _Lane, row: DueRow, now: datetime) -> None:
        async with asyncio.TaskGroup() as tasks:
            lane.more.set()
            while lane.more.is_set() or lane.sending:
                room = lane.limit - len(lane.sending)
                if lane.more.is_set() and room > 0 and not self._stop.is_set():
                    lane.more.clear()
                    claimed = await self._claim(row, max(now, self._post.now()), room)
                    for each in claimed:
                        lane.limit = connections(each.consecutive_failures)
                        lane.sending.add(tasks.create_task(self._send(each)))
                    if len(claimed) == room:
                        lane.more.set()
                elif lane.sending:
                    await self._wait(lane, room)
                else:
                    return

    async def _claim(self, row: DueRow, now: datetime, room: int) -> list[Claimed]:
        """None where the database is away: what is under way goes on, and the sweep comes back to the rest."""
        try:
            return await self._post.claim(row.organization_id, row.row_id, now, room)
        except Exception:
            log.exception("claim_failed", webhook_id=str(row.row_id))
            return []

    async def _wait(self, lane: _Lane, room: int) -> None:
        """Until one has been sent, or there is more to send and room for it."""
        waiting: set[asyncio.Task[object]] = {*lane.sending}
        news = asyncio.create_task(lane.more.wait())
        if room > 0 and not self._stop.is_set():
            waiting.add(news)
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        lane.sending -= done

    async def _send(self, claimed: Claimed) -> None:
        """What goes wrong on our side leaves the row, which is due again when its lease ends."""
        try:
            await self._post.send(claimed)
        except Exception:
            log.exception("delivery_failed", delivery_id=str(claimed.id))

    async def _due(self, connection: Connection, now: datetime) -> Sequence[DueRow]:
        await deliveries.forget(connection, now - KEPT)
        return await deliveries.due(connection, now, SWEPT_AT_ONCE)
