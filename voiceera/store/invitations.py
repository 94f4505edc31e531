"""Invitations to join an organization: by e-mail, for a role, good once and for a while."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, Uuid, func, select, update

from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.sessions import hashed
from voiceera.store.users import normalized_email

invitations = Table(
    "invitations",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("email", Text),
    Column("role", Text, nullable=False),
    Column("token_hash", LargeBinary),
    Column("invited_by", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("user_id", Uuid),
)


@dataclass(frozen=True)
class Invitation:
    organization_id: UUID
    id: UUID
    email: str
    role: str
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


_SHOWN = tuple(invitations.c[name] for name in Invitation.__dataclass_fields__)
SORTABLE = {name: invitations.c[name] for name in ("created_at", "expires_at", "email", "role")}


async def add(connection: Connection, invitation: Invitation) -> None:
    """One that is open for the same address ends."""
    c = invitations.c
    await connection.execute(
        update(invitations)
        .where(
            c.organization_id == invitation.organization_id,
            func.lower(c.email) == normalized_email(invitation.email),
            c.ended_at.is_(None),
        )
        .values(ended_at=invitation.created_at, email=None, token_hash=None)
    )
    await connection.execute(invitations.insert().values(**invitation.__dict__))


async def get(connection: Connection, organization_id: UUID, invitation_id: UUID) -> Invitation | None:
    """One that is open: neither accepted nor withdrawn. It may have expired."""
    row = (
        await connection.execute(
            select(*_SHOWN).where(
                invitations.c.organization_id == organization_id,
                invitations.c.id == invitation_id,
                invitations.c.ended_at.is_(None),
            )
        )
    ).one_or_none()
    return None if row is None else Invitation(**row._mapping)


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    now: datetime,
    status: str | None = None,
    role: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Invitation]:
    """The open ones; `status`: pending or expired."""
    c = invitations.c
    query = select(*_SHOWN).where(
        c.organization_id == organization_id,
        c.ended_at.is_(None),
        *equal({c.role: role}),
        *matching(search, c.email),
        *span.of(c.created_at),
    )
    if status is not None:
        query = query.where(c.expires_at > now if status == "pending" else c.expires_at <= now)
    found = await page(connection, query, request, SORTABLE, c.id)
    return found.map(lambda row: Invitation(**{name: row._mapping[name] for name in Invitation.__dataclass_fields__}))


async def set_token(connection: Connection, organization_id: UUID, invitation_id: UUID, token: str) -> None:
    await connection.execute(
        update(invitations)
        .where(invitations.c.organization_id == organization_id, invitations.c.id == invitation_id)
        .values(token_hash=hashed(token))
    )


async def by_token(connection: Connection, organization_id: UUID, token: str, now: datetime) -> Invitation | None:
    """An open one that has not expired."""
    row = (
        await connection.execute(
            select(*_SHOWN).where(
                invitations.c.organization_id == organization_id,
                invitations.c.token_hash == hashed(token),
                invitations.c.ended_at.is_(None),
                invitations.c.expires_at > now,
            )
        )
    ).one_or_none()
    return None if row is None else Invitation(**row._mapping)


async def end(
    connection: Connection, organization_id: UUID, invitation_id: UUID, now: datetime, *, user_id: UUID | None = None
) -> bool:
    """Accepted by `user_id`, or withdrawn; whether it was ours to end. The address goes."""
    ended = await connection.execute(
        update(invitations)
        .where(
            invitations.c.organization_id == organization_id,
            invitations.c.id == invitation_id,
            invitations.c.ended_at.is_(None),
        )
        .values(ended_at=now, user_id=user_id, email=None, token_hash=None)
    )
    return ended.rowcount == 1
