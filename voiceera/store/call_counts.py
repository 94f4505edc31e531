"""How many calls a list has: exact up to a cap, and not counted again while it is far beyond it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera import clock
from voiceera.store import call_totals
from voiceera.store.base import Connection
from voiceera.store.call_filter import CallFilter
from voiceera.store.call_places import CallPlaces
from voiceera.store.calls import calls
from voiceera.store.page import EXACT_TOTAL_LIMIT
from voiceera.store.wire import Statement

FAR_BEYOND = EXACT_TOTAL_LIMIT + 1_000
_ALL = 2**62
_REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 10_000


@dataclass
class CallCounts:
    """One a process. Calls come and hardly ever go: a list far beyond the cap is not below it a minute later."""

    places: CallPlaces = field(default_factory=CallPlaces)
    _far_beyond: dict[tuple[UUID, CallFilter], float] = field(default_factory=dict)

    async def of(
        self,
        connection: Connection,
        organization_id: UUID,
        wanted: CallFilter,
        *,
        exact: bool = False,
    ) -> tuple[int, bool]:
        """The total, and whether it is the cap."""

        async def count() -> int:
            if call_totals.is_rolled_up(wanted):
                return await call_totals.total(connection, organization_id, wanted, _ALL if exact else FAR_BEYOND)
            values = {"organization_id": organization_id} | wanted.values()
            rows = await _count(wanted.shape(), exact=exact).rows(connection, **values)
            total: int = rows[0][0]
            return total

        return (await count(), False) if exact else await self.remembered(organization_id, wanted, count)

    async def remembered(
        self, organization_id: UUID, wanted: CallFilter, count: Callable[[], Awaitable[int]]
    ) -> tuple[int, bool]:
        """The same by another way to count, up to `FAR_BEYOND`."""
        if self.is_far_beyond(organization_id, wanted):
            return EXACT_TOTAL_LIMIT, True
        total = await count()
        if total >= FAR_BEYOND:
            self._remember((organization_id, wanted), clock.monotonic())
        return (total, False) if total <= EXACT_TOTAL_LIMIT else (EXACT_TOTAL_LIMIT, True)

    def is_far_beyond(self, organization_id: UUID, wanted: CallFilter) -> bool:
        """Whether it was not long ago."""
        return self._far_beyond.get((organization_id, wanted), 0.0) > clock.monotonic()

    def _remember(self, key: tuple[UUID, CallFilter], now: float) -> None:
        self._far_beyond.pop(key, None)
        self._far_beyond[key] = now + _REMEMBERED_SECONDS
        if len(self._far_beyond) > _MOST_REMEMBERED:
            del self._far_beyond[next(iter(self._far_beyond))]


@lru_cache(500)
def _count(wanted: CallFilter, *, exact: bool) -> Statement:
    rows: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        calls.c.organization_id == sa.bindparam("organization_id"), *wanted.conditions()
    )
    if not exact:
        rows = rows.limit(sa.literal_column(str(FAR_BEYOND)))
    return Statement(sa.select(sa.func.count()).select_from(rows.subquery()))
