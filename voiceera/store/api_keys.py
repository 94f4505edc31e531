"""API keys: shown once, kept as a hash, good for what their user may, or only for reading it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, Uuid, or_, select, update

from voiceera.store.base import Connection, metadata
from voiceera.store.sessions import hashed
from voiceera.store.users import SHOWN, User, users

api_keys = Table(
    "api_keys",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

PREFIX = "vk_"


@dataclass(frozen=True)
class AcceptedKey:
    id: UUID
    scope: str
    user: User


async def accept(connection: Connection, organization_id: UUID, key: str, now: datetime) -> AcceptedKey | None:
    """Who comes with this key; None for one that is unknown, revoked, expired, or whose user may not sign in."""
    row = (
        await connection.execute(
            select(api_keys.c.id.label("key_id"), api_keys.c.scope, *SHOWN)
            .join(
                users,
                (users.c.organization_id == api_keys.c.organization_id) & (users.c.id == api_keys.c.user_id),
            )
            .where(
                api_keys.c.organization_id == organization_id,
                api_keys.c.key_hash == hashed(key),
                api_keys.c.revoked_at.is_(None),
                or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
                users.c.is_active,
                users.c.deleted_at.is_(None),
            )
        )
    ).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    return AcceptedKey(id=values.pop("key_id"), scope=values.pop("scope"), user=User(**values))


async def note_use(connection: Connection, organization_id: UUID, key_id: UUID, now: datetime) -> None:
    """To the minute, so that a busy key does not write at every request."""
    await connection.execute(
        update(api_keys)
        .where(
            api_keys.c.organization_id == organization_id,
            api_keys.c.id == key_id,
            or_(
                api_keys.c.last_used_at.is_(None),
                api_keys.c.last_used_at < now.replace(second=0, microsecond=0),
            ),
        )
        .values(last_used_at=now)
    )


async def revoke_all(connection: Connection, organization_id: UUID, user_id: UUID, now: datetime) -> None:
    await connection.execute(
        update(api_keys)
        .where(
            api_keys.c.organization_id == organization_id,
            api_keys.c.user_id == user_id,
            api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
