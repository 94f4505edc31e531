"""What carriers call back about, taken in by slices: one transaction for all that comes within an instant.

Whoever calls back is answered once the transaction is committed. A campaign's counters are one row: a transaction
for each callback would have them wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.gathering import Gatherer
from voiceera.providers.protocols import CarrierEvent
from voiceera.services.calls import Proof, Replayed, refuse_replay, take_in
from voiceera.services.live import CallState, tell_all
from voiceera.store import attempts
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus

_PAUSE_SECONDS = 0.01
_AT_MOST = 50


@dataclass(frozen=True)
class News:
    attempt_id: UUID
    event: CarrierEvent
    now: datetime
    proof: Proof


class CarrierEvents:
    """Of one process."""

    def __init__(self, database: Database, bus: Bus | None) -> None:
        self._database = database
        self._bus = bus
        self._gatherer: Gatherer[UUID, News, bool | Replayed] = Gatherer(
            self._take_in, pause_seconds=_PAUSE_SECONDS, at_most=_AT_MOST
        )

    async def put(self, organization_id: UUID, news: News) -> bool:
        """Forward only; doubled and late news change nothing. False: no such attempt. Raises Replayed."""
        known = await self._gatherer.put(organization_id, news)
        if isinstance(known, Replayed):
            raise known
        return known

    async def _take_in(self, organization_id: UUID, slice_: Sequence[News]) -> list[bool | Replayed]:
        async with self._database.organization(organization_id) as connection:
            known, states = await _take_in_all(connection, organization_id, slice_)
        await tell_all(self._bus, states)
        return known


async def _take_in_all(
    connection: Connection, organization_id: UUID, slice_: Sequence[News]
) -> tuple[list[bool | Replayed], list[CallState]]:
    """(whether each one's attempt is known, what watchers shall be told)."""
    locked = await attempts.lock_all(connection, organization_id, [news.attempt_id for news in slice_])
    current: dict[UUID, Attempt | None] = {attempt.id: attempt for attempt in locked}
    answers: dict[int, bool | Replayed] = {}
    states: list[CallState] = []
    # Campaign after campaign: their counters are locked in this order; what came first, goes first.
    for place in sorted(range(len(slice_)), key=lambda place: (_campaign(current, slice_[place]), place)):
        news = slice_[place]
        try:
            await refuse_replay(connection, organization_id, news.proof, news.now)
        except Replayed as replayed:
            answers[place] = replayed
            continue
        attempt = current.pop(news.attempt_id, None)
        if attempt is None:  # or it is another event's in this slice, which has moved it
            attempt = await attempts.lock(connection, organization_id, news.attempt_id)
        answers[place] = attempt is not None
        if attempt is not None:
            state = await take_in(connection, attempt, news.event, news.now, news.proof)
            states += [] if state is None else [state]
    return [answers[place] for place in range(len(slice_))], states


def _campaign(current: dict[UUID, Attempt | None], news: News) -> str:
    attempt = current.get(news.attempt_id)
    return "" if attempt is None else str(attempt.campaign_id)
