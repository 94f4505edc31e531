"""Reading calls: one, and a page of them. Pages are asked for a hundred times a second over millions of rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from voiceera.store.base import Connection
from voiceera.store.call_counts import CallCounts
from voiceera.store.call_filter import CallFilter
from voiceera.store.call_pages import ORGANIZATION, Shape, page, with_recordings
from voiceera.store.call_search import Search
from voiceera.store.calls import calls, is_call
from voiceera.store.filters import Span
from voiceera.store.page import DEFAULT_SORT, Key, Page, PageRequest, read_cursor, write_cursor
from voiceera.store.wire import Statement

_MOST = 2**63 - 1


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
        narrowed = await _narrowed(connection, organization_id, wanted)
        total, is_capped = await counts.of(
            connection, organization_id, wanted, exact=request.exact_total, counted=narrowed
        )
        shape, values = replace(shape, wanted=narrowed.shape()), values | narrowed.values()
        rows = await page(shape).rows(connection, **values)
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


async def _narrowed(connection: Connection, organization_id: UUID, wanted: CallFilter) -> CallFilter:
    """With the time in which the agent's or campaign's calls were made: indexes of other orders know it, too, and
    pass over an old campaign's younger neighbours without reading them."""
    if wanted.campaign_id is None and wanted.agent_id is None:
        return wanted
    whose = CallFilter(agent_id=None if wanted.campaign_id else wanted.agent_id, campaign_id=wanted.campaign_id)
    values = {"organization_id": organization_id} | whose.values()
    first, last = (await _made_between(whose.shape()).rows(connection, **values))[0]
    if first is None:
        return wanted
    end = last + timedelta(microseconds=1)
    given = wanted.span
    span = Span(max(first, given.start or first), min(end, given.end or end))
    return replace(wanted, span=span)


@lru_cache
def _made_between(wanted: CallFilter) -> Statement:
    edges = (edge(calls.c.created_at) for edge in (sa.func.min, sa.func.max))
    return Statement(sa.select(*edges).where(calls.c.organization_id == ORGANIZATION, *wanted.conditions()))


def _cursor(signature: str, keys: Sequence[Key], last: asyncpg.Record) -> str:
    return write_cursor(signature, [last[key.column.name] for key in keys])
