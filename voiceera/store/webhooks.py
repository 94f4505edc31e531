"""Webhooks: where an organization wants to hear of events. Secrets are sealed at rest."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TIMESTAMP

from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.vault import Vault

_WHEN = TIMESTAMP(timezone=True)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("events", ARRAY(sa.Text), nullable=False),
    sa.Column("secrets", BYTEA, nullable=False),
    sa.Column("secret_ending", sa.Text, nullable=False),
    sa.Column("previous_secret_until", _WHEN),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("disabled_at", _WHEN),
    sa.Column("disabled_reason", sa.Text),
    sa.Column("consecutive_failures", sa.Integer, nullable=False),
    sa.Column("failing_since", _WHEN),
    sa.Column("paused_until", _WHEN),
    sa.Column("last_success_at", _WHEN),
    sa.Column("last_failure_at", _WHEN),
    sa.Column("created_by", sa.Uuid),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("updated_at", _WHEN, nullable=False),
    sa.Column("deleted_at", _WHEN),
)


@dataclass(frozen=True)
class Webhook:
    """`secret_ending`: the last four characters of the secret, which is all that is ever shown again."""

    id: UUID
    organization_id: UUID
    url: str
    description: str
    events: list[str]
    secret_ending: str
    previous_secret_until: datetime | None
    is_active: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    consecutive_failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Secrets:
    """What a webhook signs with: until `previous_until` the one before, too."""

    current: str
    previous: str | None = None
    previous_until: datetime | None = None

    def at(self, now: datetime) -> list[str]:
        """Newest first."""
        overlap = self.previous is not None and self.previous_until is not None and now < self.previous_until
        return [self.current, self.previous] if overlap and self.previous else [self.current]


_SUCCESS_NOTED_EVERY = timedelta(seconds=10)
SORTABLE = {name: webhooks.c[name] for name in ("created_at", "updated_at", "url")}
_SHOWN = tuple(webhooks.c[name] for name in Webhook.__dataclass_fields__)


def _is(organization_id: UUID, webhook_id: UUID) -> sa.ColumnElement[bool]:
    is_it = (webhooks.c.organization_id == organization_id) & (webhooks.c.id == webhook_id)
    return is_it & webhooks.c.deleted_at.is_(None)


def is_listening(organization_id: UUID) -> sa.ColumnElement[bool]:
    """Whether the organization has any active webhook: to be asked within a statement that is made anyway."""
    return sa.exists().where(webhooks.c.organization_id == organization_id, webhooks.c.is_active)


LISTENING = """EXISTS (SELECT 1 FROM webhooks w WHERE w.organization_id = :organization_id AND w.is_active)"""
"""The same in words."""


def seal(vault: Vault, organization_id: UUID, webhook_id: UUID, secrets: Secrets) -> bytes:
    until = secrets.previous_until.isoformat() if secrets.previous_until else None
    document = json.dumps([secrets.current, secrets.previous, until])
    return vault.seal(document.encode(), "webhooks", organization_id, webhook_id)


def opened(vault: Vault, organization_id: UUID, webhook_id: UUID, sealed: bytes) -> Secrets:
    current, previous, until = json.loads(vault.open(sealed, "webhooks", organization_id, webhook_id))
    return Secrets(current, previous, until and datetime.fromisoformat(until))


async def get(
    connection: Connection, organization_id: UUID, webhook_id: UUID, *, hold: bool = False
) -> Webhook | None:
    """`hold`: locked until the transaction ends, before any of its deliveries."""
    query = sa.select(*_SHOWN).where(_is(organization_id, webhook_id))
    row = (await connection.execute(query.with_for_update(key_share=True) if hold else query)).one_or_none()
    return None if row is None else Webhook(**row._mapping)


async def secrets_of(connection: Connection, vault: Vault, organization_id: UUID, webhook_id: UUID) -> Secrets:
    """In the clear: never log it."""
    sealed = await connection.scalar(sa.select(webhooks.c.secrets).where(_is(organization_id, webhook_id)))
    assert sealed is not None, "the webhook is held by the caller"
    return opened(vault, organization_id, webhook_id, sealed)


async def add(
    connection: Connection,
    vault: Vault,
    organization_id: UUID,
    webhook_id: UUID,
    secrets: Secrets,
    now: datetime,
    **values: Any,
) -> None:
    row = {"organization_id": organization_id, "id": webhook_id, "created_at": now, "updated_at": now}
    row |= {"secrets": seal(vault, organization_id, webhook_id, secrets), "secret_ending": secrets.current[-4:]}
    await connection.execute(sa.insert(webhooks).values(consecutive_failures=0, **row, **values))


async def change(
    connection: Connection,
    vault: Vault,
    organization_id: UUID,
    webhook_id: UUID,
    secrets: Secrets | None = None,
    **values: Any,
) -> None:
    if secrets is not None:
        values["secrets"] = seal(vault, organization_id, webhook_id, secrets)
        values["secret_ending"] = secrets.current[-4:]
        values["previous_secret_until"] = secrets.previous_until
    await connection.execute(sa.update(webhooks).where(_is(organization_id, webhook_id)).values(**values))


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    is_active: bool | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Webhook]:
    query = sa.select(*_SHOWN).where(
        webhooks.c.organization_id == organization_id,
        webhooks.c.deleted_at.is_(None),
        *equal({webhooks.c.is_active: is_active}),
        *matching(search, webhooks.c.url, webhooks.c.description),
        *span.of(webhooks.c.created_at),
    )
    found = await page(connection, query, request, SORTABLE, webhooks.c.id)
    return found.map(lambda row: Webhook(*row[: len(_SHOWN)]))


# ── health, as deliveries find it ────────────────────────────────────────────────────────────────────────────────


async def note_success(connection: Connection, organization_id: UUID, webhook_id: UUID, now: datetime) -> None:
    """Written only where it changes something, so that a busy receiver's row is no queue."""
    changes_something = sa.or_(
        webhooks.c.consecutive_failures > 0,
        webhooks.c.last_success_at.is_(None),
        webhooks.c.last_success_at < now - _SUCCESS_NOTED_EVERY,
    )
    statement = sa.update(webhooks).where(_is(organization_id, webhook_id), changes_something)
    await connection.execute(statement.values(consecutive_failures=0, failing_since=None, last_success_at=now))


async def note_failure(
    connection: Connection, organization_id: UUID, webhook_id: UUID, now: datetime, paused_until: datetime | None
) -> datetime | None:
    """Since when it fails; None for one that was deleted. `paused_until`: when it wants to hear again."""
    pause = (
        {"paused_until": sa.func.greatest(webhooks.c.paused_until, sa.literal(paused_until, _WHEN))}
        if paused_until
        else {}
    )
    statement = sa.update(webhooks).where(_is(organization_id, webhook_id))
    noted = statement.values(
        consecutive_failures=webhooks.c.consecutive_failures + 1,
        failing_since=sa.func.coalesce(webhooks.c.failing_since, sa.literal(now, _WHEN)),
        last_failure_at=now,
        **pause,
    )
    since: datetime | None = (
        await connection.execute(noted.returning(webhooks.c.failing_since))
    ).scalar_one_or_none()
    return since


async def disable(
    connection: Connection, organization_id: UUID, webhook_id: UUID, reason: str, now: datetime
) -> bool:
    """Switch it off. False: it is off already."""
    statement = sa.update(webhooks).where(_is(organization_id, webhook_id), webhooks.c.is_active)
    values = {"is_active": False, "disabled_at": now, "disabled_reason": reason}
    return bool((await connection.execute(statement.values(**values))).rowcount)
