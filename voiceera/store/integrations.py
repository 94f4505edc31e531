"""Integrations: an organization's stored credentials for a provider. Sealed at rest, never shown again."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Float, LargeBinary, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.store.base import Connection, metadata
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
