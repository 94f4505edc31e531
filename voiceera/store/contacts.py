"""The people of a campaign."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from voiceera.ids import new_id
from voiceera.rules.calls import Outcome
from voiceera.rules.campaigns import ContactState
from voiceera.rules.contact_rows import Person
from voiceera.store.base import Connection, metadata
from voiceera.store.do_not_call import do_not_call
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.slices import update_all

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
    values = {field.name: row._mapping[field.name] for field in fields(Contact)}
    values["state"] = ContactState(values["state"])
    values["last_outcome"] = values["last_outcome"] and Outcome(values["last_outcome"])
    return Contact(**values)


def _is(organization_id: UUID, contact_id: UUID) -> sa.ColumnElement[bool]:
    return (contacts.c.organization_id == organization_id) & (contacts.c.id == contact_id)


async def get(connection: Connection, organization_id: UUID, contact_id: UUID) -> Contact | None:
    row = (await connection.execute(sa.select(*_COLUMNS).where(_is(organization_id, contact_id)))).one_or_none()
    return _contact(row) if row else None


async def get_all(connection: Connection, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Contact]:
    c = contacts.c
    chosen = c.id == sa.any_(sa.literal(list(ids), ARRAY(_ID)))
    statement = sa.select(*_COLUMNS).where(c.organization_id == organization_id, chosen)
    return {row.id: _contact(row) for row in await connection.execute(statement)}


SORTABLE: dict[str, sa.ColumnElement[Any]] = {
    # Ids are made in the order of creation (UUIDv7), and there is an index of them in each campaign.
    "created_at": contacts.c.id,
    **{name: contacts.c[name] for name in ("updated_at", "name", "phone_number", "priority", "attempts")},
    "status": contacts.c.state,
}


async def find(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    request: PageRequest,
    *,
    state: ContactState | None = None,
    phone_number: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Contact]:
    """The campaign's people; `search` matches their names."""
    c = contacts.c
    query = sa.select(*_COLUMNS).where(
        c.organization_id == organization_id,
        c.campaign_id == campaign_id,
        *equal({c.state: state, c.phone_number: phone_number}),
        *matching(search, c.name),
        *span.of(c.created_at),
    )
    return (await page(connection, query, request, SORTABLE, c.id)).map(_contact)


async def lock(connection: Connection, organization_id: UUID, contact_id: UUID) -> Contact | None:
    """The contact, held until the transaction ends; after its attempt, before the counters."""
    return (await lock_all(connection, organization_id, [contact_id])).get(contact_id)


async def lock_all(connection: Connection, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """`lock` for a slice, in the order of their ids."""
    c = contacts.c
    chosen = c.id == sa.any_(sa.literal(list(ids), ARRAY(_ID)))
    statement = sa.select(*_COLUMNS).where(c.organization_id == organization_id, chosen).order_by(c.id)
    return {row.id: _contact(row) for row in await connection.execute(statement.with_for_update(key_share=True))}


async def change_all(connection: Connection, organization_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """`change` for a slice: each row has its id, and the same columns to write."""
    await update_all(connection, contacts, organization_id, rows)


async def change(connection: Connection, contact: Contact, **values: Any) -> None:
    statement = sa.update(contacts).where(_is(contact.organization_id, contact.id)).values(**values)
    await connection.execute(statement)


_ADD = sa.text("""
    INSERT INTO contacts (organization_id, campaign_id, id, phone_number, name, timezone, priority, variables,
                          due_at, created_at, updated_at)
    SELECT :organization_id, :campaign_id, n.id, n.phone_number, n.name, n.timezone, n.priority, n.variables::jsonb,
           :now, :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:names AS text[]), CAST(:zones AS text[]),
                CAST(:priorities AS smallint[]), CAST(:variables AS text[]))
         AS n (id, phone_number, name, timezone, priority, variables)
    ON CONFLICT (organization_id, campaign_id, phone_number) DO NOTHING
""").bindparams(sa.bindparam("organization_id", type_=_ID), sa.bindparam("campaign_id", type_=_ID))


async def add(
    connection: Connection, organization_id: UUID, campaign_id: UUID, people: Sequence[Person], now: datetime
) -> int:
    """How many went in: a number that is there already stays as it is."""
    if not people:
        return 0
    added = await connection.execute(
        _ADD,
        {
            "organization_id": organization_id,
            "campaign_id": campaign_id,
            "now": now,
            "ids": [new_id() for _ in people],
            "numbers": [person.phone_number for person in people],
            "names": [person.name for person in people],
            "zones": [person.timezone for person in people],
            "priorities": [person.priority for person in people],
            "variables": [json.dumps(dict(person.variables)) for person in people],
        },
    )
    return added.rowcount


async def known(connection: Connection, organization_id: UUID, campaign_id: UUID, numbers: Sequence[str]) -> set[str]:
    """Those of `numbers` that the campaign has already."""
    c = contacts.c
    statement = sa.select(c.phone_number).where(
        c.organization_id == organization_id, c.campaign_id == campaign_id, c.phone_number.in_(numbers)
    )
    return set((await connection.execute(statement)).scalars())


def _pending(organization_id: UUID, campaign_id: UUID) -> sa.ColumnElement[bool]:
    c = contacts.c
    return (
        (c.organization_id == organization_id)
        & (c.campaign_id == campaign_id)
        & (c.state == sa.literal_column("'pending'"))
    )


async def has_pending(connection: Connection, organization_id: UUID, campaign_id: UUID) -> bool:
    statement = sa.select(contacts.c.id).where(_pending(organization_id, campaign_id)).limit(1)
    return (await connection.execute(statement)).first() is not None


async def cancel_pending(connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime) -> int:
    """How many will not be dialled any more."""
    statement = sa.update(contacts).where(_pending(organization_id, campaign_id))
    changed = await connection.execute(
        statement.values(state=ContactState.CANCELED, reason="campaign_over", updated_at=now)
    )
    return changed.rowcount


def _not_listed() -> sa.ColumnElement[bool]:
    listed = do_not_call.c
    is_listed = (listed.organization_id == contacts.c.organization_id) & (
        listed.phone_number == contacts.c.phone_number
    )
    is_meant = listed.campaign_id.is_(None) | (listed.campaign_id == contacts.c.campaign_id)
    return ~sa.exists().where(is_listed, is_meant)


async def sample_pending(
    connection: Connection, organization_id: UUID, campaign_id: UUID, limit: int
) -> list[tuple[str, str | None]]:
    """(number, own zone) of contacts that may be dialled, in the order in which they came."""
    c = contacts.c
    statement = (
        sa.select(c.phone_number, c.timezone)
        .where(_pending(organization_id, campaign_id), _not_listed())
        .order_by(c.id)
        .limit(limit)
    )
    return [(number, zone) for number, zone in await connection.execute(statement)]


async def count_pending(connection: Connection, organization_id: UUID, campaign_id: UUID) -> tuple[int, int]:
    """(pending, how many of them are on the do-not-call list)."""
    statement = sa.select(sa.func.count(), sa.func.count().filter(~_not_listed())).where(
        _pending(organization_id, campaign_id)
    )
    pending, listed = (await connection.execute(statement.select_from(contacts))).one()
    return pending, listed


async def count_elsewhere(
    connection: Connection, organization_id: UUID, campaign_id: UUID, numbers: Sequence[str]
) -> int:
    """How many of the numbers another campaign, which runs or will, is to ring too."""
    if not numbers:
        return 0
    statement = sa.text("""
        SELECT count(*) FROM unnest(CAST(:numbers AS text[])) AS asked (number) WHERE EXISTS (
            SELECT FROM campaigns p JOIN contacts c ON c.organization_id = p.organization_id AND c.campaign_id = p.id
            WHERE p.organization_id = :organization_id AND p.id <> :campaign_id AND p.deleted_at IS NULL
              AND p.status IN ('active', 'scheduled') AND c.phone_number = asked.number
              AND c.state IN ('pending', 'in_progress'))
    """).bindparams(organization_id=organization_id, campaign_id=campaign_id, numbers=list(numbers))
    return int((await connection.execute(statement)).scalar_one())


async def lacking(
    connection: Connection, organization_id: UUID, campaign_id: UUID, names: Sequence[str]
) -> list[str]:
    """Those of the variables `names` that some contact does not have."""
    c = contacts.c
    found = []
    for name in names:
        has = c.name.is_not(None) if name == "name" else c.variables.has_key(name)
        statement = sa.select(c.id).where(_pending(organization_id, campaign_id), ~has).limit(1)
        if (await connection.execute(statement)).first() is not None:
            found.append(name)
    return found


async def count_deferred(
    connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime
) -> dict[str, int]:
    """Pending contacts that are not due yet, by the reason."""
    c = contacts.c
    reason = sa.func.coalesce(c.reason, "not_due")
    statement = sa.select(reason, sa.func.count()).where(_pending(organization_id, campaign_id), c.due_at > now)
    return {row[0]: row[1] for row in await connection.execute(statement.group_by(reason))}
