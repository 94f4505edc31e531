"""In how many calls a phrase was said: by part of a day (six hours, UTC) where those are over, else from the calls.

A part has ten thousand phrases, and a report wants ten. So each part gives its commonest ones, those are counted over
all parts, and what no part gave is bounded by the last that each gave (Fagin's threshold algorithm, "Optimal
aggregation algorithms for middleware", 2003): where the bound does not settle it, each part gives more.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text

from voiceera.store.base import Connection, Database
from voiceera.store.calls import calls
from voiceera.store.rollups import part_of, take_turn

_FIRST_GIVEN, _MORE = 100, 10
_PARTS_AT_ONCE = 20

_TOP = text("""
    WITH counted AS MATERIALIZED (
        SELECT part FROM phrase_parts
        WHERE organization_id = :organization_id AND part >= :start AND part + interval '6 hours' <= :end
            AND NOT EXISTS (
                SELECT FROM call_changes WHERE organization_id = :organization_id
                    AND quarter >= part AND quarter < part + interval '6 hours')
    ), gaps (since, until) AS (
        SELECT coalesce(lag(part) OVER (ORDER BY part) + interval '6 hours', :start), part FROM counted
        UNION ALL
        SELECT coalesce(max(part) + interval '6 hours', :start), CAST(:end AS timestamptz) FROM counted
    ), said AS MATERIALIZED (
        SELECT phrase, count(*) AS times
        FROM gaps CROSS JOIN LATERAL (
            SELECT unnest(key_phrases) AS phrase FROM calls WHERE organization_id = :organization_id
                AND created_at >= since AND created_at < until OFFSET 0
        ) uncounted
        GROUP BY phrase
    ), given AS MATERIALIZED (
        SELECT part, phrase, times FROM counted CROSS JOIN LATERAL (
            SELECT phrase, times FROM phrase_rollups
            WHERE organization_id = :organization_id AND phrase_rollups.part = counted.part
            ORDER BY times DESC, phrase LIMIT :most
        ) commonest
        UNION ALL
        (SELECT NULL, phrase, times FROM said ORDER BY times DESC, phrase LIMIT :most)
    ), bounds AS (
        SELECT CASE WHEN count(*) < :most THEN 0 ELSE min(times) END AS bound FROM given GROUP BY part
    ), candidates AS MATERIALIZED (
        SELECT DISTINCT phrase COLLATE "C" AS phrase FROM given
    )
    SELECT phrase, (SELECT coalesce(sum(bound), 0) FROM bounds) AS bound, sum(times) AS times
    FROM (
        SELECT phrase, times FROM candidates CROSS JOIN LATERAL (
            SELECT part, times FROM phrase_rollups
            WHERE organization_id = :organization_id AND phrase_rollups.phrase = candidates.phrase
                AND part >= :start AND part < :end OFFSET 0
        ) rolled_up WHERE part IN (SELECT part FROM counted)
        UNION ALL
        SELECT phrase, times FROM said WHERE CASE WHEN phrase IN (SELECT phrase FROM candidates) THEN true END
    ) found
    GROUP BY phrase ORDER BY times DESC, phrase LIMIT :limit
""")


async def top_of_all(
    connection: Connection, organization_id: UUID, start: datetime, end: datetime, limit: int
) -> list[tuple[str, int]]:
    """The phrases said in the most calls that were made from `start` up to `end`."""
    values: dict[str, Any] = {"organization_id": organization_id, "start": start, "end": end, "limit": limit}
    given = _FIRST_GIVEN + 3 * limit
    while True:
        rows = (await connection.execute(_TOP, values | {"most": given})).all()
        bound = rows[0].bound if rows else 0
        # A phrase that no part gave may come up to the bound; it must not belong among those that are shown.
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


# ── counting parts that are over ─────────────────────────────────────────────────────────────────────────────────

_IS_UNCOUNTED = """
    grain = 'part' AND level = 0 AND start < :running AND NOT EXISTS (
        SELECT FROM phrase_parts WHERE phrase_parts.organization_id = call_rollups.organization_id AND part = start)
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
    DELETE FROM phrase_rollups WHERE organization_id = :organization_id AND part = ANY (CAST(:parts AS timestamptz[]))
""")
_COUNT = text("""
    INSERT INTO phrase_rollups (organization_id, part, phrase, times)
    SELECT :organization_id, since, phrase, count(*)
    FROM unnest(CAST(:parts AS timestamptz[])) AS changed (since) CROSS JOIN LATERAL (
        SELECT unnest(key_phrases) AS phrase FROM calls WHERE organization_id = :organization_id
            AND created_at >= since AND created_at < since + interval '6 hours' OFFSET 0
    ) called
    GROUP BY since, phrase
""")
_MARK = text("""
    INSERT INTO phrase_parts (organization_id, part)
    SELECT :organization_id, since FROM unnest(CAST(:parts AS timestamptz[])) AS changed (since)
""")


async def behind(connection: Connection, now: datetime) -> list[UUID]:
    """The organizations with parts of days that are over and not counted; a platform's transaction."""
    return list((await connection.scalars(_BEHIND, {"running": part_of(now)})).all())


async def refresh(database: Database, organization_id: UUID, now: datetime) -> bool:
    """Count the phrases of some parts that are over and not counted; whether there are more of them."""
    async with database.snapshot(organization_id) as connection:
        if not await take_turn(connection, organization_id):
            return False
        of = {"organization_id": organization_id}
        wanted = of | {"running": part_of(now), "at_once": _PARTS_AT_ONCE}
        parts = list((await connection.scalars(_UNCOUNTED, wanted)).all())
        for statement in (_CLEAR, _COUNT, _MARK) if parts else ():
            await connection.execute(statement, of | {"parts": parts})
    return len(parts) == _PARTS_AT_ONCE
