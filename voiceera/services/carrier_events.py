"""What carriers call back about, taken in by slices: one transaction for all that comes within an instant.

Whoever calls back is answered once the transaction is committed. A campaign's counters are one row: a transaction
for each callback would have them wait for each other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.gathering import Gatherer
from voiceera.providers.protocols import CarrierEvent
from voiceera.services.carrier_news import NOT_OVER_HTTP, Proof, Replayed, Told, take_in_all
from voiceera.services.live import CallState, tell_all
from voiceera.store import attempts, carrier_requests
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus

_PAUSE_SECONDS = 0.04
_AT_MOST = 50


@dataclass(frozen=True)
class News:
    attempt_id: UUID
    event: CarrierEvent
    now: datetime
    proof: Proof = NOT_OVER_HTTP


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
        return await take_in_slice(self._database, self._bus, organization_id, slice_)


async def take_in_slice(
    database: Database, bus: Bus | None, organization_id: UUID, slice_: Sequence[News]
) -> list[bool | Replayed]:
    """Whether each one's attempt is known, or that it was taken in before."""
    async with database.organization(organization_id) as connection:
        known, states = await _take_in(connection, organization_id, slice_)
    await tell_all(bus, states)
    return known


async def _take_in(
    connection: Connection, organization_id: UUID, slice_: Sequence[News]
) -> tuple[list[bool | Replayed], list[CallState]]:
    """The same in a transaction, and what watchers shall be told."""
    locked = await attempts.lock_all(connection, organization_id, list({news.attempt_id for news in slice_}))
    current = {attempt.id: attempt for attempt in locked}
    answers: list[bool | Replayed] = []
    fresh: list[News] = []
    for news, is_first in zip(slice_, await _are_first(connection, organization_id, slice_), strict=True):
        is_known = news.attempt_id in current
        answers.append(is_known if is_first else Replayed())
        fresh += [news] if is_first and is_known else []
    states: list[CallState] = []
    for part in rounds(fresh):
        told = [
            Told(current[news.attempt_id], news.event, news.now, news.proof)
            for news in part
            if news.attempt_id in current
        ]
        moved, shown = await take_in_all(connection, organization_id, told)
        states += shown
        current |= {attempt.id: attempt for attempt in moved}
        for state in shown:
            if state.is_over:
                del current[state.call_id]
    return answers, states


async def _are_first(connection: Connection, organization_id: UUID, slice_: Sequence[News]) -> list[bool]:
    """Whether each was never taken in before: neither in another slice, nor earlier in this one."""
    proved = {news.proof.fingerprint for news in slice_ if news.proof.fingerprint is not None}
    unseen = await carrier_requests.note_all(connection, organization_id, proved, slice_[0].now)
    found = []
    for news in slice_:
        found.append(news.proof.fingerprint is None or news.proof.fingerprint in unseen)
        unseen.discard(news.proof.fingerprint or b"")
    return found


def rounds(slice_: Sequence[News]) -> list[list[News]]:
    """News of different attempts, which are worked on together; more of one attempt waits for what came before."""
    parts: list[list[News]] = []
    seen: Counter[UUID] = Counter()
    for news in slice_:
        if seen[news.attempt_id] == len(parts):
            parts.append([])
        parts[seen[news.attempt_id]].append(news)
        seen[news.attempt_id] += 1
    return parts
