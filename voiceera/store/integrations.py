"""Integrations: an organization's stored credentials for a provider. Sealed at rest, never shown again."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Float, LargeBinary, Table, Text, Uuid, select, update
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.store.base import Connection, metadata
from voiceera.store.conflicts import conflict_on
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.vault import Vault

integrations = Table(
    "integrations",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("credentials", LargeBinary),
    Column("credential_endings", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_detail", Text),
    Column("status_latency_ms", Float),
    Column("tested_at", DateTime(timezone=True)),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)


@dataclass(frozen=True)
class Integration:
    """`credential_endings`: the last four characters of each credential, which is all that is ever shown."""

    id: UUID
    organization_id: UUID
    name: str
    type: str
    provider: str
    config: dict[str, Any]
    credential_endings: dict[str, str]
    status: str
    status_detail: str | None
    status_latency_ms: float | None
    tested_at: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


SORTABLE = {name: integrations.c[name] for name in ("created_at", "updated_at", "name", "type", "provider", "status")}
_SHOWN = tuple(integrations.c[name] for name in Integration.__dataclass_fields__)


def seal(vault: Vault, organization_id: UUID, integration_id: UUID, credentials: dict[str, str]) -> bytes:
    return vault.seal(json.dumps(credentials).encode(), "integrations", organization_id, integration_id)


def endings(credentials: dict[str, str]) -> dict[str, str]:
    """The last four characters, of those long enough that four tell nothing."""
    return {name: value[-4:] if len(value) >= 12 else "" for name, value in credentials.items()}


async def get(connection: Connection, organization_id: UUID, integration_id: UUID) -> Integration | None:
    row = (
        await connection.execute(
            select(*_SHOWN).where(
                integrations.c.organization_id == organization_id,
                integrations.c.id == integration_id,
                integrations.c.deleted_at.is_(None),
            )
        )
    ).one_or_none()
    return None if row is None else Integration(**row._mapping)


async def of_type(
    connection: Connection, organization_id: UUID, type_: str, provider: str | None = None
) -> list[Integration]:
    """The organization's integrations of one type ("telephony"), oldest first."""
    query = select(*_SHOWN).where(
        integrations.c.organization_id == organization_id,
        integrations.c.type == type_,
        integrations.c.deleted_at.is_(None),
    )
    if provider is not None:
        query = query.where(integrations.c.provider == provider)
    rows = await connection.execute(query.order_by(integrations.c.id))
    return [Integration(**row._mapping) for row in rows]


async def credentials(
    connection: Connection, vault: Vault, organization_id: UUID, integration_id: UUID
) -> dict[str, str]:
    """What the provider is opened with, in the clear; empty for an integration without any. Never log it."""
    sealed = await connection.scalar(
        select(integrations.c.credentials).where(
            integrations.c.organization_id == organization_id, integrations.c.id == integration_id
        )
    )
    if sealed is None:
        return {}
    opened: dict[str, str] = json.loads(vault.open(sealed, "integrations", organization_id, integration_id))
    return opened


async def add(
    connection: Connection,
    vault: Vault,
    organization_id: UUID,
    integration_id: UUID,
    *,
    name: str,
    type_: str,
    provider: str,
    config: dict[str, Any],
    credentials: dict[str, str],
    created_by: UUID | None,
    now: datetime,
) -> None:
    """Raises Conflict for a name that another has."""
    with conflict_on("integrations_name_key", "INTEGRATION_002", f"An integration named {name!r} exists."):
        await connection.execute(
            integrations.insert().values(
                organization_id=organization_id,
                id=integration_id,
                name=name,
                type=type_,
                provider=provider,
                config=config,
                credentials=seal(vault, organization_id, integration_id, credentials) if credentials else None,
                credential_endings=endings(credentials),
                status="untested",
                created_by=created_by,
                created_at=now,
                updated_at=now,
            )
        )


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    type_: str | None = None,
    provider: str | None = None,
    status: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Integration]:
    query = select(*_SHOWN).where(
        integrations.c.organization_id == organization_id,
        integrations.c.deleted_at.is_(None),
        *equal({integrations.c.type: type_, integrations.c.provider: provider, integrations.c.status: status}),
        *matching(search, integrations.c.name),
        *span.of(integrations.c.created_at),
    )
    found = await page(connection, query, request, SORTABLE, integrations.c.id)
    return found.map(lambda row: Integration(*row[: len(_SHOWN)]))


async def change(
    connection: Connection,
    vault: Vault,
    before: Integration,
    *,
    name: str,
    config: dict[str, Any],
    credentials: dict[str, str],
    now: datetime,
) -> None:
    """The next call uses it; what was tested before says nothing any more. Raises Conflict for a name in use."""
    organization_id, integration_id = before.organization_id, before.id
    with conflict_on("integrations_name_key", "INTEGRATION_002", f"An integration named {name!r} exists."):
        await connection.execute(
            update(integrations)
            .where(integrations.c.organization_id == organization_id, integrations.c.id == integration_id)
            .values(
                name=name,
                config=config,
                credentials=seal(vault, organization_id, integration_id, credentials) if credentials else None,
                credential_endings=endings(credentials),
                status="untested",
                status_detail=None,
                status_latency_ms=None,
                tested_at=None,
                updated_at=now,
            )
        )


async def note_test(
    connection: Connection,
    organization_id: UUID,
    integration_id: UUID,
    *,
    status: str,
    detail: str | None,
    latency_ms: float,
    now: datetime,
) -> None:
    await connection.execute(
        update(integrations)
        .where(integrations.c.organization_id == organization_id, integrations.c.id == integration_id)
        .values(status=status, status_detail=detail, status_latency_ms=latency_ms, tested_at=now)
    )


async def note_live(
    connection: Connection, organization_id: UUID, integration_id: UUID, *, status: str, detail: str, now: datetime
) -> Integration | None:
    """What calls found out; the integration, if its status was another."""
    changed = (
        update(integrations)
        .where(
            integrations.c.organization_id == organization_id,
            integrations.c.id == integration_id,
            integrations.c.deleted_at.is_(None),
            integrations.c.status != status,
        )
        .values(status=status, status_detail=detail, status_latency_ms=None, tested_at=now)
        .returning(*_SHOWN)
    )
    row = (await connection.execute(changed)).one_or_none()
    return None if row is None else Integration(**row._mapping)


async def delete(connection: Connection, organization_id: UUID, integration_id: UUID, now: datetime) -> None:
    """Hide it and forget its credentials."""
    await connection.execute(
        update(integrations)
        .where(integrations.c.organization_id == organization_id, integrations.c.id == integration_id)
        .values(deleted_at=now, updated_at=now, credentials=None, credential_endings={})
    )
