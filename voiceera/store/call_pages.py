"""How a page of calls is asked for: each form of the question compiled once, in words that lead to its index.

Rows whose sort value is unknown come by a branch of their own, in which the order is the next field's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.store.call_filter import CallFilter
from voiceera.store.calls import calls
from voiceera.store.page import Key, after, keys_of
from voiceera.store.recordings import recordings
from voiceera.store.wire import Statement

SORTABLE = {name: calls.c[name] for name in ("created_at", "duration_seconds", "cost", "status", "disposition")}
ORGANIZATION = sa.bindparam("organization_id", type_=sa.Uuid())
REACH, SIZE, SKIP = (sa.bindparam(name, type_=sa.BigInteger) for name in ("reach", "size", "skip"))


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
        return _beyond(self.keys, self.known)


@lru_cache(500)
def page(shape: Shape) -> Statement:
    """Parameters: organization_id, those of the filter, after_0 …, reach (skip + size), size, skip."""
    rows = in_order(shape, shape.wanted.conditions(), REACH)
    return Statement(shown(rows.limit(SIZE).offset(SKIP).subquery("page"), shape.keys))


def in_order(shape: Shape, conditions: Iterable[sa.ColumnElement[bool]], most: Any) -> sa.Select[Any]:
    """Calls under the conditions, after the cursor; `most` of each branch. Without a limit of its own."""
    wanted = [calls.c.organization_id == ORGANIZATION, *conditions]
    branches = [
        sa.select(calls).where(*wanted, *also).order_by(*(key.ordered for key in keys)).limit(most)
        for also, keys in _branches(shape.keys, shape.known)
    ]
    # Branches that come later are asked only for what those before them leave of the page.
    together = branches[0] if len(branches) == 1 else sa.union_all(*(sa.select(each.subquery()) for each in branches))
    return sa.select(together.subquery())


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


def _branches(
    keys: list[Key], known: tuple[bool, ...] | None
) -> Iterator[tuple[list[sa.ColumnElement[bool]], list[Key]]]:
    """Conditions and order: of the rows whose first sort value is known, then of those where it is not."""
    first, rest = keys[0], keys[1:]
    if first.never_null:
        yield _beyond(keys, known), keys
        return
    if known is None or known[0]:
        here = [replace(first, known=True), *rest]
        yield [first.column.is_not(None), *_beyond(here, known)], here
    unknown = None if known is None or known[0] else known[1:]
    yield [first.column.is_(None), *_beyond(rest, unknown, since=1)], rest


def _beyond(keys: list[Key], known: tuple[bool, ...] | None, *, since: int = 0) -> list[sa.ColumnElement[bool]]:
    if known is None:
        return []
    marks = [
        sa.bindparam(f"after_{index}", type_=key.column.type) if is_known else None
        for index, (key, is_known) in enumerate(zip(keys, known, strict=True), since)
    ]
    return [after(keys, marks)]
