"""In how many calls a phrase was said: by day for the days that are over, from the calls for the rest.

A day has a hundred thousand phrases, and a report wants ten. So each day gives its commonest ones, those are counted
over all days, and what no day gave is bounded by the last that each gave (Fagin's threshold algorithm, "Optimal
aggregation algorithms for middleware", 2003): where the bound does not settle it, each day gives more.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text

from voiceera.store.base import Connection, Database
from voiceera.store.calls import calls
from voiceera.store.rollups import day_of, take_turn

_FIRST_GIVEN, _MORE = 100, 10
_DAYS_AT_ONCE = 5

_TOP = text("""
    WITH counted AS MATERIALIZED (
        SELECT day FROM phrase_days
        WHERE organization_id = :organization_id AND day >= :first_day AND day < :end_day
            AND NOT EXISTS (
                SELECT FROM call_changes WHERE organization_id = :organization_id
                    AND quarter >= day AND quarter < day + interval '1 day')
    ), gaps (since, until) AS (
        SELECT coalesce(lag(day) OVER (ORDER BY day) + interval '1 day', :start), day FROM counted
        UNION ALL
        SELECT coalesce(max(day) + interval '1 day', :start), CAST(:end AS timestamptz) FROM counted
    ), said AS MATERIALIZED (
        SELECT phrase, count(*) AS times
        FROM gaps CROSS JOIN LATERAL (
            SELECT key_phrases FROM calls WHERE organization_id = :organization_id
                AND created_at >= since AND created_at < until OFFSET 0
        ) uncounted CROSS JOIN LATERAL unnest(key_phrases) AS phrase
        GROUP BY phrase
    ), given AS MATERIALIZED (
        SELECT day, phrase, times FROM counted CROSS JOIN LATERAL (
            SELECT phrase, times FROM phrase_rollups
            WHERE organization_id = :organization_id AND phrase_rollups.day = counted.day
            ORDER BY times DESC, phrase LIMIT :most
        ) commonest
        UNION ALL
        (SELECT NULL, phrase, times FROM said ORDER BY times DESC, phrase LIMIT :most)
    ), bounds AS (
        SELECT CASE WHEN count(*) < :most THEN 0 ELSE min(times) END AS bound FROM given GROUP BY day
    ), candidates AS MATERIALIZED (
        SELECT DISTINCT phrase COLLATE "C" AS phrase FROM given
    )
    SELECT phrase, (SELECT coalesce(sum(bound), 0) FROM bounds) AS bound,
        coalesce((SELECT times FROM said WHERE said.phrase = candidates.phrase), 0) + coalesce((
            SELECT sum(times) FROM counted JOIN phrase_rollups USING (day)
            WHERE organization_id = :organization_id AND phrase_rollups.phrase = candidates.phrase), 0) AS times
    FROM candidates ORDER BY times DESC, phrase LIMIT :limit
""")


async def top_of_all(
    connection: Connection, organization_id: UUID, start: datetime, end: datetime, limit: int
) -> list[tuple[str, int]]:
    """The phrases said in the most calls that were made from `start` up to `end`."""
    first_day = day_of(start + timedelta(days=1) - timedelta(microseconds=1))
    values: dict[str, Any] = {"organization_id": organization_id, "start": start, "end": end, "limit": limit}
    values |= {"first_day": first_day, "end_day": max(first_day, day_of(end))}
    given = _FIRST_GIVEN + 3 * limit
    while True:
        rows = (await connection.execute(_TOP, values | {"most": given})).all()
        bound = rows[0].bound if rows else 0
        # A phrase that no day gave may come up to the bound; it must not belong among those that are shown.
        if bound == 0 or (len(rows) == limit and rows[-1].times > bound):
            return [(row.phrase, int(row.times)) for row in rows]
        given *= _MORE


async def top_of_some(
    connection: Connection, where: list[sa.ColumnElement[bool]], limit: int
) -> list[tuple[str, int]]:
    """The same over any calls, by counting them."""
    phrases = sa.func.unnest(calls.c.key_phrases).table_valued("phrase").render_derived()
    times = sa.func.count()
    statement = (
        sa.select(phrases.c.phrase, times)
        .select_from(calls.join(phrases, sa.true()))
        .where(*where)
        .group_by(phrases.c.phrase)
        .order_by(times.desc(), phrases.c.phrase.collate("C"))
        .limit(limit)
    )
    return [(phrase, count) for phrase, count in await connection.execute(statement)]


# ── counting days that are over ──────────────────────────────────────────────────────────────────────────────────

_IS_UNCOUNTED = """
    grain = 'day' AND level = 0 AND start < :today AND NOT EXISTS (
        SELECT FROM phrase_days WHERE phrase_days.organization_id = call_rollups.organization_id AND day = start)
"""
_UNCOUNTED = text(f"""
    SELECT DISTINCT start FROM call_rollups WHERE organization_id = :organization_id AND {_IS_UNCOUNTED}
    ORDER BY start DESC LIMIT :at_once
""")
_BEHIND = text(f"""
    SELECT id FROM organizations
    WHERE EXISTS (SELECT FROM call_rollups WHERE call_rollups.organization_id = organizations.id AND {_IS_UNCOUNTED})
""")
_CLEAR = text("""
    DELETE FROM phrase_rollups WHERE organization_id = :organization_id AND day = ANY (CAST(:days AS timestamptz[]))
""")
_COUNT = text("""
    INSERT INTO phrase_rollups (organization_id, day, phrase, times)
    SELECT :organization_id, since, phrase, count(*)
    FROM unnest(CAST(:days AS timestamptz[])) AS changed (since) CROSS JOIN LATERAL (
        SELECT key_phrases FROM calls WHERE organization_id = :organization_id
            AND created_at >= since AND created_at < since + interval '1 day' OFFSET 0
    ) called CROSS JOIN LATERAL unnest(key_phrases) AS phrase
    GROUP BY since, phrase
""")
_MARK = text("""
    INSERT INTO phrase_days (organization_id, day)
    SELECT :organization_id, since FROM unnest(CAST(:days AS timestamptz[])) AS changed (since)
""")


async def behind(connection: Connection, now: datetime) -> list[UUID]:
    """The organizations with days that are over and not counted; a platform's transaction."""
    return list((await connection.scalars(_BEHIND, {"today": day_of(now)})).all())


async def refresh(database: Database, organization_id: UUID, now: datetime) -> bool:
    """Count the phrases of a few days that are over and not counted; whether there are more such days."""
    async with database.snapshot(organization_id) as connection:
        if not await take_turn(connection, organization_id):
            return False
        of = {"organization_id": organization_id}
        wanted = of | {"today": day_of(now), "at_once": _DAYS_AT_ONCE}
        days = list((await connection.scalars(_UNCOUNTED, wanted)).all())
        for statement in (_CLEAR, _COUNT, _MARK) if days else ():
            await connection.execute(statement, of | {"days": days})
    return len(days) == _DAYS_AT_ONCE
