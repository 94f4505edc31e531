"""How much of everything there is, over all organizations. Platform transactions."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voiceera.store import jobs
from voiceera.store.base import Connection

COUNT_CALLS_BELOW = 1_000_000
"""More calls than this are not counted one by one: what the planner believes is near enough, and says so."""


@dataclass(frozen=True)
class Stats:
    """`calls_are_estimated`: `calls` is the planner's figure. `queues`: what waits or is under way, by queue."""

    organizations: int
    users: int
    active_users: int
    agents: int
    campaigns: int
    active_campaigns: int
    calls: int
    calls_are_estimated: bool
    recordings: int
    recordings_bytes: int
    database_bytes: int
    queues: dict[str, int]


_COUNTS = sa.text("""
    SELECT (SELECT count(*) FROM organizations WHERE deleted_at IS NULL) AS organizations,
           (SELECT count(*) FROM users WHERE deleted_at IS NULL) AS users,
           (SELECT count(*) FROM users WHERE deleted_at IS NULL AND is_active) AS active_users,
           (SELECT count(*) FROM agents WHERE deleted_at IS NULL) AS agents,
           (SELECT count(*) FROM campaigns WHERE deleted_at IS NULL) AS campaigns,
           (SELECT count(*) FROM campaigns WHERE deleted_at IS NULL AND status = 'active') AS active_campaigns,
           (SELECT count(*) FROM recordings WHERE deleted_at IS NULL) AS recordings,
           (SELECT coalesce(sum(size_bytes), 0) FROM recordings WHERE deleted_at IS NULL) AS recordings_bytes,
           pg_database_size(current_database()) AS database_bytes
""")
_QUEUES = sa.text("""
    SELECT coalesce((SELECT sum(n.pending) FROM campaign_counts n JOIN campaigns c
                        ON c.organization_id = n.organization_id AND c.id = n.campaign_id
                     WHERE c.status = 'active' AND c.deleted_at IS NULL), 0) AS contacts_pending,
           count(*) FILTER (WHERE state = 'queued') AS calls_queued,
           count(*) FILTER (WHERE state IN ('claimed', 'dialing', 'ringing', 'unknown')) AS calls_dialing,
           count(*) FILTER (WHERE state = 'in_progress') AS calls_in_progress
    FROM attempts WHERE state IN ('queued', 'claimed', 'dialing', 'ringing', 'in_progress', 'unknown')
""")
_ESTIMATE = sa.text("""
    SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'calls'::regclass
""")
_EXACTLY = sa.text("SELECT count(*) FROM calls WHERE deleted_at IS NULL")


async def read(connection: Connection) -> Stats:
    counts: dict[str, Any] = dict((await connection.execute(_COUNTS)).mappings().one())
    calls = int(await connection.scalar(_ESTIMATE) or 0)
    if is_exact := calls < COUNT_CALLS_BELOW:
        calls = int(await connection.scalar(_EXACTLY) or 0)
    return Stats(
        **{name: int(number) for name, number in counts.items()},
        calls=calls,
        calls_are_estimated=not is_exact,
        queues=await queues(connection),
    )


async def queues(connection: Connection) -> dict[str, int]:
    """What waits or is under way, by queue; a kind of job is "jobs_{kind}"."""
    calls = dict((await connection.execute(_QUEUES)).mappings().one())
    waiting = {f"jobs_{kind}": number for kind, number in (await jobs.waiting(connection)).items()}
    return {str(name): int(number) for name, number in (calls | waiting).items()}
