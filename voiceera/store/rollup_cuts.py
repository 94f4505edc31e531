"""How a span of time is cut to be added up from rollups: whole days, parts of a day, quarters of an hour, and what is
left."""

from datetime import UTC, datetime, timedelta
from typing import Any

from voiceera.store.call_measures import ORIGIN
from voiceera.store.filters import Span
from voiceera.store.rollups import PART_OF_DAY, QUARTER_HOUR, day_of, part_of, quarter_of

_EVER, _NEVER = datetime(1900, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)

CHANGED = """
    WITH RECURSIVE noted (quarter) AS (
        (SELECT quarter FROM call_changes
         WHERE organization_id = :organization_id AND quarter >= :first_quarter AND quarter < :end_quarter
         ORDER BY quarter LIMIT 1)
        UNION ALL
        SELECT (SELECT later.quarter FROM call_changes later
                WHERE later.organization_id = :organization_id
                    AND later.quarter > noted.quarter AND later.quarter < :end_quarter
                ORDER BY later.quarter LIMIT 1)
        FROM noted WHERE noted.quarter IS NOT NULL
    )
    SELECT quarter FROM noted WHERE quarter IS NOT NULL
"""
"""The changed quarters, each looked up after the one before it: a busy quarter is noted thousands of times."""


STRETCHES = f"""
    changed AS MATERIALIZED (
        {CHANGED}
    ), changed_parts AS MATERIALIZED (
        SELECT DISTINCT date_bin('6 hours', quarter, {ORIGIN}) AS part FROM changed
    ), changed_days AS MATERIALIZED (
        SELECT DISTINCT date_bin('1 day', part, {ORIGIN}) AS day FROM changed_parts
    ), parts (since, until) AS (
        VALUES (CAST(:first_part AS timestamptz), CAST(:first_day AS timestamptz)),
               (CAST(:end_day AS timestamptz), CAST(:end_part AS timestamptz))
        UNION ALL
        SELECT day, day + interval '1 day' FROM changed_days WHERE day >= :first_day AND day < :end_day
    ), quarters (since, until) AS (
        VALUES (CAST(:first_quarter AS timestamptz), CAST(:first_part AS timestamptz)),
               (CAST(:end_part AS timestamptz), CAST(:end_quarter AS timestamptz))
        UNION ALL
        SELECT part, part + interval '6 hours' FROM changed_parts WHERE part >= :first_part AND part < :end_part
    ), raw (since, until) AS (
        SELECT quarter, quarter + interval '15 minutes' FROM changed
        UNION ALL
        SELECT * FROM unnest(CAST(:cut_since AS timestamptz[]), CAST(:cut_until AS timestamptz[]))
    )
"""
"""Common tables: in which `parts` and `quarters` the rollups of those lengths count, where calls are counted `raw`:
in changed quarters, and in what the span cuts off of a quarter. The values are those of `cut`."""


def rolled_up(table: str, columns: str, where: str) -> str:
    """SELECT `columns` of the rollups `where` that make up a span, beside `STRETCHES`.

    OFFSET 0 keeps the planner to a look-up by index for each stretch of time.
    """

    def within(grain: str) -> str:
        return f"""
            SELECT {columns} FROM {grain}s CROSS JOIN LATERAL (
                SELECT * FROM {table}
                WHERE {where} AND grain = '{grain}' AND start >= since AND start < until OFFSET 0
            ) counted_{grain}s WHERE start NOT IN (SELECT {grain} FROM {_CHANGED_OF[grain]})
        """

    return f"""
        SELECT {columns} FROM {table}
        WHERE {where} AND grain = 'day' AND start >= :first_day AND start < :end_day
            AND start NOT IN (SELECT day FROM changed_days)
        UNION ALL {within("part")} UNION ALL {within("quarter")}
    """


_CHANGED_OF = {"part": "changed_parts", "quarter": "changed"}


def ends(span: Span) -> tuple[datetime, datetime]:
    return span.start or _EVER, span.end or _NEVER


def cut(span: Span, *, by_day: bool) -> dict[str, Any]:
    """first_quarter, end_quarter; within those, first_part, end_part; within those, first_day, end_day; cut_since,
    cut_until: lists of what is left. What is empty ends where the next wider one ends."""
    start, end = ends(span)
    first_quarter, end_quarter = _ceiling(start, quarter_of(start), QUARTER_HOUR), quarter_of(end)
    if first_quarter > end_quarter:  # within one quarter
        first_quarter = end_quarter = end
        pieces = [(start, end)]
    else:
        pieces = [(start, first_quarter), (end_quarter, end)]
    first_part, end_part = _ceiling(first_quarter, part_of(first_quarter), PART_OF_DAY), part_of(end_quarter)
    if not by_day or first_part > end_part:
        first_part = end_part = end_quarter
    first_day, end_day = _ceiling(first_part, day_of(first_part), timedelta(days=1)), day_of(end_part)
    if not by_day or first_day > end_day:
        first_day = end_day = end_part
    return {
        "first_quarter": first_quarter,
        "end_quarter": end_quarter,
        "first_part": first_part,
        "end_part": end_part,
        "first_day": first_day,
        "end_day": end_day,
        "cut_since": [since for since, until in pieces if since < until],
        "cut_until": [until for since, until in pieces if since < until],
    }


def _ceiling(instant: datetime, floor: datetime, step: timedelta) -> datetime:
    return floor if floor == instant else floor + step
