"""Rollups of calls, recomputed from the calls' rows for each quarter of an hour that has changed; added up by part of
a day (six hours) and by day, both in UTC.

A trigger notes every change of a call in `call_changes`, by quarter, in the change's own transaction. A refresh takes
away the notes that it sees and counts those quarters anew, both in one snapshot: what it does not see stays noted. So
a quarter without a note is counted rightly, at any moment and for every reader.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import TextClause, text

from voiceera.store.base import Connection, Database
from voiceera.store.call_measures import ADDED, BIN, COUNTED, NAMES

QUARTER_HOUR, PART_OF_DAY = timedelta(minutes=15), timedelta(hours=6)
QUARTERS_AT_ONCE = 400
LOST_RACE = frozenset({"40001", "40P01", "23505"})
"""What PostgreSQL says when two refreshes met after all: nothing was done, and nothing is lost."""
_LEVELS = "(0, 1, 2, 3)"
_LEVEL = "CASE WHEN grouping(agent_id) = 0 THEN 1 ELSE 0 END + CASE WHEN grouping(campaign_id) = 0 THEN 2 ELSE 0 END"
_SETS = "GROUPING SETS ((quarter), (quarter, agent_id), (quarter, campaign_id), (quarter, agent_id, campaign_id))"
# OFFSET 0 keeps the planner to one look-up by index for each quarter: a join it would read all calls for.
_CHANGED_CALLS = """
    SELECT * FROM unnest(CAST(:quarters AS timestamptz[])) AS changed (quarter) CROSS JOIN LATERAL (
        SELECT * FROM calls WHERE organization_id = :organization_id
            AND created_at >= quarter AND created_at < quarter + interval '15 minutes' OFFSET 0
    ) called
"""

_IS_FREE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('voiceera.rollups ' || :organization_id, 0))")
_TURN = text("""
    INSERT INTO rollup_turns (organization_id, turn) VALUES (:organization_id, 1)
    ON CONFLICT (organization_id) DO UPDATE SET turn = rollup_turns.turn + 1
""")
_TAKE = text("""
    WITH newest AS (
        SELECT DISTINCT quarter FROM call_changes WHERE organization_id = :organization_id
        ORDER BY quarter DESC LIMIT :at_once
    ), taken AS (
        DELETE FROM call_changes WHERE organization_id = :organization_id AND quarter IN (SELECT quarter FROM newest)
        RETURNING quarter
    )
    SELECT DISTINCT quarter FROM taken
""")
_CLEAR = {
    grain: [
        text(f"""
            DELETE FROM {table} WHERE organization_id = :organization_id AND grain = '{grain}'
                AND level IN {_LEVELS} AND start = ANY (CAST(:starts AS timestamptz[]))
        """)
        for table in ("call_rollups", "latency_rollups")
    ]
    for grain in ("quarter", "part", "day")
}
_COUNT = text(f"""
    INSERT INTO call_rollups (organization_id, grain, level, start, agent_id, campaign_id, {NAMES})
    SELECT :organization_id, 'quarter', {_LEVEL}, quarter, agent_id, campaign_id, {COUNTED}
    FROM ({_CHANGED_CALLS}) changed GROUP BY {_SETS}
    HAVING grouping(campaign_id) = 1 OR campaign_id IS NOT NULL
""")
_COUNT_LATENCIES = text(f"""
    INSERT INTO latency_rollups (organization_id, grain, level, start, agent_id, campaign_id, bin, times)
    SELECT :organization_id, 'quarter', {_LEVEL}, quarter, agent_id, campaign_id, {BIN} AS bin, count(*)
    FROM ({_CHANGED_CALLS}) changed, unnest(answer_ms) AS ms
    GROUP BY bin, {_SETS}
    HAVING grouping(campaign_id) = 1 OR campaign_id IS NOT NULL
""")
_FORGET_PARTS = text("""
    DELETE FROM phrase_parts WHERE organization_id = :organization_id AND part = ANY (CAST(:starts AS timestamptz[]))
""")


def _add_up(finer: str, grain: str, length: str) -> tuple[TextClause, TextClause]:
    """Both rollups of `grain` for all `starts`, from those of the `finer` one."""
    of = f"""
        FROM unnest(CAST(:starts AS timestamptz[])) AS changed (since) CROSS JOIN LATERAL (
            SELECT * FROM {{table}} WHERE organization_id = :organization_id AND grain = '{finer}'
                AND level IN {_LEVELS} AND start >= since AND start < since + interval '{length}' OFFSET 0
        ) counted
    """
    return (
        text(f"""
            INSERT INTO call_rollups (organization_id, grain, level, start, agent_id, campaign_id, {NAMES})
            SELECT :organization_id, '{grain}', level, since, agent_id, campaign_id, {ADDED}
            {of.format(table="call_rollups")} GROUP BY level, since, agent_id, campaign_id
        """),
        text(f"""
            INSERT INTO latency_rollups (organization_id, grain, level, start, agent_id, campaign_id, bin, times)
            SELECT :organization_id, '{grain}', level, since, agent_id, campaign_id, bin, sum(times)
            {of.format(table="latency_rollups")} GROUP BY level, since, agent_id, campaign_id, bin
        """),
    )


_ADD_PARTS = _add_up("quarter", "part", "6 hours")
_ADD_DAYS = _add_up("part", "day", "1 day")
_BEHIND = text("""
    SELECT id FROM organizations
    WHERE EXISTS (SELECT FROM call_changes WHERE call_changes.organization_id = organizations.id)
""")


async def behind(connection: Connection) -> list[UUID]:
    """The organizations with changes that are not counted in; a platform's transaction."""
    return list((await connection.scalars(_BEHIND)).all())


async def refresh(database: Database, organization_id: UUID) -> int:
    """Count the newest changed quarters anew, some at a time; answers how many. 0: none are left, or somebody else is
    at it."""
    async with database.snapshot(organization_id) as connection:
        if not await take_turn(connection, organization_id):
            return 0
        of = {"organization_id": organization_id}
        found = await connection.scalars(_TAKE, of | {"at_once": QUARTERS_AT_ONCE})
        quarters: list[datetime] = list(found.all())
        starts = {
            "quarter": quarters,
            "part": sorted({part_of(quarter) for quarter in quarters}),
            "day": sorted({day_of(quarter) for quarter in quarters}),
        }
        for grain, statements in _CLEAR.items():
            for statement in statements:
                await connection.execute(statement, of | {"starts": starts[grain]})
        for statement in (_COUNT, _COUNT_LATENCIES):
            await connection.execute(statement, of | {"quarters": quarters})
        for statement in (_FORGET_PARTS, *_ADD_PARTS):
            await connection.execute(statement, of | {"starts": starts["part"]})
        for statement in _ADD_DAYS:
            await connection.execute(statement, of | {"starts": starts["day"]})
    return len(quarters)


async def take_turn(snapshot: Connection, organization_id: UUID) -> bool:
    """Whether nobody else is counting. Who was, until after this snapshot was taken, makes the transaction fail: what
    was counted away meanwhile could not be seen."""
    if not await snapshot.scalar(_IS_FREE, {"organization_id": str(organization_id)}):
        return False
    await snapshot.execute(_TURN, {"organization_id": organization_id})
    return True


def day_of(instant: datetime) -> datetime:
    """Where its day in UTC begins."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def part_of(instant: datetime) -> datetime:
    """Where its part of the day begins."""
    at = instant.astimezone(UTC)
    return at.replace(hour=at.hour - at.hour % 6, minute=0, second=0, microsecond=0)


def quarter_of(instant: datetime) -> datetime:
    at = instant.astimezone(UTC)
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
