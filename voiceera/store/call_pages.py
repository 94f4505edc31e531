"""How a page of calls is asked for: each form of the question compiled once, in words that lead to its index.

The planner knows averages; of the calls of this agent, campaign or day it knows nothing, and a plan that it keeps for
all of them is a hundred times too slow for some. So it is told the way: to walk the list in its order, passing over
what is not wanted, or to gather what is wanted and put it in order, where that is known to be little.

Rows whose sort value is unknown come by a branch of their own, in which the order is the next field's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, array

from voiceera.store.call_filter import EQUAL, CallFilter
from voiceera.store.calls import calls
from voiceera.store.page import Key, after, keys_of
from voiceera.store.recordings import recordings
from voiceera.store.wire import Statement

SORTABLE = {name: calls.c[name] for name in ("created_at", "duration_seconds", "cost", "status", "disposition")}
ORGANIZATION = sa.bindparam("organization_id", type_=sa.Uuid())
REACH, SIZE, SKIP = (sa.bindparam(name, type_=sa.BigInteger) for name in ("reach", "size", "skip"))


NEAR = 128

_SERVED = {
    "status": frozenset({"status", "disposition", "agent_id", "campaign_id"}),
    "duration_seconds": frozenset({"status"}),
    "cost": frozenset({"status"}),
    "disposition": frozenset({"status", "disposition", "agent_id", "campaign_id"}),
}
"""Of which filters there are indexes in the order of a field; in the order of time, of all."""
_AFTER_STATUS = frozenset({"duration_seconds", "cost", "disposition"})


@dataclass(frozen=True)
class Shape:
    """What a question is but for its values. `known`: which of the cursor's are not null."""

    wanted: CallFilter
    sort: str
    order: str
    known: tuple[bool, ...] | None

    @property
    def keys(self) -> list[Key]:
        return keys_of(self.sort, self.order, SORTABLE, calls.c.created_at, calls.c.id)

    def beyond(self) -> list[sa.ColumnElement[bool]]:
        """That rows come after the cursor, if there is one."""
        return beyond(self.keys, self.known)

    @property
    def has_index(self) -> bool:
        """Whether some index has this order."""
        return "," not in self.sort

    @property
    def is_by_time(self) -> bool:
        return self.keys[0].column is calls.c.created_at


@lru_cache(500)
def gathered(shape: Shape) -> Statement:
    """Parameters: organization_id, those of the filter, after_0 …, size, skip."""
    wanted = [calls.c.organization_id == ORGANIZATION, *shape.wanted.conditions(), *shape.beyond()]
    # OFFSET 0: by the filter's index, whatever the order.
    found = sa.select(calls).where(*wanted).offset(sa.literal_column("0")).subquery("found")
    chosen = sa.select(found).order_by(*(on(found, key).ordered for key in shape.keys))
    return Statement(shown(chosen.limit(SIZE).offset(SKIP).subquery("page"), shape.keys))


@lru_cache(500)
def page(shape: Shape, *, is_near: bool = False) -> Statement:
    """Parameters: as of `gathered`, and reach (skip + size). `is_near`: that is no more than `NEAR`, so that the
    planner knows how little is read of the list."""
    rows = in_order(shape, None, sa.literal_column(str(NEAR)) if is_near else REACH)
    return Statement(shown(rows.limit(SIZE).offset(SKIP).subquery("page"), shape.keys))


def in_order(shape: Shape, conditions: Sequence[sa.ColumnElement[bool]] | None, most: Any) -> sa.Select[Any]:
    """Calls under the conditions (None: those of the filter, by the way of the order), after the cursor; `most` of
    each branch. Without a limit of its own."""
    branches = [
        sa.select(calls)
        .where(calls.c.organization_id == ORGANIZATION, *_wanted(shape, keys, conditions), *also)
        .order_by(*(key.ordered for key in _led(shape, keys, conditions)), *(key.ordered for key in keys))
        .limit(most)
        for also, keys in _branches(shape)
    ]
    # Branches that come later are asked only for what those before them leave of the page.
    together = branches[0] if len(branches) == 1 else sa.union_all(*(sa.select(each.subquery()) for each in branches))
    return sa.select(together.subquery())


def _wanted(
    shape: Shape, keys: Sequence[Key], conditions: Sequence[sa.ColumnElement[bool]] | None
) -> Iterator[sa.ColumnElement[bool]]:
    if conditions is not None:
        yield from conditions
        return
    led = _led(shape, keys, conditions)
    served = _SERVED.get(str(keys[0].column.name), frozenset(EQUAL))
    unindexed = frozenset(EQUAL) - served if shape.has_index else frozenset()
    leaders: dict[str, Any] = {str(key.column.name): None for key in led}
    yield from replace(shape.wanted, **leaders).conditions(unindexed)
    for key in led:
        yield key.column == sa.any_(array([sa.bindparam(key.column.name, type_=key.column.type)]))


_LEADERS = ("contact_id", "campaign_id", "agent_id", "phone_number", "status")
"""In the order of time, of which several filters the first has an index that knows the others or leaves few."""


def _led(shape: Shape, keys: Sequence[Key], conditions: Sequence[sa.ColumnElement[bool]] | None) -> list[Key]:
    """A filter before the order's own keys: of one value it changes nothing, but that only an index which begins with
    it has that order.

    The status: only some statuses have a cost, a duration, a disposition, and among all those that have one the
    planner would look for the others in vain. In the order of time, the closest of several filters.
    """
    if conditions is not None or not shape.has_index:
        return []
    wanted, first = shape.wanted, keys[0]
    if first.column.name in _AFTER_STATUS:
        return [Key(calls.c.status, first.descending)] if wanted.status is not None else []
    given = [name for name in EQUAL if getattr(wanted, name) is not None]
    leader = next((name for name in _LEADERS if name in given), None)
    if first.column is not calls.c.created_at or leader in (None, "contact_id") or len(given) < 2:
        return []
    return [Key(calls.c[leader], first.descending, known=True)]


def shown(page: sa.FromClause, keys: Iterable[Key], *also: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """A page in its order, with whether there is a sound to download; JSON as text, since it only passes through."""
    columns = [
        sa.cast(column, sa.Text).label(column.name) if isinstance(column.type, JSONB) else column for column in page.c
    ]
    return with_recordings(page, *columns, *also).order_by(*(on(page, key).ordered for key in keys))


def on(rows: sa.FromClause, key: Key) -> Key:
    return replace(key, column=rows.c[key.column.name])


def with_recordings(chosen: sa.FromClause, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """`columns` and `is_recorded`."""
    its_own = (recordings.c.organization_id == chosen.c.organization_id) & (recordings.c.call_id == chosen.c.id)
    is_kept = recordings.c.deleted_at.is_(None) & recordings.c.sha256.is_not(None)
    is_recorded = recordings.c.call_id.is_not(None).label("is_recorded")
    return sa.select(*columns, is_recorded).select_from(chosen.outerjoin(recordings, its_own & is_kept))


def _branches(shape: Shape) -> Iterator[tuple[list[sa.ColumnElement[bool]], list[Key]]]:
    """Conditions and order: of the rows whose first sort value is known, then of those where it is not. Where a
    filter asks for one value of it, the order is the next field's."""
    keys, known = shape.keys, shape.known
    first, rest = keys[0], keys[1:]
    if getattr(shape.wanted, str(first.column.name), None) is not None:
        yield beyond(rest, None if known is None else known[1:], since=1), rest
        return
    if first.never_null:
        yield beyond(keys, known), keys
        return
    if known is None or known[0]:
        here = [replace(first, known=True), *rest]
        yield [first.column.is_not(None), *beyond(here, known)], here
    unknown = None if known is None or known[0] else known[1:]
    yield [first.column.is_(None), *beyond(rest, unknown, since=1)], rest


def beyond(keys: Sequence[Key], known: tuple[bool, ...] | None, *, since: int = 0) -> list[sa.ColumnElement[bool]]:
    if known is None:
        return []
    marks = [
        sa.bindparam(f"after_{index}", type_=key.column.type) if is_known else None
        for index, (key, is_known) in enumerate(zip(keys, known, strict=True), since)
    ]
    return [after(keys, marks)]
