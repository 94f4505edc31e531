"""Where an agent's, a campaign's or a time's calls lie: between which times, and in which of the partitions.

An index of another order, by cost for one, knows when a call was made, and passes over others without reading them.
But in a partition that holds none of the wanted it would be walked from end to end, so that one is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from voiceera import clock
from voiceera.store import partitions
from voiceera.store.base import Connection
from voiceera.store.call_filter import CallFilter
from voiceera.store.filters import Span
from voiceera.store.wire import Statement

_REMEMBERED_SECONDS = 600.0
_LOWEST, _HIGHEST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass
class CallPlaces:
    """One a process. Edges that are no longer all of the partitions' make it look less closely, and never wrongly."""

    _edges: list[UUID] = field(default_factory=list)
    _until: float = 0.0

    async def narrowed(self, connection: Connection, organization_id: UUID, wanted: CallFilter) -> CallFilter:
        """The same calls, with where they lie."""
        whose = CallFilter(
            agent_id=None if wanted.campaign_id else wanted.agent_id,
            campaign_id=wanted.campaign_id,
            span=wanted.span,
        )
        edges = await self._partitions(connection)
        values = {"organization_id": organization_id, "edges": edges} | whose.values()
        first, last, earliest, latest = (await _places(whose.shape()).rows(connection, **values))[0]
        if first is None:
            return wanted
        span = _within(wanted.span, earliest, latest)
        return replace(wanted, span=span, first_id=edges[first - 1], end_id=edges[last])

    async def _partitions(self, connection: Connection) -> Sequence[UUID]:
        now = clock.monotonic()
        if self._until < now:
            self._edges = [_LOWEST, *await partitions.edges(connection), _HIGHEST]
            self._until = now + _REMEMBERED_SECONDS
        return self._edges


def _within(given: Span, earliest: datetime, latest: datetime) -> Span:
    end = latest + timedelta(microseconds=1)
    return Span(max(earliest, given.start or earliest), min(end, given.end or end))


@lru_cache
def _places(whose: CallFilter) -> Statement:
    names = [name for name in ("agent_id", "campaign_id") if getattr(whose, name) is not None]
    conditions = [f"{name} = :{name}" for name in names]
    conditions += ["created_at >= :start"] if whose.span.start else []
    conditions += ["created_at < :end"] if whose.span.end else []
    made = f"""
        SELECT created_at FROM calls WHERE organization_id = :organization_id
            AND {" AND ".join([*conditions, "id >= edge AND id < next_edge"])} ORDER BY created_at
    """
    return Statement(
        sa.text(f"""
        SELECT min(place), max(place), min(earliest), max(latest)
        FROM (
            SELECT edge, lead(edge) OVER (ORDER BY place) AS next_edge, place
            FROM unnest(CAST(:edges AS uuid[])) WITH ORDINALITY AS edges (edge, place)
        ) partitions CROSS JOIN LATERAL (
            SELECT ({made} LIMIT 1) AS earliest, ({made} DESC LIMIT 1) AS latest OFFSET 0
        ) made
        WHERE next_edge IS NOT NULL AND earliest IS NOT NULL
        """)
    )
