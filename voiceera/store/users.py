"""Users, and the directory that finds one by e-mail before the organization is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Table, Text, Uuid, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from voiceera.errors import Conflict
from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page

users = Table(
    "users",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("email", Text),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("is_active", Boolean, nullable=False),
    Column("last_login_at", DateTime(timezone=True)),
    Column("last_address", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)

logins = Table(
    "logins",
    metadata,
    Column("email", Text, primary_key=True),
    Column("organization_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
)


@dataclass(frozen=True)
class User:
    id: UUID
    organization_id: UUID
    email: str
    first_name: str
    last_name: str
    role: str
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True)
class Login:
    """What sign-in needs. `password_hash` is None for a user who has never set one."""

    user: User
    password_hash: str | None


SHOWN = tuple(users.c[name] for name in User.__dataclass_fields__)
SORTABLE = {
    name: users.c[name]
    for name in ("created_at", "email", "first_name", "last_name", "role", "is_active", "last_login_at")
}

_ADMINISTRATORS_LOCK = 0x61646D696E
"""Any constant that nobody else in this database uses: "admin"."""


def normalized_email(email: str) -> str:
    """The directory's spelling: one person for one address, in whatever case it is typed."""
    return email.strip().lower()


async def add(connection: Connection, user: User, password_hash: str | None) -> None:
    """A new user. Raises Conflict when somebody has the address. Needs the platform's scope."""
    await connection.execute(
        users.insert().values(
            organization_id=user.organization_id,
            id=user.id,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            role=user.role,
            password_hash=password_hash,
            is_active=user.is_active,
            created_at=user.created_at,
            updated_at=user.created_at,
        )
    )
    await take_address(connection, user.organization_id, user.id, user.email)


async def take_address(connection: Connection, organization_id: UUID, user_id: UUID, email: str) -> None:
    """Enter an address into the directory. Raises Conflict when somebody has it. Needs the platform's scope."""
    taken = await connection.execute(
        insert(logins)
        .values(email=normalized_email(email), organization_id=organization_id, user_id=user_id)
        .on_conflict_do_nothing()
    )
    if taken.rowcount != 1:
        raise Conflict("USER_002", "A user with this e-mail address exists.")


async def free_address(connection: Connection, user_id: UUID) -> None:
    """Needs the platform's scope."""
    await connection.execute(delete(logins).where(logins.c.user_id == user_id))


async def find_login(connection: Connection, email: str) -> Login | None:
    """By e-mail, over all organizations; deactivated users too. Needs the platform's scope."""
    row = (
        await connection.execute(
            select(*SHOWN, users.c.password_hash)
            .join(logins, (logins.c.organization_id == users.c.organization_id) & (logins.c.user_id == users.c.id))
            .where(logins.c.email == normalized_email(email), users.c.deleted_at.is_(None))
        )
    ).one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = dict(row._mapping)
    return Login(password_hash=values.pop("password_hash"), user=User(**values))


async def organization_of(connection: Connection, user_id: UUID) -> UUID | None:
    """Whose user this is, for administrators. Needs the platform's scope."""
    return await connection.scalar(select(logins.c.organization_id).where(logins.c.user_id == user_id))


async def get(connection: Connection, organization_id: UUID, user_id: UUID, *, lock: bool = False) -> User | None:
    """None for one that was deleted, too. `lock`: until the transaction ends."""
    query = select(*SHOWN).where(
        users.c.organization_id == organization_id, users.c.id == user_id, users.c.deleted_at.is_(None)
    )
    if lock:
        query = query.with_for_update(key_share=True)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else User(**row._mapping)


async def has_address(connection: Connection, organization_id: UUID, email: str) -> bool:
    """Whether somebody in this organization has the address."""
    found = await connection.scalar(
        select(logins.c.user_id).where(
            logins.c.organization_id == organization_id, logins.c.email == normalized_email(email)
        )
    )
    return found is not None


async def password_hash_of(connection: Connection, organization_id: UUID, user_id: UUID) -> str | None:
    return await connection.scalar(
        select(users.c.password_hash).where(users.c.organization_id == organization_id, users.c.id == user_id)
    )


async def change(connection: Connection, organization_id: UUID, user_id: UUID, now: datetime, **values: Any) -> None:
    await connection.execute(
        update(users)
        .where(users.c.organization_id == organization_id, users.c.id == user_id)
        .values(updated_at=now, **values)
    )


async def note_login(
    connection: Connection, organization_id: UUID, user_id: UUID, address: str | None, now: datetime
) -> None:
    await connection.execute(
        update(users)
        .where(users.c.organization_id == organization_id, users.c.id == user_id)
        .values(last_login_at=now, last_address=address)
    )


async def find(
    connection: Connection,
    organization_id: UUID | None,
    request: PageRequest,
    *,
    is_active: bool | None = None,
    role: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[User]:
    """The users of one organization; of all, without one, which needs the platform's scope."""
    c = users.c
    query = select(*SHOWN).where(
        c.deleted_at.is_(None),
        *equal({c.organization_id: organization_id, c.is_active: is_active, c.role: role}),
        *matching(search, c.email, c.first_name, c.last_name, c.first_name + " " + c.last_name),
        *span.of(c.created_at),
    )
    found = await page(connection, query, request, SORTABLE, c.id)
    return found.map(lambda row: User(**{name: row._mapping[name] for name in User.__dataclass_fields__}))


async def last_addresses(connection: Connection, found: Iterable[User]) -> dict[UUID, str | None]:
    """Where these users signed in from last. Needs the platform's scope when they are of several organizations."""
    keys = [(user.organization_id, user.id) for user in found]
    query = select(users.c.id, users.c.last_address).where(tuple_(users.c.organization_id, users.c.id).in_(keys))
    return {row.id: row.last_address for row in await connection.execute(query)}


async def count_active(connection: Connection, organization_id: UUID, roles: Iterable[str]) -> int:
    """How many of these roles may sign in."""
    count = await connection.scalar(
        select(func.count())
        .select_from(users)
        .where(
            users.c.organization_id == organization_id,
            users.c.role.in_(roles),
            users.c.is_active,
            users.c.deleted_at.is_(None),
        )
    )
    return count or 0


async def active_of(connection: Connection, organization_id: UUID, roles: Iterable[str]) -> list[User]:
    """Those of these roles who may sign in."""
    query = select(*SHOWN).where(
        users.c.organization_id == organization_id,
        users.c.role.in_(roles),
        users.c.is_active,
        users.c.deleted_at.is_(None),
    )
    return [User(**row._mapping) for row in await connection.execute(query)]


async def lock_administrators(connection: Connection) -> None:
    """Until the transaction ends, nobody else decides who administers the platform."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADMINISTRATORS_LOCK})


async def count_administrators(connection: Connection) -> int:
    """Who may sign in and administer, over all organizations. Needs the platform's scope."""
    count = await connection.scalar(
        select(func.count())
        .select_from(users)
        .where(users.c.role == "admin", users.c.is_active, users.c.deleted_at.is_(None))
    )
    return count or 0


async def forget(connection: Connection, organization_id: UUID, user_id: UUID, now: datetime) -> None:
    """Remove the person: name, address, password, whereabouts. The row stays for what refers to it. Needs the
    platform's scope."""
    await free_address(connection, user_id)
    await change(
        connection,
        organization_id,
        user_id,
        now,
        email=None,
        first_name="",
        last_name="",
        password_hash=None,
        last_address=None,
        is_active=False,
        deleted_at=now,
    )
