"""The operators' own recordings of what their agents say: FLAC, mono, 16 kHz."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from voiceera.store.base import Connection, metadata
from voiceera.store.conflicts import conflict_on
from voiceera.store.filters import Span, matching
from voiceera.store.page import Page, PageRequest, page

prompts = sa.Table(
    "prompts",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("duration_seconds", sa.REAL, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("sound", sa.LargeBinary, nullable=False),
    sa.Column("created_by", sa.Uuid),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class Prompt:
    organization_id: UUID
    id: UUID
    name: str
    description: str
    duration_seconds: float
    sha256: str
    created_by: UUID | None
    created_at: datetime


_COLUMNS = [prompts.c[field.name] for field in fields(Prompt)]


def _prompt(row: sa.Row[Any]) -> Prompt:
    return Prompt(**{field.name: row._mapping[field.name] for field in fields(Prompt)})


SORTABLE = {name: prompts.c[name] for name in ("created_at", "name", "duration_seconds")}


def _is(organization_id: UUID, prompt_id: UUID) -> sa.ColumnElement[bool]:
    return (prompts.c.organization_id == organization_id) & (prompts.c.id == prompt_id)


async def add(connection: Connection, prompt: Prompt, sound: bytes) -> None:
    """Raises Conflict for a name that is taken."""
    taken = "There is a recording of this name: delete it first, or choose another."
    with conflict_on("prompts_by_name", "PROMPT_002", taken):
        await connection.execute(sa.insert(prompts).values(**vars(prompt), sound=sound))


async def get(connection: Connection, organization_id: UUID, prompt_id: UUID) -> Prompt | None:
    row = (await connection.execute(sa.select(*_COLUMNS).where(_is(organization_id, prompt_id)))).one_or_none()
    return _prompt(row) if row else None


async def sound(connection: Connection, organization_id: UUID, prompt_id: UUID) -> bytes | None:
    found: bytes | None = await connection.scalar(sa.select(prompts.c.sound).where(_is(organization_id, prompt_id)))
    return found


async def named(connection: Connection, organization_id: UUID, name: str) -> tuple[str, bytes] | None:
    """(SHA-256, sound) of the one of this name."""
    statement = sa.select(prompts.c.sha256, prompts.c.sound)
    of = prompts.c.organization_id == organization_id, prompts.c.name == name
    row = (await connection.execute(statement.where(*of))).one_or_none()
    return (row.sha256, row.sound) if row else None


async def unknown(connection: Connection, organization_id: UUID, names: Sequence[str]) -> list[str]:
    """Those of the names that there is no recording of."""
    if not names:
        return []
    c = prompts.c
    statement = sa.select(c.name).where(
        c.organization_id == organization_id, c.name == sa.any_(sa.literal(list(names), ARRAY(sa.Text)))
    )
    known = set((await connection.execute(statement)).scalars())
    return [name for name in dict.fromkeys(names) if name not in known]


async def find(
    connection: Connection, organization_id: UUID, request: PageRequest, *, search: str | None, span: Span
) -> Page[Prompt]:
    c = prompts.c
    query = sa.select(*_COLUMNS).where(c.organization_id == organization_id, *span.of(c.created_at))
    query = query.where(*matching(search, c.name, c.description))
    return (await page(connection, query, request, SORTABLE, c.id)).map(_prompt)


async def remove(connection: Connection, organization_id: UUID, prompt_id: UUID) -> None:
    await connection.execute(sa.delete(prompts).where(_is(organization_id, prompt_id)))
