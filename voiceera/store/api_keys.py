"""API keys: shown once, kept as a hash, good for what their user may, or only for reading it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ColumnElement, DateTime, LargeBinary, Table, Text, Uuid, or_, select, update

from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page
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
class ApiKey:
    organization_id: UUID
    id: UUID
    user_id: UUID
    name: str
    scope: str
    last_four: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


_SHOWN = tuple(api_keys.c[name] for name in ApiKey.__dataclass_fields__)
SORTABLE = {name: api_keys.c[name] for name in ("created_at", "name", "scope", "expires_at", "last_used_at")}


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


async def add(connection: Connection, made: ApiKey, key: str) -> None:
    await connection.execute(api_keys.insert().values(**made.__dict__, key_hash=hashed(key)))


async def get(connection: Connection, organization_id: UUID, key_id: UUID) -> ApiKey | None:
    """None for one that was revoked, too."""
    row = (
        await connection.execute(
            select(*_SHOWN).where(
                api_keys.c.organization_id == organization_id,
                api_keys.c.id == key_id,
                api_keys.c.revoked_at.is_(None),
            )
        )
    ).one_or_none()
    return None if row is None else ApiKey(**row._mapping)


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    visible_to: UUID | None = None,
    user_id: UUID | None = None,
    scope: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[ApiKey]:
    """Those not revoked; `visible_to`: only this user's."""
    c = api_keys.c
    query = select(*_SHOWN).where(
        c.organization_id == organization_id,
        c.revoked_at.is_(None),
        *equal({c.user_id: visible_to}),
        *equal({c.user_id: user_id, c.scope: scope}),
        *matching(search, c.name),
        *span.of(c.created_at),
    )
    found = await page(connection, query, request, SORTABLE, c.id)
    return found.map(lambda row: ApiKey(**{name: row._mapping[name] for name in ApiKey.__dataclass_fields__}))


async def revoke(connection: Connection, organization_id: UUID, key_id: UUID, now: datetime) -> None:
    await _revoke(connection, organization_id, api_keys.c.id == key_id, now)


async def revoke_all(connection: Connection, organization_id: UUID, user_id: UUID, now: datetime) -> None:
    await _revoke(connection, organization_id, api_keys.c.user_id == user_id, now)


async def _revoke(connection: Connection, organization_id: UUID, which: ColumnElement[bool], now: datetime) -> None:
    await connection.execute(
        update(api_keys)
        .where(api_keys.c.organization_id == organization_id, api_keys.c.revoked_at.is_(None), which)
        .values(revoked_at=now)
    )
