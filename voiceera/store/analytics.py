"""Counts over calls, taken from their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from voiceera.rules.analysis import Emotion, Sentiment
from voiceera.rules.calls import CallStatus, Outcome
from voiceera.rules.latency_bins import GROWTH
from voiceera.rules.periods import Offset
from voiceera.store.base import Connection
from voiceera.store.calls import calls
from voiceera.store.filters import Span, equal

_WHEN = TIMESTAMP(timezone=True)

Sums = dict[str, Any]
"""Measure → what it adds up to."""


@dataclass(frozen=True)
class Slice:
    """Which calls are counted: whose, and made when."""

    organization_id: UUID
    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    span: Span = field(default_factory=Span)

    def within(self, start: datetime | None, end: datetime | None) -> "Slice":
        return replace(self, span=Span(start, end))

    def where(self) -> Iterator[sa.ColumnElement[bool]]:
        yield calls.c.organization_id == self.organization_id
        yield from equal({calls.c.agent_id: self.agent_id, calls.c.campaign_id: self.campaign_id})
        yield from self.span.of(calls.c.created_at)


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(condition)


def _sum(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(column), 0)


_WAS_ANSWERED = calls.c.answered_at.is_not(None) | calls.c.status.in_((CallStatus.COMPLETED, CallStatus.VOICEMAIL))
_WAS_TIMED = _WAS_ANSWERED & calls.c.duration_seconds.is_not(None)

MEASURES: dict[str, sa.ColumnElement[Any]] = {
    "total": sa.func.count(),
    "answered": _count(_WAS_ANSWERED),
    "timed": _count(_WAS_TIMED),
    "talk_seconds": sa.func.coalesce(sa.func.sum(calls.c.duration_seconds).filter(_WAS_TIMED), 0),
    "turns": _sum(calls.c.turns),
    "interruptions": _sum(calls.c.interruptions),
    "goals": _count(calls.c.goal_reached),
    "priced": sa.func.count(calls.c.cost),
    "cost": _sum(calls.c.cost),
    **{f"is_{status}": _count(calls.c.status == status) for status in CallStatus},
    **{f"ended_{outcome}": _count(calls.c.outcome == outcome) for outcome in Outcome},
    **{str(sentiment): _count(calls.c.sentiment == sentiment) for sentiment in Sentiment},
    **{f"felt_{emotion}": _count(sa.literal(str(emotion)) == sa.any_(calls.c.emotions)) for emotion in Emotion},
}
"""What is added up over calls. `timed` are the answered ones whose duration is known, `priced` those with a cost."""


async def totals(connection: Connection, wanted: Slice) -> Sums:
    """All measures, over the whole slice."""
    statement = sa.select(*_measures()).where(*wanted.where())
    return dict((await connection.execute(statement)).one()._mapping)


async def totals_by_agent(connection: Connection, wanted: Slice) -> dict[UUID, Sums]:
    return await _totals_by(connection, wanted, calls.c.agent_id)


async def totals_by_campaign(connection: Connection, wanted: Slice) -> dict[UUID, Sums]:
    """Without the calls that no campaign made."""
    return await _totals_by(connection, wanted, calls.c.campaign_id)


async def totals_by_day(connection: Connection, wanted: Slice, midnights: Sequence[datetime]) -> dict[int, Sums]:
    """By place in `midnights`, the instants at which the days begin; days without calls are missing."""
    return await _totals_by(connection, wanted, _place(midnights))


async def totals_by_hour(connection: Connection, wanted: Slice, clock: Sequence[Offset]) -> dict[int, Sums]:
    """By the hour that the clock showed when the call was made."""
    earlier = [
        (calls.c.created_at < after.start, sa.literal(offset.ahead, sa.Interval)) for offset, after in pairwise(clock)
    ]
    last = sa.literal(clock[-1].ahead, sa.Interval)
    local = sa.func.timezone("UTC", calls.c.created_at) + (sa.case(*earlier, else_=last) if earlier else last)
    return await _totals_by(connection, wanted, sa.cast(sa.extract("hour", local), sa.Integer))


async def _totals_by(connection: Connection, wanted: Slice, key: sa.ColumnElement[Any]) -> dict[Any, Sums]:
    keyed = sa.select(key.label("key"), *_measures()).where(*wanted.where(), key.is_not(None)).group_by("key")
    return {row.key: dict(row._mapping) for row in await connection.execute(keyed)}


def _measures() -> list[sa.ColumnElement[Any]]:
    return [expression.label(name) for name, expression in MEASURES.items()]


def _place(instants: Sequence[datetime]) -> sa.ColumnElement[int]:
    """Which of the instants the call came after, from 0."""
    return sa.func.width_bucket(calls.c.created_at, sa.literal(list(instants), ARRAY(_WHEN))) - 1


# ── how long answers took ────────────────────────────────────────────────────────────────────────────────────────

Bins = list[tuple[int, int]]
"""(bin, count); see `rules.latency_bins`."""


async def latencies_by_agent(connection: Connection, wanted: Slice) -> dict[UUID, Bins]:
    return await _latencies_by(connection, wanted, calls.c.agent_id)


async def latencies_by_campaign(connection: Connection, wanted: Slice) -> dict[UUID, Bins]:
    return await _latencies_by(connection, wanted, calls.c.campaign_id)


async def _latencies_by(connection: Connection, wanted: Slice, key: sa.ColumnElement[UUID]) -> dict[UUID, Bins]:
    answers = sa.func.unnest(calls.c.answer_ms).table_valued("ms").render_derived()
    bin_ = sa.cast(sa.func.floor(sa.func.ln(sa.func.greatest(answers.c.ms, 1)) / sa.func.ln(GROWTH)), sa.Integer)
    statement = (
        sa.select(key.label("key"), bin_.label("bin"), sa.func.count().label("times"))
        .select_from(calls.join(answers, sa.true()))
        .where(*wanted.where(), key.is_not(None))
        .group_by("key", "bin")
    )
    found: dict[UUID, Bins] = {}
    for row in await connection.execute(statement):
        found.setdefault(row.key, []).append((row.bin, row.times))
    return found


# ── what was said ────────────────────────────────────────────────────────────────────────────────────────────────


async def top_phrases(connection: Connection, wanted: Slice, limit: int) -> list[tuple[str, int]]:
    """The phrases said in the most calls, with how many; equals in the order of the alphabet."""
    phrases = sa.func.unnest(calls.c.key_phrases).table_valued("phrase").render_derived()
    times = sa.func.count()
    statement = (
        sa.select(phrases.c.phrase, times)
        .select_from(calls.join(phrases, sa.true()))
        .where(*wanted.where())
        .group_by(phrases.c.phrase)
        .order_by(times.desc(), phrases.c.phrase.collate("C"))
        .limit(limit)
    )
    return [(phrase, count) for phrase, count in await connection.execute(statement)]


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def reach(connection: Connection, organization_id: UUID) -> tuple[datetime, datetime] | None:
    """When the organization's first and last call were made; None: it has none."""
    edges = sa.select(sa.func.min(calls.c.created_at), sa.func.max(calls.c.created_at))
    first, last = (await connection.execute(edges.where(calls.c.organization_id == organization_id))).one()
    return None if first is None else (first, last)


EXPORTED = (
    *("id", "created_at", "direction", "status", "outcome", "agent_id", "agent_version", "campaign_id", "contact_id"),
    *("contact_name", "phone_number", "caller_id", "answered_by", "hangup_cause", "disposition", "goal_reached"),
    *("duration_seconds", "turns", "interruptions", "cost", "sentiment", "emotions", "key_phrases"),
    *("spoken_language", "summary", "notes", "answered_at", "ended_at"),
)


async def rows_after(
    connection: Connection, wanted: Slice, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[sa.Row[Any]]:
    """The slice's calls by age, `limit` at most, from the one after (created_at, id) on."""
    key = sa.tuple_(calls.c.created_at, calls.c.id)
    statement = sa.select(*(calls.c[name] for name in EXPORTED)).where(*wanted.where())
    if after is not None:
        statement = statement.where(key > sa.tuple_(*after))
    return (await connection.execute(statement.order_by(calls.c.created_at, calls.c.id).limit(limit))).all()
