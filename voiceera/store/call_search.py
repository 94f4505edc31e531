"""Searching calls for words, newest first or in any order, fast for rare words and for common ones.

The planner cannot know how often a word was said, and either of its ways can take seconds. So:
1. walk the list a little way in its order and look at each call's words: common words fill the page at once;
2. else ask the index of words for all such calls, up to a cap: rare ones are all there, and are put in order;
3. else (often said, but not lately) ask that index day by day, from the end where the list begins; for orders other
   than time's, walk on.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from voiceera.store.base import Connection
from voiceera.store.call_counts import FAR_BEYOND, CallCounts
from voiceera.store.call_filter import SEARCH, CallFilter, asked
from voiceera.store.call_pages import ORGANIZATION, REACH, SIZE, SKIP, Shape, in_order, on, page, shown
from voiceera.store.calls import call_texts, calls
from voiceera.store.wire import Statement

_WALK = 1_500
_RARE = 2_000
_OFTEN = 0.3
"""Said in so many calls, walking the list counts them sooner than the index does."""

# Each step is a loop over an index by design; joins of whole tables are what the bad days are made of. How often a
# word was said, averages do not tell.
_NARROW = (
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL enable_sort = on",
    "SET LOCAL plan_cache_mode = auto",
)


@dataclass(frozen=True)
class Search:
    connection: Connection
    organization_id: UUID
    wanted: CallFilter
    shape: Shape
    values: dict[str, Any]
    counts: CallCounts

    async def run(self, *, exact: bool) -> tuple[list[asyncpg.Record], int, bool]:
        """The page's rows, the total, and whether that is the cap."""
        for statement in _NARROW:
            await self.connection.exec_driver_sql(statement)
        rows, walked, matched = await self._walk()
        if walked < _WALK:
            is_whole = self.shape.known is None
            return rows, *((matched, False) if is_whole else await self._count_by_walking(exact=exact))
        if len(rows) < self.values["size"]:
            ids = await self._rare()
            if ids is not None:
                rows = await _of_ids(self.shape).rows(self.connection, **self.values, ids=ids)
                total = (await _count_ids(self.shape.wanted).rows(self.connection, **self.values, ids=ids))[0][0]
                return rows, total, False
            rows = await self._further()
        if exact or matched > _OFTEN * walked:
            return rows, *await self._count_by_walking(exact=exact)
        return rows, *await self.counts.remembered(self.organization_id, self.wanted, self._count_by_day)

    async def _walk(self) -> tuple[list[asyncpg.Record], int, int]:
        rows = await _walked(self.shape).rows(self.connection, **self.values)
        return [row for row in rows if row["id"] is not None], rows[0]["walked"], rows[0]["matched"]

    async def _rare(self) -> list[UUID] | None:
        rows = await _candidates().rows(self.connection, **self._asked())
        return [row[0] for row in rows] if len(rows) <= _RARE else None

    async def _further(self) -> list[asyncpg.Record]:
        if self.shape.keys[0].column is not calls.c.created_at:
            return await page(self.shape).rows(self.connection, **self.values)
        days = await self._days(since=self.values.get("after_0"))
        return await _by_day(self.shape).rows(self.connection, **self.values, **days)

    async def _count_by_walking(self, *, exact: bool) -> tuple[int, bool]:
        return await self.counts.of(self.connection, self.organization_id, self.wanted, exact=exact)

    async def _count_by_day(self) -> int:
        rows = await _count_days(self.shape.wanted).rows(self.connection, **self.values, **await self._days())
        total: int = rows[0][0]
        return total

    async def _days(self, since: datetime | None = None) -> dict[str, Any]:
        """The days to ask for, from the list's beginning: the first of them, the step to the next, and how many."""
        rows = await _edges().rows(self.connection, organization_id=self.organization_id)
        oldest, newest = (_day(edge) for edge in rows[0])
        first, last = (newest, oldest) if self.shape.keys[0].descending else (oldest, newest)
        if since is not None:
            first = _day(since)
        step = 1 if last >= first else -1
        return {"first": first, "step": step, "steps": abs((last - first).days)}

    def _asked(self) -> dict[str, Any]:
        return {"organization_id": self.organization_id, "search": self.wanted.search}


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _others(wanted: CallFilter) -> list[sa.ColumnElement[bool]]:
    return list(wanted.without_search().conditions())


def _has(words: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return call_texts.c.words.op("@@")(words)


def _asked_within(token: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    return asked(SEARCH).op("&&")(sa.func.exact_word(token))


_ITS_TEXT = (call_texts.c.organization_id == calls.c.organization_id) & (call_texts.c.call_id == calls.c.id)


@lru_cache(500)
def _walked(shape: Shape) -> Statement:
    most: sa.ColumnElement[int] = sa.literal_column(str(_WALK))
    walked = in_order(shape, _others(shape.wanted), most).limit(most).cte("walked")
    text = (call_texts.c.organization_id == walked.c.organization_id) & (call_texts.c.call_id == walked.c.id)
    matched = sa.select(walked).where(text, _has(asked(SEARCH))).cte("matched")
    ordered = (on(matched, key).ordered for key in shape.keys)
    chosen = sa.select(matched).order_by(*ordered).limit(SIZE).offset(SKIP).subquery()
    one = sa.select(sa.literal_column("1").label("one")).subquery()
    page = sa.select(chosen).select_from(one.outerjoin(chosen, sa.true())).subquery("page")
    counts = (sa.select(sa.func.count()).select_from(each).scalar_subquery() for each in (walked, matched))
    names = ("walked", "matched")
    return Statement(shown(page, shape.keys, *(c.label(name) for c, name in zip(counts, names, strict=True))))


@cache
def _candidates() -> Statement:
    words = _asked_within(sa.func.word_of_tenant(ORGANIZATION))
    found = sa.select(call_texts.c.call_id).where(call_texts.c.organization_id == ORGANIZATION, _has(words))
    return Statement(found.limit(sa.literal_column(str(_RARE + 1))))


def _among() -> sa.ColumnElement[bool]:
    return calls.c.id.in_(sa.select(sa.func.unnest(sa.bindparam("ids", type_=ARRAY(sa.Uuid())))))


@lru_cache(500)
def _of_ids(shape: Shape) -> Statement:
    rows = in_order(shape, [*_others(shape.wanted), _among()], REACH)
    return Statement(shown(rows.limit(SIZE).offset(SKIP).subquery("page"), shape.keys))


@lru_cache(500)
def _count_ids(wanted: CallFilter) -> Statement:
    count: sa.Select[Any] = sa.select(sa.func.count()).select_from(calls)
    return Statement(count.where(calls.c.organization_id == ORGANIZATION, *_others(wanted), _among()))


@cache
def _edges() -> Statement:
    edges = (function(calls.c.created_at) for function in (sa.func.min, sa.func.max))
    return Statement(sa.select(*edges).where(calls.c.organization_id == ORGANIZATION))


def _each_day() -> tuple[Any, sa.ColumnElement[bool]]:
    """The days, and that a call's words have what is asked for and were said on the day."""
    days = (
        sa.func.generate_series(0, sa.bindparam("steps", type_=sa.Integer))
        .table_valued("number", name="days")
        .render_derived()
    )
    day = sa.bindparam("first", type_=sa.Date) + sa.bindparam("step", type_=sa.Integer) * days.c.number
    its_own = call_texts.c.organization_id == ORGANIZATION
    return days, its_own & _has(_asked_within(sa.func.word_of_day(ORGANIZATION, day)))


@lru_cache(500)
def _by_day(shape: Shape) -> Statement:
    days, has = _each_day()
    rows = (
        sa.select(calls)
        .join(call_texts, _ITS_TEXT)
        .where(calls.c.organization_id == ORGANIZATION, has, *_others(shape.wanted), *shape.beyond())
        .order_by(*(key.ordered for key in shape.keys))
        .limit(REACH)
        .correlate(days)
        .lateral("rows")
    )
    chosen = sa.select(rows).select_from(days.join(rows, sa.true())).limit(SIZE).offset(SKIP).subquery("page")
    return Statement(shown(chosen, shape.keys))


@lru_cache(500)
def _count_days(wanted: CallFilter) -> Statement:
    days, has = _each_day()
    most: sa.ColumnElement[int] = sa.literal_column(str(FAR_BEYOND))
    one: sa.ColumnElement[int] = sa.literal_column("1").label("one")
    others = _others(wanted)
    found = sa.select(one).select_from(call_texts)
    if others:
        found = found.join(calls, _ITS_TEXT).where(calls.c.organization_id == ORGANIZATION, *others)
    rows = found.where(has).limit(most).correlate(days).lateral("rows")
    some = sa.select(rows.c.one).select_from(days.join(rows, sa.true())).limit(most).subquery()
    return Statement(sa.select(sa.func.count()).select_from(some))
