"""Sessions and their refresh tokens. A refresh token works once; using one again ends its session."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, Uuid, bindparam, select, tuple_, update

from voiceera.store.base import Connection, metadata
from voiceera.store.users import SHOWN, User, users
from voiceera.store.wire import Statement

sessions = Table(
    "sessions",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("address", Text),
    Column("user_agent", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", Text),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
)


@dataclass(frozen=True)
class Session:
    id: UUID
    address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True)
class RefreshToken:
    session_id: UUID
    expires_at: datetime
    used_at: datetime | None


def hashed(token: str) -> bytes:
    """Random tokens need no slow hash: there is nothing to guess."""
    return sha256(token.encode()).digest()


async def add(
    connection: Connection,
    organization_id: UUID,
    session_id: UUID,
    user_id: UUID,
    *,
    address: str | None,
    user_agent: str | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    await connection.execute(
        sessions.insert().values(
            organization_id=organization_id,
            id=session_id,
            user_id=user_id,
            address=address,
            user_agent=user_agent,
            created_at=now,
            last_used_at=now,
            expires_at=expires_at,
        )
    )


async def live_user(connection: Connection, organization_id: UUID, session_id: UUID, now: datetime) -> User | None:
    """Who is signed in by this session; None once it has ended or the user may not sign in any more."""
    rows = await _live_user().rows(connection, organization_id=organization_id, session_id=session_id, now=now)
    return User(**rows[0]) if rows else None


@cache
def _live_user() -> Statement:
    its_user = (sessions.c.organization_id == users.c.organization_id) & (sessions.c.user_id == users.c.id)
    return Statement(
        select(*SHOWN)
        .join(sessions, its_user)
        .where(
            sessions.c.organization_id == bindparam("organization_id"),
            sessions.c.id == bindparam("session_id"),
            sessions.c.ended_at.is_(None),
            sessions.c.expires_at > bindparam("now"),
            users.c.is_active,
            users.c.deleted_at.is_(None),
        )
    )


async def add_refresh_token(
    connection: Connection,
    organization_id: UUID,
    session_id: UUID,
    token: str,
    *,
    now: datetime,
    expires_at: datetime,
) -> None:
    await connection.execute(
        refresh_tokens.insert().values(
            organization_id=organization_id,
            token_hash=hashed(token),
            session_id=session_id,
            created_at=now,
            expires_at=expires_at,
        )
    )


async def use_refresh_token(connection: Connection, organization_id: UUID, token: str, now: datetime) -> UUID | None:
    """The session it belongs to, for the one request that gets to use it; None for everybody else."""
    session_id: UUID | None = await connection.scalar(
        update(refresh_tokens)
        .where(
            refresh_tokens.c.organization_id == organization_id,
            refresh_tokens.c.token_hash == hashed(token),
            refresh_tokens.c.used_at.is_(None),
            refresh_tokens.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(refresh_tokens.c.session_id)
    )
    return session_id


async def find_refresh_token(connection: Connection, organization_id: UUID, token: str) -> RefreshToken | None:
    row = (
        await connection.execute(
            select(refresh_tokens.c.session_id, refresh_tokens.c.expires_at, refresh_tokens.c.used_at).where(
                refresh_tokens.c.organization_id == organization_id, refresh_tokens.c.token_hash == hashed(token)
            )
        )
    ).one_or_none()
    return None if row is None else RefreshToken(**row._mapping)


async def extend(
    connection: Connection, organization_id: UUID, session_id: UUID, now: datetime, expires_at: datetime
) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.organization_id == organization_id, sessions.c.id == session_id)
        .values(last_used_at=now, expires_at=expires_at)
    )


async def end(connection: Connection, organization_id: UUID, session_id: UUID, why: str, now: datetime) -> None:
    await _end(connection, organization_id, sessions.c.id == session_id, why, now)


async def end_all(
    connection: Connection,
    organization_id: UUID,
    user_id: UUID,
    why: str,
    now: datetime,
    *,
    but: UUID | None = None,
) -> None:
    """End every session of a user, save `but`."""
    of_user = sessions.c.user_id == user_id
    await _end(connection, organization_id, of_user if but is None else of_user & (sessions.c.id != but), why, now)


async def _end(connection: Connection, organization_id: UUID, which: Any, why: str, now: datetime) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.organization_id == organization_id, sessions.c.ended_at.is_(None), which)
        .values(ended_at=now, ended_by=why)
    )


async def live_of(connection: Connection, found: Iterable[User], now: datetime) -> dict[UUID, list[Session]]:
    """The live sessions of these users, newest first. Needs the platform's scope when they are of several
    organizations."""
    c = sessions.c
    query = (
        select(c.user_id, c.id, c.address, c.user_agent, c.created_at, c.last_used_at)
        .where(
            tuple_(c.organization_id, c.user_id).in_([(user.organization_id, user.id) for user in found]),
            c.ended_at.is_(None),
            c.expires_at > now,
        )
        .order_by(c.created_at.desc())
    )
    live: dict[UUID, list[Session]] = {}
    for user_id, *values in await connection.execute(query):
        live.setdefault(user_id, []).append(Session(*values))
    return live


async def forget(connection: Connection, organization_id: UUID, user_id: UUID) -> None:
    """Remove where a person signed in from; the sessions stay for the audit."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.organization_id == organization_id, sessions.c.user_id == user_id)
        .values(address=None, user_agent=None)
    )
