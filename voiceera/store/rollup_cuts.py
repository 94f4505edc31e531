"""How a span of time is cut to be added up from rollups: whole days, whole quarters of an hour, and what is left."""

from datetime import UTC, datetime, timedelta
from typing import Any

from voiceera.store.filters import Span
from voiceera.store.rollups import day_of, quarter_of

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


def ends(span: Span) -> tuple[datetime, datetime]:
    return span.start or _EVER, span.end or _NEVER


def cut(span: Span, *, by_day: bool) -> dict[str, Any]:
    """first_quarter, end_quarter; of those, first_day, end_day; cut_since, cut_until: lists of what is left."""
    start, end = ends(span)
    first_quarter, end_quarter = _ceiling(start, quarter_of(start), timedelta(minutes=15)), quarter_of(end)
    if first_quarter > end_quarter:  # within one quarter
        first_quarter = end_quarter = end
        pieces = [(start, end)]
    else:
        pieces = [(start, first_quarter), (end_quarter, end)]
    first_day, end_day = _ceiling(first_quarter, day_of(first_quarter), timedelta(days=1)), day_of(end_quarter)
    if not by_day or first_day > end_day:
        first_day = end_day = end_quarter
    return {
        "first_quarter": first_quarter,
        "end_quarter": end_quarter,
        "first_day": first_day,
        "end_day": end_day,
        "cut_since": [since for since, until in pieces if since < until],
        "cut_until": [until for since, until in pieces if since < until],
    }


def _ceiling(instant: datetime, floor: datetime, step: timedelta) -> datetime:
    return floor if floor == instant else floor + step
