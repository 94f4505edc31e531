"""What the dialer asks the database: who has work, which contacts are due, what is open, what is overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, insert

from voiceera.ids import new_id
from voiceera.rules.breakers import Breaker
from voiceera.rules.calls import AttemptState
from voiceera.rules.campaigns import ContactState
from voiceera.rules.pacing import Starts
from voiceera.store.attempts import attempts, dial_gates, is_open
from voiceera.store.base import Connection
from voiceera.store.contacts import contacts

_ID = sa.Uuid()


@dataclass(frozen=True)
class Work:
    """A campaign with contacts that are due; no campaign: single calls, and such as the carrier was too busy for."""

    organization_id: UUID
    campaign_id: UUID | None


# The priorities are asked for one by one, so that the index ends each search at the first contact that is not due:
# a claim costs the same among ten thousand contacts and among ten million.
_DUE = """
    SELECT c.id, c.phone_number FROM generate_series(9, 0, -1) AS p (priority), LATERAL (
        SELECT id, phone_number FROM contacts
        WHERE organization_id = :organization_id AND campaign_id = :campaign_id AND state = 'pending'
          AND priority = p.priority AND due_at <= :now
        ORDER BY due_at, id LIMIT {limit} FOR NO KEY UPDATE SKIP LOCKED
    ) c LIMIT {limit}
"""
_ANY_DUE = """
    EXISTS (SELECT 1 FROM generate_series(0, 9) AS p (priority), LATERAL (
        SELECT 1 FROM contacts
        WHERE organization_id = c.organization_id AND campaign_id = c.id AND state = 'pending'
          AND priority = p.priority AND due_at <= :now LIMIT 1) d)
"""
_WORK = sa.text(f"""
    SELECT organization_id, id AS campaign_id FROM campaigns c
    WHERE status = 'active' AND deleted_at IS NULL AND {_ANY_DUE}
    UNION
    SELECT organization_id, campaign_id FROM attempts
    WHERE state = 'queued' AND due_at <= :now GROUP BY organization_id, campaign_id
    ORDER BY 1, 2
""").columns(organization_id=_ID, campaign_id=_ID)


async def work(connection: Connection, now: datetime) -> list[Work]:
    """Whose turn it may be. Needs a platform transaction."""
    return [Work(*row) for row in await connection.execute(_WORK, {"now": now})]


@dataclass(frozen=True)
class Gate:
    """What a limit (of a line, a campaign …) remembers."""

    starts: Starts
    breaker: Breaker


async def lock_gates(connection: Connection, organization_id: UUID, keys: Sequence[str]) -> dict[str, Gate]:
    """Held until the commit: one dialer at a time passes.

    Found, made and locked by one statement, key after key: who would look first and make what is missing then, would
    wait for others with locks in hand that these wait for.
    """
    rows = [{"organization_id": organization_id, "key": key, "starts": {}, "breaker": {}} for key in sorted(keys)]
    made = insert(dial_gates).values(rows)
    locked = made.on_conflict_do_update(index_elements=["organization_id", "key"], set_={"key": made.excluded.key})
    g = dial_gates.c
    return {row.key: _gate(row) for row in await connection.execute(locked.returning(g.key, g.starts, g.breaker))}


def _gate(row: Any) -> Gate:
    starts = {int(slot): count for slot, count in row.starts.items()}
    return Gate(starts, msgspec.convert(row.breaker, Breaker) if row.breaker else Breaker())


async def set_breaker(connection: Connection, organization_id: UUID, key: str, breaker: Breaker) -> None:
    g = dial_gates.c
    statement = sa.update(dial_gates).where(g.organization_id == organization_id, g.key == key)
    await connection.execute(statement.values(breaker={} if breaker == Breaker() else msgspec.to_builtins(breaker)))


async def set_gate(connection: Connection, organization_id: UUID, key: str, starts: Starts) -> None:
    g = dial_gates.c
    statement = sa.update(dial_gates).where(g.organization_id == organization_id, g.key == key)
    await connection.execute(statement.values(starts={str(slot): count for slot, count in starts.items()}))


@dataclass(frozen=True)
class Slots:
    """Taken in the organization, and in one campaign (`talking`: answered there); `not_ringing`: with a carrier that
    has not begun to ring."""

    everywhere: int
    here: int
    talking: int
    not_ringing: int


async def count_slots(connection: Connection, organization_id: UUID, campaign_id: UUID | None) -> Slots:
    """Counted from rows, so that a crash can leak none."""
    a = attempts.c
    of_campaign = sa.func.count().filter(a.campaign_id == campaign_id)
    waiting = sa.func.count().filter(a.state == AttemptState.DIALING, a.accepted_at.is_not(None))
    talking = sa.func.count().filter(a.campaign_id == campaign_id, a.state == AttemptState.IN_PROGRESS)
    statement = sa.select(sa.func.count(), of_campaign, talking, waiting).where(
        a.organization_id == organization_id, is_open()
    )
    return Slots(*(await connection.execute(statement)).one())


async def count_by_caller_id(connection: Connection, organization_id: UUID, numbers: Sequence[str]) -> dict[str, int]:
    """Open attempts that have been dialled from each of the numbers."""
    a = attempts.c
    statement = sa.select(a.caller_id, sa.func.count()).where(
        a.organization_id == organization_id,
        is_open(),
        a.state != AttemptState.CLAIMED,
        a.caller_id.in_(numbers),
    )
    return {row[0]: row[1] for row in await connection.execute(statement.group_by(a.caller_id))}


async def count_unanswered(connection: Connection) -> int:
    """Attempts that may still ask for a place in a media process. Needs a platform transaction."""
    statement = sa.select(sa.func.count()).where(is_open(), attempts.c.state != AttemptState.IN_PROGRESS)
    return int((await connection.execute(statement)).scalar_one())


@dataclass(frozen=True)
class Claimed:
    """An attempt that this worker holds; `fence` proves it until somebody else has claimed it."""

    organization_id: UUID
    attempt_id: UUID
    campaign_id: UUID | None
    fence: int


async def claim_contacts(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    agent_id: UUID,
    limit: int,
    worker: str,
    now: datetime,
    expires_at: datetime,
) -> list[Claimed]:
    """Take up to `limit` due contacts, each with a fresh attempt. One whose number is being rung waits a moment."""
    # A literal limit: the planner does not trust a computed one, and sorts everything.
    due = sa.text(_DUE.format(limit=int(limit))).columns(id=_ID)
    key = {"organization_id": organization_id, "campaign_id": campaign_id, "now": now}
    people = (await connection.execute(due, key)).all()
    if not people:
        return []
    given = key | {"agent_id": agent_id, "worker": worker, "expires_at": expires_at}
    by_number = sorted(people, key=lambda person: person.phone_number)  # so that no two dialers wait for each other
    given |= {
        "ids": [new_id() for _ in by_number],
        "contact_ids": [person.id for person in by_number],
        "numbers": [person.phone_number for person in by_number],
    }
    made = (await connection.execute(_CLAIM, given)).all()
    taken = {row.contact_id for row in made}
    in_hand = {"state": ContactState.IN_PROGRESS, "reason": None, "updated_at": now}
    await _mark(connection, organization_id, list(taken), **in_hand)
    busy = [person.id for person in people if person.id not in taken]
    await _mark(connection, organization_id, busy, due_at=now + _BUSY_DELAY, reason="number_busy", updated_at=now)
    return [Claimed(organization_id, row.id, campaign_id, 1) for row in made]


_CLAIM = (
    sa.text(f"""
    INSERT INTO attempts (organization_id, campaign_id, agent_id, state, due_at, fence, claimed_by, claim_expires_at,
                          created_at, id, contact_id, phone_number)
    SELECT :organization_id, :campaign_id, :agent_id, 'claimed', :now, 1, :worker, :expires_at, :now, n.*
    FROM unnest(CAST(:ids AS uuid[]), CAST(:contact_ids AS uuid[]), CAST(:numbers AS text[])) AS n
    ON CONFLICT (organization_id, phone_number) WHERE {is_open("")} DO NOTHING
    RETURNING id, contact_id
""")
    .bindparams(
        sa.bindparam("organization_id", type_=_ID),
        sa.bindparam("campaign_id", type_=_ID),
        sa.bindparam("agent_id", type_=_ID),
        sa.bindparam("now", type_=TIMESTAMP(timezone=True)),
        sa.bindparam("expires_at", type_=TIMESTAMP(timezone=True)),
    )
    .columns(id=_ID, contact_id=_ID)
)
_BUSY_DELAY = timedelta(seconds=30)


async def _mark(connection: Connection, organization_id: UUID, ids: list[UUID], **values: Any) -> None:
    if ids:
        c = contacts.c
        chosen = c.id == sa.any_(sa.literal(ids, ARRAY(_ID)))
        statement = sa.update(contacts).where(c.organization_id == organization_id, chosen)
        await connection.execute(statement.values(**values))


async def claim_queued(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID | None,
    limit: int,
    worker: str,
    now: datetime,
    expires_at: datetime,
) -> list[Claimed]:
    """Take up to `limit` queued attempts of the campaign (None: single calls) whose number nobody rings at the
    moment. The gates are locked."""
    statement = sa.text(f"""
        UPDATE attempts SET state = 'claimed', fence = fence + 1, claimed_by = :worker, claim_expires_at = :expires_at
        WHERE organization_id = :organization_id AND id IN (
            SELECT DISTINCT ON (q.phone_number) q.id FROM (
                SELECT id, phone_number FROM attempts a
                WHERE organization_id = :organization_id AND state = 'queued' AND due_at <= :now
                  AND campaign_id IS NOT DISTINCT FROM CAST(:campaign_id AS uuid)
                  AND NOT EXISTS (SELECT 1 FROM attempts o
                                  WHERE o.organization_id = a.organization_id AND o.phone_number = a.phone_number
                                    AND o.state IN ('claimed', 'dialing', 'ringing', 'in_progress', 'unknown'))
                ORDER BY due_at, id LIMIT {int(limit)} FOR UPDATE SKIP LOCKED
            ) q)
        RETURNING id, campaign_id, fence
    """).columns(id=_ID, campaign_id=_ID)
    key: dict[str, Any] = {"organization_id": organization_id, "campaign_id": campaign_id, "worker": worker}
    key |= {"now": now, "expires_at": expires_at}
    rows = (await connection.execute(statement, key)).all()
    return [Claimed(organization_id, row.id, row.campaign_id, row.fence) for row in rows]


Dials = list[tuple[datetime, UUID | None]]
"""(when, contact)"""


async def dials_since(
    connection: Connection, organization_id: UUID, phone_numbers: Sequence[str], since: datetime
) -> dict[str, Dials]:
    """The organization's dials to each of the numbers, oldest first; such as the carrier refused rang nobody and are
    left out, and so are numbers without any."""
    a = attempts.c
    statement = sa.select(a.phone_number, a.dialed_at, a.contact_id).where(
        a.organization_id == organization_id,
        a.phone_number == sa.any_(sa.literal(list(phone_numbers), ARRAY(sa.Text))),
        a.dialed_at > since,
        (a.accepted_at.is_not(None) | a.ended_at.is_(None)),
    )
    found: dict[str, Dials] = {}
    for row in await connection.execute(statement.order_by(a.dialed_at)):
        found.setdefault(row.phone_number, []).append((row.dialed_at, row.contact_id))
    return found


# ── the reaper's questions (platform transactions) ───────────────────────────────────────────────────────────────

Key = tuple[UUID, UUID]
"""(organization, attempt or campaign)"""


async def expired_claims(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    return await _keys(connection, f"{_OPEN_ATTEMPTS} AND state = 'claimed' AND claim_expires_at <= :now", now, limit)


async def overdue(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    """Open attempts that should have moved by now."""
    return await _keys(connection, f"{_OPEN_ATTEMPTS} AND state <> 'claimed' AND check_at <= :now", now, limit)


async def too_late_to_ring(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    """Calls that a carrier took and still has not begun to ring when their window closes."""
    waits = "state = 'dialing' AND latest_ring_at <= :now AND accepted_at IS NOT NULL AND NOT hangup_requested"
    return await _keys(connection, f"{_OPEN_ATTEMPTS} AND {waits}", now, limit)


async def to_hang_up(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    wanted = "hangup_requested AND carrier_call_id IS NOT NULL AND carrier_ended_at IS NULL"
    return await _keys(connection, f"{_OPEN_ATTEMPTS} AND {wanted}", now, limit)


async def finished_campaigns(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    """Active campaigns that have nobody left to try, or whose end has come."""
    return await _keys(
        connection,
        """SELECT c.organization_id, c.id FROM campaigns c JOIN campaign_counts n
               ON n.organization_id = c.organization_id AND n.campaign_id = c.id
           WHERE c.status = 'active' AND c.deleted_at IS NULL
             AND ((n.pending = 0 AND n.in_progress = 0) OR c.end_time <= :now)""",
        now,
        limit,
    )


async def left_behind(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    """Campaigns that are over, and in which somebody waits for a dial all the same. A day after its end nobody can
    come back to one any more: dials are settled within hours."""
    return await _keys(
        connection,
        """SELECT c.organization_id, c.id FROM campaigns c JOIN campaign_counts n
               ON n.organization_id = c.organization_id AND n.campaign_id = c.id
           WHERE c.status IN ('stopped', 'completed') AND n.pending > 0
             AND c.completed_at >= CAST(:now AS timestamptz) - interval '1 day'
           UNION
           SELECT c.organization_id, c.id FROM attempts a JOIN campaigns c
               ON c.organization_id = a.organization_id AND c.id = a.campaign_id
           WHERE a.state = 'queued' AND c.status IN ('stopped', 'completed')""",
        now,
        limit,
    )


async def starting_campaigns(connection: Connection, now: datetime, limit: int = 200) -> list[Key]:
    statement = """SELECT organization_id, id FROM campaigns
                   WHERE status = 'scheduled' AND deleted_at IS NULL AND start_time <= :now"""
    return await _keys(connection, statement, now, limit)


_OPEN_ATTEMPTS = """SELECT organization_id, id FROM attempts
    WHERE state IN ('claimed', 'dialing', 'ringing', 'in_progress', 'unknown')"""


async def _keys(connection: Connection, statement: str, now: datetime, limit: int) -> list[Key]:
    found = sa.text(f"{statement} ORDER BY 1, 2 LIMIT {int(limit)}").columns(organization_id=_ID, id=_ID)
    values = {"now": now} if ":now" in statement else {}
    return [(row[0], row[1]) for row in await connection.execute(found, values)]
