"""The people of a campaign."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.rules.calls import Outcome
from voiceera.rules.campaigns import ContactState
from voiceera.store.base import Connection, metadata

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign_id", _ID, nullable=False),
    sa.Column("phone_number", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("timezone", sa.Text),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("variables", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", _WHEN, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.SmallInteger, nullable=False),
    sa.Column("faults", sa.SmallInteger, nullable=False),
    sa.Column("last_outcome", sa.Text),
    sa.Column("opted_out", sa.Boolean, nullable=False),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("updated_at", _WHEN, nullable=False),
)


@dataclass(frozen=True)
class Contact:
    organization_id: UUID
    id: UUID
    campaign_id: UUID
    phone_number: str
    name: str | None
    timezone: str | None
    priority: int
    variables: dict[str, str]
    state: ContactState
    due_at: datetime
    reason: str | None
    attempts: int
    faults: int
    last_outcome: Outcome | None
    opted_out: bool
    created_at: datetime
    updated_at: datetime


_COLUMNS = [contacts.c[field.name] for field in fields(Contact)]


def _contact(row: sa.Row[Any]) -> Contact:
    values = dict(row._mapping)
    values["state"] = ContactState(values["state"])
    values["last_outcome"] = values["last_outcome"] and Outcome(values["last_outcome"])
    return Contact(**values)


def _is(organization_id: UUID, contact_id: UUID) -> sa.ColumnElement[bool]:
    return (contacts.c.organization_id == organization_id) & (contacts.c.id == contact_id)


async def get(connection: Connection, organization_id: UUID, contact_id: UUID) -> Contact | None:
    row = (await connection.execute(sa.select(*_COLUMNS).where(_is(organization_id, contact_id)))).one_or_none()
    return _contact(row) if row else None


async def lock(connection: Connection, organization_id: UUID, contact_id: UUID) -> Contact | None:
    """The contact, held until the transaction ends; after its attempt, before the counters."""
    statement = sa.select(*_COLUMNS).where(_is(organization_id, contact_id)).with_for_update(key_share=True)
    row = (await connection.execute(statement)).one_or_none()
    return _contact(row) if row else None


async def change(connection: Connection, contact: Contact, **values: Any) -> None:
    statement = sa.update(contacts).where(_is(contact.organization_id, contact.id)).values(**values)
    await connection.execute(statement)
