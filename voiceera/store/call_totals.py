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
from voiceera.store.rollup_cuts import STRETCHES, cut, rolled_up
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
    number = "total" if status is None else f"is_{status}"
    counted = f"organization_id = :organization_id AND level = {level} {whose}"
    added = rolled_up("call_rollups", f"{number} AS number", counted)
    is_wanted = whose + ("" if status is None else " AND status = :status")
    return Statement(
        sa.text(f"""
        WITH {STRETCHES}, rolled (number) AS (
            SELECT coalesce(sum(number), 0) FROM ({added}) added
        )
        SELECT CASE WHEN number >= :most THEN number ELSE number + (
            SELECT count(*) FROM (
                SELECT 1 FROM raw CROSS JOIN LATERAL (
                    SELECT 1 FROM calls WHERE organization_id = :organization_id {is_wanted}
                        AND created_at >= since AND created_at < until OFFSET 0
                ) called LIMIT :most
            ) some_of_them
        ) END FROM rolled
        """)
    )
