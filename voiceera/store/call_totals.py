"""How many calls there are of an agent, a campaign, a status, a time, or of all together, added up from rollups.

Each answer is one statement, so it is true of one instant: it equals a recount.
"""

from dataclasses import replace
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from voiceera.store.base import Connection
from voiceera.store.call_filter import CallFilter
from voiceera.store.filters import Span
from voiceera.store.rollup_cuts import CHANGED, cut
from voiceera.store.wire import Statement

_KNOWN = frozenset({"agent_id", "campaign_id", "status", "span"})


def is_rolled_up(wanted: CallFilter) -> bool:
    """Whether rollups tell calls apart by all that is asked for."""
    others = vars(wanted).keys() - _KNOWN
    return all(getattr(wanted, name) is None for name in others)


async def total(connection: Connection, organization_id: UUID, wanted: CallFilter, most: int) -> int:
    """Exact where it is below `most`; of more it may be any number from `most` on."""
    statement = _total(replace(wanted.shape(), status=wanted.status, span=Span()))
    values = {"organization_id": organization_id, "most": most} | cut(wanted.span, by_day=True) | wanted.values()
    rows = await statement.rows(connection, **values)
    return int(rows[0][0])


@lru_cache
def _total(wanted: CallFilter) -> Statement:
    whose, level, status = "", 0, wanted.status
    for bit, name in ((1, "agent_id"), (2, "campaign_id")):
        if getattr(wanted, name) is not None:
            whose, level = f"{whose} AND {name} = :{name}", level + bit
    rolled_up = f"organization_id = :organization_id AND level = {level} {whose}"
    number = "total" if status is None else f"is_{status}"
    is_wanted = whose + ("" if status is None else " AND status = :status")
    return Statement(
        sa.text(f"""
        WITH changed AS MATERIALIZED ({CHANGED}), changed_days AS MATERIALIZED (
            SELECT DISTINCT date_trunc('day', quarter, 'UTC') AS day FROM changed
        ), quarters (since, until) AS (
            VALUES (CAST(:first_quarter AS timestamptz), CAST(:first_day AS timestamptz)),
                   (CAST(:end_day AS timestamptz), CAST(:end_quarter AS timestamptz))
            UNION ALL
            SELECT day, day + interval '1 day' FROM changed_days WHERE day >= :first_day AND day < :end_day
        ), rolled (number) AS (
            SELECT coalesce(sum(number), 0) FROM (
                SELECT {number} AS number FROM call_rollups
                WHERE {rolled_up} AND grain = 'day' AND start >= :first_day AND start < :end_day
                    AND start NOT IN (SELECT day FROM changed_days)
                UNION ALL
                SELECT {number} FROM quarters CROSS JOIN LATERAL (
                    SELECT * FROM call_rollups
                    WHERE {rolled_up} AND grain = 'quarter' AND start >= since AND start < until OFFSET 0
                ) counted WHERE start NOT IN (SELECT quarter FROM changed)
            ) added
        ), uncounted (since, until) AS (
            SELECT quarter, quarter + interval '15 minutes' FROM changed
            UNION ALL
            SELECT * FROM unnest(CAST(:cut_since AS timestamptz[]), CAST(:cut_until AS timestamptz[]))
        )
        SELECT CASE WHEN number >= :most THEN number ELSE number + (
            SELECT count(*) FROM (
                SELECT 1 FROM uncounted CROSS JOIN LATERAL (
                    SELECT 1 FROM calls WHERE organization_id = :organization_id {is_wanted}
                        AND created_at >= since AND created_at < until OFFSET 0
                ) called LIMIT :most
            ) some_of_them
        ) END FROM rolled
        """)
    )
