"""Reading calls: one, and a page of them.

Pages are asked for a hundred times a second over millions of rows. So each form of the question is compiled once and
runs on the driver itself, and says what its index needs to hear: rows whose sort value is unknown come by a branch of
their own, in which the order is the next field's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.store.base import Connection
from voiceera.store.call_counts import CallCounts
from voiceera.store.call_filter import CallFilter
from voiceera.store.calls import calls, is_call
from voiceera.store.page import (
    DEFAULT_SORT,
    EXACT_TOTAL_LIMIT,
    Key,
    Page,
    PageRequest,
    after,
    keys_of,
    read_cursor,
    write_cursor,
)
from voiceera.store.recordings import recordings
from voiceera.store.wire import Statement

SORTABLE = {name: calls.c[name] for name in ("created_at", "duration_seconds", "cost", "status", "disposition")}
_TIES = (calls.c.created_at, calls.c.id)
_MOST = 2**63 - 1


def _calls(chosen: sa.FromClause, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Calls, with `is_recorded`: whether there is a sound to download."""
    its_own = (recordings.c.organization_id == chosen.c.organization_id) & (recordings.c.call_id == chosen.c.id)
    is_kept = recordings.c.deleted_at.is_(None) & recordings.c.sha256.is_not(None)
    is_recorded = recordings.c.call_id.is_not(None).label("is_recorded")
    return sa.select(*(columns or chosen.c), is_recorded).select_from(chosen.outerjoin(recordings, its_own & is_kept))


async def get(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    found = await connection.execute(_calls(calls).where(is_call(organization_id, call_id)))
    row: sa.Row[Any] | None = found.one_or_none()
    return row


async def find(
    connection: Connection, organization_id: UUID, request: PageRequest, wanted: CallFilter, counts: CallCounts
) -> Page[asyncpg.Record]:
    """One page, as the driver gives it: JSON columns are text. Raises Invalid for a sort or a foreign cursor."""
    sort = DEFAULT_SORT if request.sort is None else request.sort
    signature = f"{sort}|{request.order}"
    keys = keys_of(sort, request.order, SORTABLE, *_TIES)
    values = {"organization_id": organization_id} | wanted.values()
    total, is_capped = await counts.of(connection, organization_id, wanted, exact=request.exact_total)
    known: tuple[bool, ...] | None = None
    skip = request.skip
    if request.cursor is not None:
        passed = read_cursor(request.cursor, signature, keys)
        known, skip = tuple(value is not None for value in passed), 0
        values |= {f"after_{index}": value for index, value in enumerate(passed) if value is not None}
    statement = _page(_Shape(wanted.shape(), sort, request.order, known))
    size = request.limit + 1
    rows = await statement.rows(connection, **values, skip=skip, size=size, reach=min(_MOST, skip + size))
    shown = rows[: request.limit]
    return Page(
        items=shown,
        total=min(total, EXACT_TOTAL_LIMIT) if is_capped else total,
        total_is_capped=is_capped,
        skip=request.skip,
        limit=request.limit,
        next_cursor=_cursor(signature, keys, shown[-1]) if len(rows) > len(shown) else None,
    )


def _cursor(signature: str, keys: Sequence[Key], last: asyncpg.Record) -> str:
    return write_cursor(signature, [last[key.column.name] for key in keys])


@dataclass(frozen=True)
class _Shape:
    """What a question is but for its values. `known`: which of the cursor's are not null."""

    wanted: CallFilter
    sort: str
    order: str
    known: tuple[bool, ...] | None


@lru_cache(500)
def _page(shape: _Shape) -> Statement:
    keys = keys_of(shape.sort, shape.order, SORTABLE, *_TIES)
    branches = [
        sa.select(calls)
        .where(calls.c.organization_id == sa.bindparam("organization_id"), *shape.wanted.conditions(), *conditions)
        .order_by(*(key.ordered for key in ordered))
        .limit(sa.bindparam("reach", type_=sa.BigInteger))
        for conditions, ordered in _branches(keys, shape.known)
    ]
    # Branches that come later are asked only for what those before them leave of the page.
    together = branches[0] if len(branches) == 1 else sa.union_all(*(sa.select(each.subquery()) for each in branches))
    size, skip = sa.bindparam("size", type_=sa.BigInteger), sa.bindparam("skip", type_=sa.BigInteger)
    page = sa.select(together.subquery()).limit(size).offset(skip).subquery("page")
    again = (replace(key, column=page.c[key.column.name]) for key in keys)
    return Statement(_calls(page, *map(_plain, page.c)).order_by(*(key.ordered for key in again)))


def _plain(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """JSON as its text: what only passes through is not taken apart."""
    return sa.cast(column, sa.Text).label(column.name) if isinstance(column.type, JSONB) else column


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
