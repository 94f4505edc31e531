"""Reading calls: one, and a page of them. Pages are asked for a hundred times a second over millions of rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from voiceera.store.base import Connection, plan_freely
from voiceera.store.call_counts import CallCounts
from voiceera.store.call_filter import EQUAL, CallFilter
from voiceera.store.call_pages import NEAR, Shape, gathered, page, with_recordings
from voiceera.store.call_search import Search
from voiceera.store.calls import calls, is_call
from voiceera.store.filters import Span
from voiceera.store.page import DEFAULT_SORT, Key, Page, PageRequest, read_cursor, write_cursor

_MOST = 2**63 - 1
_LITTLE = 2_000
"""So many calls are read and put in order in a few milliseconds."""


async def get(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    found = await connection.execute(with_recordings(calls, *calls.c).where(is_call(organization_id, call_id)))
    row: sa.Row[Any] | None = found.one_or_none()
    return row


async def find(
    connection: Connection, organization_id: UUID, request: PageRequest, wanted: CallFilter, counts: CallCounts
) -> Page[asyncpg.Record]:
    """One page, as the driver gives it: JSON columns are text. Raises Invalid for a sort or a foreign cursor."""
    sort = DEFAULT_SORT if request.sort is None else request.sort
    signature = f"{sort}|{request.order}"
    keys = Shape(CallFilter(), sort, request.order, None).keys
    values = {"organization_id": organization_id} | wanted.values()
    known: tuple[bool, ...] | None = None
    skip = request.skip
    if request.cursor is not None:
        passed = read_cursor(request.cursor, signature, keys)
        known, skip = tuple(value is not None for value in passed), 0
        values |= {f"after_{index}": value for index, value in enumerate(passed) if value is not None}
    size = request.limit + 1
    values |= {"skip": skip, "size": size, "reach": min(_MOST, skip + size)}
    shape = Shape(wanted.shape(), sort, request.order, known)
    if wanted.search is None:
        total, is_capped = await counts.of(connection, organization_id, wanted, exact=request.exact_total)
        rows = await _rows(connection, organization_id, shape, wanted, values, total, counts) if total else []
    else:
        search = Search(connection, organization_id, wanted, shape, values, counts)
        rows, total, is_capped = await search.run(exact=request.exact_total)
    shown = rows[: request.limit]
    return Page(
        items=shown,
        total=total,
        total_is_capped=is_capped,
        skip=request.skip,
        limit=request.limit,
        next_cursor=_cursor(signature, keys, shown[-1]) if len(rows) > len(shown) else None,
    )


async def _rows(
    connection: Connection,
    organization_id: UUID,
    shape: Shape,
    wanted: CallFilter,
    values: dict[str, Any],
    total: int,
    counts: CallCounts,
) -> list[asyncpg.Record]:
    if total <= _LITTLE and not _is_all_in_order(shape):
        return await gathered(shape).rows(connection, **values)
    if _is_bounded(wanted) and not _is_all_in_order(shape):
        narrowed = await counts.places.narrowed(connection, organization_id, wanted)
        shape, values = replace(shape, wanted=narrowed.shape()), values | narrowed.values()
    is_near = shape.has_index and values["reach"] <= NEAR
    if not is_near:
        await plan_freely(connection)
    return await page(shape, is_near=is_near).rows(connection, **values)


def _is_bounded(wanted: CallFilter) -> bool:
    """Whether it may lie in a part of the time."""
    return bool(wanted.campaign_id or wanted.agent_id) or wanted.span != Span()


def _is_all_in_order(shape: Shape) -> bool:
    """Whether one index has what is wanted, and little else, in the order that is wanted."""
    given = [name for name in (*EQUAL, "direction") if getattr(shape.wanted, name) is not None]
    return shape.is_by_time and shape.has_index and len(given) <= 1 and "contact_id" not in given


def _cursor(signature: str, keys: Sequence[Key], last: asyncpg.Record) -> str:
    return write_cursor(signature, [last[key.column.name] for key in keys])
