"""Counts over calls: from rollups where those are up to date, from the calls' own rows where they are not.

Each answer is one statement, so it is true of one instant: it equals a recount.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.rules.periods import Offset
from voiceera.store import phrase_counts
from voiceera.store.base import Connection
from voiceera.store.call_measures import BIN, MEASURES, QUARTER
from voiceera.store.calls import calls
from voiceera.store.filters import Span, equal
from voiceera.store.rollup_cuts import STRETCHES, cut, ends, rolled_up

Sums = dict[str, Any]
"""Measure → what it adds up to."""
Bins = list[tuple[int, int]]
"""(bin, count); see `rules.latency_bins`."""

COUNTS = ("total", "answered", "is_completed", "is_failed")
"""The measures that are told by day and by hour."""


@dataclass(frozen=True)
class Slice:
    """Which calls are counted: whose, and made when."""

    organization_id: UUID
    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    span: Span = field(default_factory=Span)

    def where(self) -> list[sa.ColumnElement[bool]]:
        return [
            calls.c.organization_id == self.organization_id,
            *equal({calls.c.agent_id: self.agent_id, calls.c.campaign_id: self.campaign_id}),
            *self.span.of(calls.c.created_at),
        ]


async def totals(connection: Connection, wanted: Slice) -> Sums:
    """All measures, over the whole slice."""
    return (await _totals_by(connection, wanted, "0", by_day=True)).get(0, dict.fromkeys(MEASURES, 0))


async def totals_by_agent(connection: Connection, wanted: Slice) -> dict[UUID, Sums]:
    return await _totals_by(connection, wanted, "agent_id", by_day=True)


async def totals_by_campaign(connection: Connection, wanted: Slice) -> dict[UUID, Sums]:
    """Without the calls that no campaign made."""
    return await _totals_by(connection, wanted, "campaign_id", by_day=True)


async def totals_by_day(connection: Connection, wanted: Slice, midnights: Sequence[datetime]) -> dict[int, Sums]:
    """`COUNTS` by place in `midnights`, the instants at which the days begin; days without calls are missing."""
    place = "width_bucket(start, CAST(:midnights AS timestamptz[])) - 1"
    return await _totals_by(connection, wanted, place, COUNTS, midnights=list(midnights))


async def totals_by_hour(connection: Connection, wanted: Slice, clock: Sequence[Offset]) -> dict[int, Sums]:
    """`COUNTS` by the hour that the clock showed when the call was made."""
    hour = """
        CAST(extract(hour FROM timezone('UTC', start) + (CAST(:aheads AS interval[]))[
            greatest(1, width_bucket(start, CAST(:changes AS timestamptz[])))]) AS integer)
    """
    changes, aheads = [offset.start for offset in clock], [offset.ahead for offset in clock]
    return await _totals_by(connection, wanted, hour, COUNTS, changes=changes, aheads=aheads)


async def latencies_by_agent(connection: Connection, wanted: Slice) -> dict[UUID, Bins]:
    return await _latencies_by(connection, wanted, "agent_id")


async def latencies_by_campaign(connection: Connection, wanted: Slice) -> dict[UUID, Bins]:
    return await _latencies_by(connection, wanted, "campaign_id")


async def _totals_by(
    connection: Connection,
    wanted: Slice,
    key: str,
    measures: Sequence[str] = tuple(MEASURES),
    *,
    by_day: bool = False,
    **values: Any,
) -> dict[Any, Sums]:
    """`key`: SQL over `start`, `agent_id`, `campaign_id`. `by_day`: it does not look at `start`."""
    counted = ", ".join(f"{MEASURES[name]} AS {name}" for name in measures)
    added = ", ".join(f"sum({name}) AS {name}" for name in measures)
    told = f"SELECT {QUARTER}, agent_id, campaign_id, {counted}"
    facts = _facts(wanted, key, "call_rollups", ", ".join(measures), told, "")
    statement = sa.text(f"{facts} SELECT {key} AS key, {added} FROM facts GROUP BY 1")
    rows = await connection.execute(statement, values | _values(wanted, by_day=by_day))
    return {row.key: dict(row._mapping) for row in rows if row.key is not None}


async def _latencies_by(connection: Connection, wanted: Slice, key: str) -> dict[UUID, Bins]:
    counted = f"SELECT {QUARTER}, agent_id, campaign_id, {BIN} AS bin, count(*)"
    facts = _facts(
        wanted, key, "latency_rollups", "bin, times", counted, "CROSS JOIN LATERAL unnest(answer_ms) AS ms"
    )
    statement = sa.text(f"{facts} SELECT {key} AS key, bin, sum(times) AS times FROM facts GROUP BY 1, bin")
    found: dict[UUID, Bins] = {}
    for row in await connection.execute(statement, _values(wanted, by_day=True)):
        if row.key is not None:
            found.setdefault(row.key, []).append((row.bin, int(row.times)))
    return found


def _facts(wanted: Slice, key: str, table: str, columns: str, counted: str, source: str) -> str:
    """A common table `facts` of rows to add up: (start, agent_id, campaign_id, `columns`)."""
    filters, level = "", 0
    for bit, name in ((1, "agent_id"), (2, "campaign_id")):
        is_given = getattr(wanted, name) is not None
        filters += f" AND {name} = :{name}" if is_given else ""
        level += bit if is_given or key == name else 0
    told = f"start, agent_id, campaign_id, {columns}"
    grouped = "1, 2, 3, 4" if "bin" in columns else "1, 2, 3"
    return f"""
        WITH {STRETCHES}, facts ({told}) AS (
            {rolled_up(table, told, f"organization_id = :organization_id AND level = {level} {filters}")}
            UNION ALL
            {counted}
            FROM raw CROSS JOIN LATERAL (
                SELECT * FROM calls WHERE organization_id = :organization_id {filters}
                    AND created_at >= since AND created_at < until OFFSET 0
            ) uncounted {source} GROUP BY {grouped}
        )
    """


def _values(wanted: Slice, *, by_day: bool) -> dict[str, Any]:
    given = {"agent_id": wanted.agent_id, "campaign_id": wanted.campaign_id}
    known = {name: value for name, value in given.items() if value is not None}
    return known | {"organization_id": wanted.organization_id} | cut(wanted.span, by_day=by_day)


# ── what was said ────────────────────────────────────────────────────────────────────────────────────────────────


async def top_phrases(connection: Connection, wanted: Slice, limit: int) -> list[tuple[str, int]]:
    """The phrases said in the most calls, with how many; equals in the order of the alphabet."""
    if wanted.agent_id is not None or wanted.campaign_id is not None:
        return await phrase_counts.top_of_some(connection, wanted.where(), limit)
    start, end = ends(wanted.span)
    return await phrase_counts.top_of_all(connection, wanted.organization_id, start, end, limit)


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def reach(connection: Connection, organization_id: UUID) -> tuple[datetime, datetime] | None:
    """When the organization's first and last call were made; None: it has none."""
    edges = sa.select(sa.func.min(calls.c.created_at), sa.func.max(calls.c.created_at))
    first, last = (await connection.execute(edges.where(calls.c.organization_id == organization_id))).one()
    return None if first is None else (first, last)
