"""An organization's own phone numbers: who answers them, and which calls may come from them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from voiceera.store.base import Connection, metadata
from voiceera.store.conflicts import conflict_on
from voiceera.store.filters import Span, equal, matching
from voiceera.store.integrations import integrations
from voiceera.store.page import Page, PageRequest, page

_WHEN = TIMESTAMP(timezone=True)

phone_numbers = sa.Table(
    "phone_numbers",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("phone_number", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("integration_id", sa.Uuid, nullable=False),
    sa.Column("agent_id", sa.Uuid),
    sa.Column("missed_call", sa.Text, nullable=False),
    sa.Column("is_caller_id", sa.Boolean, nullable=False),
    sa.Column("daily_cap", sa.Integer),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("created_by", sa.Uuid),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("updated_at", _WHEN, nullable=False),
)


class MissedCall(StrEnum):
    """What follows when somebody rings the number and nobody answers."""

    NONE = "none"
    CALLBACK = "callback"


@dataclass(frozen=True)
class PhoneNumber:
    """`agent_id`: who answers; None: calls in are turned away. `daily_cap`: most calls a day from it; None: any."""

    id: UUID
    organization_id: UUID
    phone_number: str
    label: str
    integration_id: UUID
    agent_id: UUID | None
    missed_call: MissedCall
    is_caller_id: bool
    daily_cap: int | None
    is_active: bool
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


SORTABLE = {name: phone_numbers.c[name] for name in ("created_at", "updated_at", "phone_number", "label")}
_SHOWN = tuple(phone_numbers.c[name] for name in PhoneNumber.__dataclass_fields__)


def _number(row: Any) -> PhoneNumber:
    values = dict(zip(PhoneNumber.__dataclass_fields__, row, strict=False))
    return PhoneNumber(**values | {"missed_call": MissedCall(values["missed_call"])})


def _is(organization_id: UUID, number_id: UUID) -> sa.ColumnElement[bool]:
    return (phone_numbers.c.organization_id == organization_id) & (phone_numbers.c.id == number_id)


async def get(
    connection: Connection, organization_id: UUID, number_id: UUID, *, hold: bool = False
) -> PhoneNumber | None:
    """`hold`: locked until the transaction ends."""
    query = sa.select(*_SHOWN).where(_is(organization_id, number_id))
    row = (await connection.execute(query.with_for_update() if hold else query)).one_or_none()
    return None if row is None else _number(row)


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    integration_id: UUID | None = None,
    agent_id: UUID | None = None,
    phone_number: str | None = None,
    is_active: bool | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[PhoneNumber]:
    n = phone_numbers.c
    query = sa.select(*_SHOWN).where(
        n.organization_id == organization_id,
        *equal({n.integration_id: integration_id, n.agent_id: agent_id}),
        *equal({n.phone_number: phone_number, n.is_active: is_active}),
        *matching(search, n.label),
        *span.of(n.created_at),
    )
    return (await page(connection, query, request, SORTABLE, n.id)).map(_number)


async def add(connection: Connection, number: PhoneNumber) -> None:
    """Raises Conflict for one that the organization has."""
    with _known(number.phone_number):
        await connection.execute(phone_numbers.insert().values(**vars(number)))


async def change(connection: Connection, number: PhoneNumber, **values: Any) -> None:
    is_it = _is(number.organization_id, number.id)
    await connection.execute(sa.update(phone_numbers).where(is_it).values(**values))


async def release(connection: Connection, organization_id: UUID, agent_id: UUID, now: datetime) -> int:
    """The agent answers none of its numbers any more; how many there were."""
    n = phone_numbers.c
    its = sa.update(phone_numbers).where(n.organization_id == organization_id, n.agent_id == agent_id)
    return (await connection.execute(its.values(agent_id=None, updated_at=now))).rowcount


async def remove(connection: Connection, number: PhoneNumber) -> None:
    """Calls that came from it, or to it, keep it as text."""
    await connection.execute(sa.delete(phone_numbers).where(_is(number.organization_id, number.id)))


def _known(number: str) -> Any:
    return conflict_on("phone_numbers_key", "NUMBER_002", f"The organization has {number} already.")


# ── what calls ask ───────────────────────────────────────────────────────────────────────────────────────────────


async def of_integration(connection: Connection, organization_id: UUID, integration_id: UUID) -> list[PhoneNumber]:
    """All that this line carries, those not in use as well, oldest first."""
    n = phone_numbers.c
    query = sa.select(*_SHOWN).where(n.organization_id == organization_id, n.integration_id == integration_id)
    return [_number(row) for row in await connection.execute(query.order_by(n.id))]


async def in_use(connection: Connection, organization_id: UUID, phone_number: str) -> PhoneNumber | None:
    """The organization's number that was rung, if it is in use."""
    n = phone_numbers.c
    is_it = (n.organization_id == organization_id) & (n.phone_number == phone_number) & n.is_active
    row = (await connection.execute(sa.select(*_SHOWN).where(is_it))).one_or_none()
    return None if row is None else _number(row)


@dataclass(frozen=True)
class Answering:
    """Who answers a number. `provider`: the carrier of its line; `agent_id` None: nobody."""

    organization_id: UUID
    phone_number_id: UUID
    integration_id: UUID
    provider: str
    agent_id: UUID | None
    missed_call: MissedCall


async def answering(connection: Connection, phone_number: str) -> list[Answering]:
    """Every organization that says the number (E.164) is its own. Needs a platform transaction.

    Anybody may say so: believe the one whose line's secret signed the carrier's request, and nobody else.
    """
    n, line = phone_numbers.c, integrations.c
    query = (
        sa.select(n.organization_id, n.id, n.integration_id, line.provider, n.agent_id, n.missed_call)
        .join(integrations, (line.organization_id == n.organization_id) & (line.id == n.integration_id))
        .where(n.phone_number == phone_number, n.is_active, line.deleted_at.is_(None))
        .order_by(n.organization_id)
    )
    return [Answering(*row[:-1], MissedCall(row.missed_call)) for row in await connection.execute(query)]
