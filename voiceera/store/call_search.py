"""Searching calls for words, newest first or in any order, fast for rare words and for common ones.

The planner cannot know how often a word was said, and either of its ways can take seconds. So:
1. ask the index of words for all such calls, up to a cap: where there are fewer, they are put in order and counted;
2. else walk the list a little way in its order and look at each call's words: common words fill the page;
3. else (often said, but not lately) ask that index month by month, from the end where the list begins; for orders
   other than time's, walk on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from voiceera.store.base import Connection, plan_freely
from voiceera.store.call_counts import FAR_BEYOND, CallCounts
from voiceera.store.call_filter import SEARCH, CallFilter, asked
from voiceera.store.call_pages import ORGANIZATION, REACH, SIZE, SKIP, Shape, beyond, in_order, on, page, shown
from voiceera.store.call_words import CAP, ITS_TEXT, found, months, said_in
from voiceera.store.calls import call_texts, calls
from voiceera.store.page import Key
from voiceera.store.wire import Statement

_WALK = 1_000
_OFTEN = 0.3
"""Said in so many calls, walking the list counts them sooner than the index does."""

# Each step is a loop over an index by design; joins of whole tables are what the bad days are made of. How often a
# word was said, averages do not tell.
_NARROW = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"


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
        await plan_freely(self.connection, _NARROW)
        if not self.counts.is_far_beyond(self.organization_id, self.wanted):
            rows, number, matched = await self._told(_gathered(self.shape))
            if number < FAR_BEYOND:
                return rows, matched, False
        rows, walked, matched = await self._told(_walked(self.shape))
        if walked < _WALK and self.shape.known is None:
            return rows, matched, False
        if walked == _WALK and len(rows) < self.values["size"]:
            rows = await self._further()
        return rows, *await self._count(is_common=matched > _OFTEN * walked, exact=exact)

    async def _told(self, statement: Statement) -> tuple[list[asyncpg.Record], int, int]:
        """Rows, and the two numbers that stand beside each."""
        rows = await statement.rows(self.connection, **self.values)
        return [row for row in rows if row["id"] is not None], rows[0]["among"], rows[0]["matched"]

    async def _further(self) -> list[asyncpg.Record]:
        further = _by_month if self.shape.is_by_time and self.shape.has_index else page
        return await further(self.shape).rows(self.connection, **self.values)

    async def _count(self, *, is_common: bool, exact: bool) -> tuple[int, bool]:
        if exact or (is_common and _others(self.wanted)):
            return await self.counts.of(self.connection, self.organization_id, self.wanted, exact=exact)
        return await self.counts.remembered(self.organization_id, self.wanted, self._count_found)

    async def _count_found(self) -> int:
        if not _others(self.wanted.shape()):
            return FAR_BEYOND
        rows = await _counted(self.shape.wanted).rows(self.connection, **self.values)
        total: int = rows[0][0]
        return total


def _others(wanted: CallFilter) -> list[sa.ColumnElement[bool]]:
    return list(wanted.without_search().conditions())


def _is_of_texts(shape: Shape) -> bool:
    """Whether rows of `call_texts` are enough to pick the page."""
    return shape.is_by_time and shape.has_index and not _others(shape.wanted)


@lru_cache(500)
def _gathered(shape: Shape) -> Statement:
    all_found = found()
    number = _count_of(all_found)
    if _is_of_texts(shape):
        keys = _of_texts(shape.keys, all_found)
        picked = sa.select(all_found.c.call_id).where(*beyond(keys, shape.known)).order_by(*_ordered(keys))
        chosen = _calls_of(picked.limit(SIZE).offset(SKIP).subquery("picked"))
        return _beside(chosen, shape, number, number)
    its_own = (calls.c.organization_id == ORGANIZATION) & (calls.c.id == all_found.c.call_id)
    # Where there are too many to be put in order, none is looked up.
    few = sa.select(calls).join(all_found, its_own).where(*_others(shape.wanted), number < CAP).cte("matching")
    keys = [on(few, key) for key in shape.keys]
    chosen = sa.select(few).where(*beyond(keys, shape.known)).order_by(*_ordered(keys)).limit(SIZE).offset(SKIP)
    return _beside(chosen, shape, number, _count_of(few))


@lru_cache(500)
def _walked(shape: Shape) -> Statement:
    most: sa.ColumnElement[int] = sa.literal_column(str(_WALK))
    walked = in_order(shape, _others(shape.wanted), most).limit(most).cte("walked")
    text = (call_texts.c.organization_id == walked.c.organization_id) & (call_texts.c.call_id == walked.c.id)
    matched = sa.select(walked).where(text, call_texts.c.words.op("@@")(asked(SEARCH))).cte("matched")
    chosen = sa.select(matched).order_by(*_ordered(on(matched, key) for key in shape.keys)).limit(SIZE).offset(SKIP)
    return _beside(chosen, shape, _count_of(walked), _count_of(matched))


@lru_cache(500)
def _by_month(shape: Shape) -> Statement:
    since = None if shape.known is None else sa.bindparam("after_0", type_=calls.c.created_at.type)
    among = months(since, newest_first=shape.keys[0].descending)
    if _is_of_texts(shape):
        keys = _of_texts(shape.keys, call_texts)
        texts = sa.select(call_texts.c.call_id).where(said_in(among), *beyond(keys, shape.known))
        each = texts.order_by(*_ordered(keys)).limit(REACH).correlate(among).lateral("texts")
        picked = sa.select(each.c.call_id).select_from(among.join(each, sa.true())).limit(SIZE).offset(SKIP)
        return Statement(shown(_calls_of(picked.subquery("picked")).subquery("page"), shape.keys))
    rows = (
        sa.select(calls)
        .join(call_texts, ITS_TEXT)
        .where(calls.c.organization_id == ORGANIZATION, said_in(among))
        .where(*_others(shape.wanted), *shape.beyond())
        .order_by(*_ordered(shape.keys))
        .limit(REACH)
        .correlate(among)
        .lateral("rows")
    )
    chosen = sa.select(rows).select_from(among.join(rows, sa.true())).limit(SIZE).offset(SKIP).subquery("page")
    return Statement(shown(chosen, shape.keys))


@lru_cache(500)
def _counted(wanted: CallFilter) -> Statement:
    among = months()
    one: sa.ColumnElement[int] = sa.literal_column("1").label("one")
    texts = sa.select(one).select_from(call_texts).join(calls, ITS_TEXT)
    rows = texts.where(calls.c.organization_id == ORGANIZATION, said_in(among), *_others(wanted)).limit(CAP)
    each = rows.correlate(among).lateral("rows")
    some = sa.select(each.c.one).select_from(among.join(each, sa.true())).limit(CAP).subquery()
    return Statement(sa.select(sa.func.count()).select_from(some))


def _count_of(rows: sa.FromClause) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(rows).scalar_subquery()


def _ordered(keys: Iterable[Key]) -> list[sa.ColumnElement[Any]]:
    return [key.ordered for key in keys]


def _of_texts(keys: Iterable[Key], texts: sa.FromClause) -> list[Key]:
    names = {"created_at": "created_at", "id": "call_id"}
    return [replace(key, column=texts.c[names[key.column.name]], known=True) for key in keys]


def _calls_of(picked: sa.FromClause) -> sa.Select[Any]:
    return sa.select(calls).join(picked, (calls.c.organization_id == ORGANIZATION) & (calls.c.id == picked.c.call_id))


def _beside(
    chosen: sa.Select[Any], shape: Shape, among: sa.ScalarSelect[int], matched: sa.ScalarSelect[int]
) -> Statement:
    """The page, with two numbers beside each row; one row of these alone where the page is empty."""
    rows = chosen.subquery("chosen")
    one = sa.select(sa.literal_column("1").label("one")).subquery()
    whole = sa.select(rows).select_from(one.outerjoin(rows, sa.true())).subquery("page")
    return Statement(shown(whole, shape.keys, among.label("among"), matched.label("matched")))
