"""The index of words: which of an organization's calls have all that is searched for, month by month."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from voiceera.store.call_counts import FAR_BEYOND
from voiceera.store.call_filter import SEARCH
from voiceera.store.call_pages import ORGANIZATION
from voiceera.store.calls import call_texts, calls

ITS_TEXT = (call_texts.c.organization_id == calls.c.organization_id) & (call_texts.c.call_id == calls.c.id)
CAP: sa.ColumnElement[int] = sa.literal_column(str(FAR_BEYOND))

# What the table's policy would ask, if it held its owner.
_OURS: sa.ColumnElement[Any] = sa.literal_column(
    "(SELECT nullif(current_setting('voiceera.organization_id', true), '')::uuid)"
)


def months(since: sa.ColumnElement[Any] | None = None, *, newest_first: bool = True) -> Any:
    """The months in which there are calls, as rows of `month`, `since`, `until`; from the one of `since` on."""
    ours = calls.c.organization_id == ORGANIZATION
    newest, oldest = (
        sa.select(sa.func.month_of(edge(calls.c.created_at))).where(ours).scalar_subquery()
        for edge in (sa.func.max, sa.func.min)
    )
    first, last = (newest, oldest) if newest_first else (oldest, newest)
    begin: sa.ColumnElement[int] = first if since is None else sa.func.month_of(since)
    step: sa.ColumnElement[int] = sa.literal_column("-1" if newest_first else "1")
    month = sa.func.generate_series(begin, last, step).table_valued("month", name="numbers").render_derived().c.month
    # OFFSET 0: computed once a month, not once a call.
    numbered = sa.select(month, _start(month).label("since"), _start(month + 1).label("until"))
    return numbered.offset(sa.literal_column("0")).subquery("months")


def _start(month: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    zero: sa.ColumnElement[int] = sa.literal_column("0")
    one: sa.ColumnElement[int] = sa.literal_column("1")
    year, in_year = sa.func.div(month, 12), sa.func.mod(month, 12) + one
    return sa.func.make_timestamptz(year.cast(sa.Integer), in_year, one, zero, zero, zero, sa.literal_column("'UTC'"))


def said_in(among: Any) -> sa.ColumnElement[bool]:
    """That a row of `call_texts` is of one of `months` and has the words."""
    text = call_texts.c
    words = sa.func.words_in_month(text.organization_id, text.created_at, text.words)
    asked = sa.func.words_asked_in(sa.func.month_mark(ORGANIZATION, among.c.month), SEARCH, type_=TSQUERY)
    is_of_month = (text.created_at >= among.c.since) & (text.created_at < among.c.until)
    # IS TRUE: the words' index knows whose they are, and no other shall be read beside it.
    is_ours = (text.organization_id == ORGANIZATION).is_(True) & (text.organization_id == _OURS).is_(True)
    return sa.and_(is_ours, words.op("@@")(asked), is_of_month)


def found() -> sa.CTE:
    """(call_id, created_at) of the calls that have the words, `FAR_BEYOND` of them at most."""
    among = months()
    texts = sa.select(call_texts.c.call_id, call_texts.c.created_at).where(said_in(among))
    # OFFSET 0: whatever is done with them, they are looked up in the index of words.
    each = texts.offset(sa.literal_column("0")).correlate(among).lateral("texts")
    return sa.select(each).select_from(among.join(each, sa.true())).limit(CAP).cte("found")
