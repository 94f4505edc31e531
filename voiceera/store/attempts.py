"""Attempts: one try at reaching a number. A dialled attempt and its call share one id."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, insert

from voiceera.rules.attempts import OPEN, Story, Verdict
from voiceera.rules.calls import AttemptState, Direction, EndedAs, Outcome
from voiceera.store.base import Connection, metadata
from voiceera.store.slices import update_all

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign_id", _ID),
    sa.Column("contact_id", _ID),
    sa.Column("agent_id", _ID, nullable=False),
    sa.Column("phone_number", sa.Text, nullable=False),
    sa.Column("variables", JSONB, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", _WHEN, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claim_expires_at", _WHEN),
    sa.Column("settings", JSONB, nullable=False),
    sa.Column("caller_id", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("carrier_call_id", sa.Text),
    sa.Column("dialed_at", _WHEN),
    sa.Column("accepted_at", _WHEN),
    sa.Column("ringing_at", _WHEN),
    sa.Column("answered_at", _WHEN),
    sa.Column("conversation_started_at", _WHEN),
    sa.Column("conversation_ended_at", _WHEN),
    sa.Column("media_node_id", _ID),
    sa.Column("carrier_ended_at", _WHEN),
    sa.Column("ended_as", sa.Text),
    sa.Column("unknown_since", _WHEN),
    sa.Column("check_at", _WHEN),
    sa.Column("hangup_requested", sa.Boolean, nullable=False),
    sa.Column("conversation_outcome", sa.Text),
    sa.Column("conversation_fault", sa.Boolean, nullable=False),
    sa.Column("opted_out", sa.Boolean, nullable=False),
    sa.Column("callback_at", _WHEN),
    sa.Column("latest_ring_at", _WHEN),
    sa.Column("price_per_minute", sa.Numeric(14, 5)),
    sa.Column("reserved", sa.Numeric(14, 5)),
    sa.Column("outcome", sa.Text),
    sa.Column("consumed", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("created_by", _ID),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("ended_at", _WHEN),
)

dial_gates = sa.Table(
    "dial_gates",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("starts", JSONB, nullable=False),
    sa.Column("breaker", JSONB, nullable=False),
)


@dataclass(frozen=True)
class Attempt:
    """A row, as services decide by it. Columns that only statistics read are left out.

    `latest_ring_at`: after that it must not begin to ring. `reserved`: money put aside for it while it is open.
    """

    organization_id: UUID
    id: UUID
    campaign_id: UUID | None
    contact_id: UUID | None
    agent_id: UUID
    phone_number: str
    variables: dict[str, str]
    direction: Direction
    state: AttemptState
    due_at: datetime
    fence: int
    claimed_by: str | None
    claim_expires_at: datetime | None
    settings: dict[str, Any]
    caller_id: str | None
    provider: str | None
    carrier_call_id: str | None
    dialed_at: datetime | None
    accepted_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    conversation_started_at: datetime | None
    conversation_ended_at: datetime | None
    media_node_id: UUID | None
    carrier_ended_at: datetime | None
    ended_as: EndedAs | None
    unknown_since: datetime | None
    check_at: datetime | None
    conversation_outcome: Outcome | None
    conversation_fault: bool
    opted_out: bool
    callback_at: datetime | None
    latest_ring_at: datetime | None
    price_per_minute: Decimal | None
    reserved: Decimal | None
    outcome: Outcome | None
    request_id: str | None

    @property
    def traced_as(self) -> str:
        """The request id under which its log lines are found: the one that asked for it, else its own."""
        return self.request_id or str(self.id)

    @property
    def story(self) -> Story:
        conversation = self.conversation_outcome
        return Story(
            answered=self.answered_at is not None,
            conversation_started=self.conversation_started_at is not None,
            carrier_end=self.ended_as,
            conversation=Verdict(conversation, self.conversation_fault) if conversation else None,
        )


_WORDS = {
    "direction": Direction,
    "state": AttemptState,
    "ended_as": EndedAs,
    "conversation_outcome": Outcome,
    "outcome": Outcome,
}
_COLUMNS = [attempts.c[field.name] for field in fields(Attempt)]


def _attempt(row: sa.Row[Any]) -> Attempt:
    values = dict(row._mapping)
    for name, word in _WORDS.items():
        values[name] = None if values[name] is None else word(values[name])
    return Attempt(**values)


def _is(organization_id: UUID, attempt_id: UUID) -> sa.ColumnElement[bool]:
    return (attempts.c.organization_id == organization_id) & (attempts.c.id == attempt_id)


async def get(connection: Connection, organization_id: UUID, attempt_id: UUID) -> Attempt | None:
    row = (await connection.execute(sa.select(*_COLUMNS).where(_is(organization_id, attempt_id)))).one_or_none()
    return _attempt(row) if row else None


async def lock(connection: Connection, organization_id: UUID, attempt_id: UUID) -> Attempt | None:
    """The attempt, held until the transaction ends: first of all locks, before its contact's."""
    statement = sa.select(*_COLUMNS).where(_is(organization_id, attempt_id)).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return _attempt(row) if row else None


async def lock_all(connection: Connection, organization_id: UUID, ids: Sequence[UUID]) -> list[Attempt]:
    """`lock` for a slice, in the order of their ids, as everybody does who takes several."""
    a = attempts.c
    statement = sa.select(*_COLUMNS).where(a.organization_id == organization_id, a.id == sa.any_(_ids(ids)))
    return [_attempt(row) for row in await connection.execute(statement.order_by(a.id).with_for_update())]


def _ids(ids: Sequence[UUID]) -> sa.ColumnElement[Any]:
    return sa.literal(list(ids), ARRAY(_ID))


async def change_all(connection: Connection, organization_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """`change` for a slice: each row has its id, and the same columns to write."""
    await update_all(connection, attempts, organization_id, rows)


async def lock_rung_in(
    connection: Connection, organization_id: UUID, provider: str, carrier_call_id: str
) -> Attempt | None:
    """The call that came in under the carrier's name for it, held until the transaction ends."""
    a = attempts.c
    is_it = (a.organization_id == organization_id) & (a.provider == provider)
    is_it &= (a.carrier_call_id == carrier_call_id) & (a.direction == Direction.INBOUND)
    row = (await connection.execute(sa.select(*_COLUMNS).where(is_it).with_for_update())).one_or_none()
    return _attempt(row) if row else None


async def add_rung_in(connection: Connection, row: dict[str, Any]) -> bool:
    """A call comes in. False: the carrier has told of it before, or the number is being rung at this moment."""
    inserted = insert(attempts).values(**row, direction=Direction.INBOUND).on_conflict_do_nothing()
    return (await connection.execute(inserted)).rowcount == 1


async def change(connection: Connection, attempt: Attempt, **values: Any) -> Attempt:
    """Write `values` to a locked attempt; answers it as it now is."""
    changed = sa.update(attempts).where(_is(attempt.organization_id, attempt.id)).values(**values)
    await connection.execute(changed)
    known = {name: value for name, value in values.items() if name in Attempt.__dataclass_fields__}
    return replace(attempt, **known)


async def remove(connection: Connection, attempt: Attempt) -> None:
    """Forget an attempt that nobody outside has heard of."""
    await connection.execute(sa.delete(attempts).where(_is(attempt.organization_id, attempt.id)))


async def add(connection: Connection, row: dict[str, Any]) -> None:
    await connection.execute(sa.insert(attempts).values(**row))


async def count_outcomes(
    connection: Connection, organization_id: UUID, contact_ids: Sequence[UUID]
) -> dict[tuple[UUID, Outcome], int]:
    """How many of each contact's ended attempts came out how, faults left out."""
    a = attempts.c
    statement = sa.select(a.contact_id, a.outcome, sa.func.count()).where(
        a.organization_id == organization_id,
        a.contact_id == sa.any_(_ids(contact_ids)),
        a.outcome.is_not(None),
        a.consumed,
    )
    rows = await connection.execute(statement.group_by(a.contact_id, a.outcome))
    return {(row[0], Outcome(row[1])): row[2] for row in rows}


def _of_campaign(organization_id: UUID, campaign_id: UUID) -> sa.ColumnElement[bool]:
    return (attempts.c.organization_id == organization_id) & (attempts.c.campaign_id == campaign_id)


def is_open(table: str = "attempts.") -> sa.ColumnElement[bool]:
    """In the partial indexes' own words, so that they are used."""
    words = ", ".join(f"'{state}'" for state in sorted(OPEN))
    return sa.literal_column(f"{table}state IN ({words})", sa.Boolean())


async def is_waiting(connection: Connection, organization_id: UUID, phone_number: str) -> bool:
    """Whether the number is in a call with us, or in the queue for one."""
    a = attempts.c
    of_number = sa.select(a.id).where(a.organization_id == organization_id, a.phone_number == phone_number)
    statement = of_number.where(is_open() | (a.state == AttemptState.QUEUED)).limit(1)
    return (await connection.execute(statement)).first() is not None


async def lock_queued(connection: Connection, organization_id: UUID, campaign_id: UUID) -> list[Attempt]:
    is_queued = attempts.c.state == AttemptState.QUEUED
    statement = sa.select(*_COLUMNS).where(_of_campaign(organization_id, campaign_id), is_queued)
    statement = statement.order_by(attempts.c.id).with_for_update()
    return [_attempt(row) for row in await connection.execute(statement)]


async def request_hangups(connection: Connection, organization_id: UUID, campaign_id: UUID) -> None:
    """Have the dialer end every call of the campaign that rings or talks."""
    statement = sa.update(attempts).where(_of_campaign(organization_id, campaign_id), is_open())
    await connection.execute(statement.values(hangup_requested=True))


async def count_open(connection: Connection, organization_id: UUID, campaign_id: UUID) -> dict[str, int]:
    """The campaign's attempts under way, by state."""
    a = attempts.c
    statement = sa.select(a.state, sa.func.count()).where(_of_campaign(organization_id, campaign_id), is_open())
    return {row.state: row[1] for row in await connection.execute(statement.group_by(a.state))}


async def hangup_done(connection: Connection, organization_id: UUID, attempt_id: UUID) -> None:
    statement = sa.update(attempts).where(_is(organization_id, attempt_id))
    await connection.execute(statement.values(hangup_requested=False))
