"""Forgotten passwords: who asked for a new one, and the tokens that let them choose it, each once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, Uuid, delete, select

from voiceera import ids
from voiceera.store import jobs
from voiceera.store.base import Connection, metadata
from voiceera.store.jobs import DueRow
from voiceera.store.sessions import hashed

reset_requests = Table(
    "reset_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("address", Text),
    Column("request_id", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

reset_tokens = Table(
    "reset_tokens",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

JOB = "reset_request"
NOBODY = UUID(int=0)
"""The organization of a request: whose it is, nobody has looked up yet."""


@dataclass(frozen=True)
class ResetRequest:
    email: str
    address: str | None
    request_id: str | None


async def ask(connection: Connection, request: ResetRequest, now: datetime) -> None:
    """Write down that somebody asked, known or not. Needs the platform's scope."""
    row_id = ids.new_id()
    await connection.execute(
        reset_requests.insert().values(
            id=row_id, email=request.email, address=request.address, request_id=request.request_id, created_at=now
        )
    )
    await jobs.enqueue(connection, JOB, NOBODY, row_id, now)


async def take(connection: Connection, row_id: UUID) -> ResetRequest | None:
    """A request, out of the table, for whoever commits first. Needs the platform's scope."""
    row = (
        await connection.execute(
            delete(reset_requests)
            .where(reset_requests.c.id == row_id)
            .returning(*(reset_requests.c[name] for name in ResetRequest.__dataclass_fields__))
        )
    ).one_or_none()
    return None if row is None else ResetRequest(**row._mapping)


async def due(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Needs the platform's scope."""
    query = (
        select(reset_requests.c.id, reset_requests.c.created_at)
        .where(reset_requests.c.created_at <= now)
        .order_by(reset_requests.c.created_at)
        .limit(limit)
    )
    return [DueRow(NOBODY, *row) for row in await connection.execute(query)]


async def add_token(
    connection: Connection, organization_id: UUID, user_id: UUID, token: str, now: datetime, expires_at: datetime
) -> None:
    await connection.execute(
        reset_tokens.insert().values(
            organization_id=organization_id,
            token_hash=hashed(token),
            user_id=user_id,
            created_at=now,
            expires_at=expires_at,
        )
    )


async def is_good(connection: Connection, organization_id: UUID, token: str, now: datetime) -> bool:
    found = await connection.scalar(
        select(reset_tokens.c.user_id).where(
            reset_tokens.c.organization_id == organization_id,
            reset_tokens.c.token_hash == hashed(token),
            reset_tokens.c.expires_at > now,
        )
    )
    return found is not None


async def use_token(connection: Connection, organization_id: UUID, token: str, now: datetime) -> UUID | None:
    """Whose it is, for the one request that gets to use it; None for everybody else."""
    user_id: UUID | None = await connection.scalar(
        delete(reset_tokens)
        .where(
            reset_tokens.c.organization_id == organization_id,
            reset_tokens.c.token_hash == hashed(token),
            reset_tokens.c.expires_at > now,
        )
        .returning(reset_tokens.c.user_id)
    )
    return user_id


async def forget(connection: Connection, organization_id: UUID, user_id: UUID) -> None:
    """No link that is under way lets anybody in any more."""
    await connection.execute(
        delete(reset_tokens).where(
            reset_tokens.c.organization_id == organization_id, reset_tokens.c.user_id == user_id
        )
    )
