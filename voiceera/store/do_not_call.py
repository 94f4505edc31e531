"""Numbers that must not be rung: by anybody in the organization, or for one campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from voiceera.ids import new_id
from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page

_ID = sa.Uuid()

do_not_call = sa.Table(
    "do_not_call",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign_id", _ID),
    sa.Column("phone_number", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("call_id", _ID),
    sa.Column("upload_id", _ID),
    sa.Column("created_by", _ID),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
)


class Source(StrEnum):
    """How a number came onto a list: they said so in a call, somebody added it, a file held it."""

    CALL = "call"
    ADDED = "added"
    IMPORTED = "imported"


@dataclass(frozen=True)
class Entry:
    """`campaign_id` None: nobody in the organization rings the number."""

    id: UUID
    organization_id: UUID
    campaign_id: UUID | None
    phone_number: str
    source: Source
    reason: str
    call_id: UUID | None
    upload_id: UUID | None
    created_by: UUID | None
    created_at: datetime


SORTABLE: dict[str, sa.ColumnElement[Any]] = {
    name: do_not_call.c[name] for name in ("created_at", "phone_number", "source")
}
_SHOWN = tuple(do_not_call.c[name] for name in Entry.__dataclass_fields__)


def _entry(row: Any) -> Entry:
    values = dict(zip(Entry.__dataclass_fields__, row, strict=False))
    return Entry(**values | {"source": Source(values["source"])})


async def add(
    connection: Connection,
    organization_id: UUID,
    phone_number: str,
    *,
    reason: str,
    now: datetime,
    call_id: UUID | None = None,
) -> None:
    """Never ring this number again, whoever asks; the first reason given stands."""
    new = [(phone_number, reason)]
    await add_all(connection, organization_id, new, source=Source.CALL, now=now, call_id=call_id)


_ADD = sa.text("""
    INSERT INTO do_not_call (organization_id, id, campaign_id, phone_number, source, reason, call_id, upload_id,
                             created_by, created_at)
    SELECT :organization_id, n.id, :campaign_id, n.number, :source, n.reason, :call_id, :upload_id, :created_by, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:reasons AS text[])) AS n (id, number, reason)
    ON CONFLICT (organization_id, phone_number, campaign_id) DO NOTHING
""").bindparams(
    *(
        sa.bindparam(name, type_=_ID)
        for name in ("organization_id", "campaign_id", "call_id", "upload_id", "created_by")
    )
)


async def add_all(
    connection: Connection,
    organization_id: UUID,
    numbers: Sequence[tuple[str, str]],
    *,
    source: Source,
    now: datetime,
    campaign_id: UUID | None = None,
    call_id: UUID | None = None,
    upload_id: UUID | None = None,
    created_by: UUID | None = None,
) -> int:
    """(number, reason) of each; how many were not on that list yet."""
    if not numbers:
        return 0
    added = await connection.execute(
        _ADD,
        {
            "organization_id": organization_id,
            "campaign_id": campaign_id,
            "source": source,
            "call_id": call_id,
            "upload_id": upload_id,
            "created_by": created_by,
            "now": now,
            "ids": [new_id() for _ in numbers],
            "numbers": [number for number, _ in numbers],
            "reasons": [reason for _, reason in numbers],
        },
    )
    return added.rowcount


# ── asked before a dial ──────────────────────────────────────────────────────────────────────────────────────────

Listed = Mapping[str, frozenset[UUID | None]]
"""Number → the campaigns whose lists hold it, None among them for the organization's."""


async def listed(connection: Connection, organization_id: UUID, phone_numbers: Sequence[str]) -> Listed:
    """Those of the numbers that are on any list."""
    c = do_not_call.c
    asked = c.phone_number == sa.any_(sa.literal(list(phone_numbers), ARRAY(sa.Text)))
    rows = await connection.execute(
        sa.select(c.phone_number, sa.func.array_agg(c.campaign_id))
        .where(c.organization_id == organization_id, asked)
        .group_by(c.phone_number)
    )
    return {number: frozenset(lists) for number, lists in rows}


def forbids(listed: Listed, phone_number: str, campaign_id: UUID | None) -> bool:
    """Whether a call to the number, for the campaign or (None) by itself, must not be made."""
    lists = listed.get(phone_number, frozenset())
    return None in lists or (campaign_id is not None and campaign_id in lists)


async def lists(connection: Connection, organization_id: UUID, phone_number: str) -> bool:
    """Whether the organization's own list holds the number."""
    return forbids(await listed(connection, organization_id, [phone_number]), phone_number, None)


# ── looked at and changed by people ──────────────────────────────────────────────────────────────────────────────


async def get(connection: Connection, organization_id: UUID, entry_id: UUID) -> Entry | None:
    c = do_not_call.c
    query = sa.select(*_SHOWN).where(c.organization_id == organization_id, c.id == entry_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _entry(row)


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    campaign_id: UUID | None = None,
    phone_number: str | None = None,
    source: Source | None = None,
    upload_id: UUID | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Entry]:
    """`campaign_id`: that campaign's list alone. `search` matches reasons."""
    c = do_not_call.c
    query = sa.select(*_SHOWN).where(
        c.organization_id == organization_id,
        *equal({c.campaign_id: campaign_id, c.upload_id: upload_id}),
        *equal({c.phone_number: phone_number, c.source: source}),
        *matching(search, c.reason),
        *span.of(c.created_at),
    )
    return (await page(connection, query, request, SORTABLE, c.id)).map(_entry)


async def of_number(connection: Connection, organization_id: UUID, phone_number: str) -> list[Entry]:
    c = do_not_call.c
    query = sa.select(*_SHOWN).where(c.organization_id == organization_id, c.phone_number == phone_number)
    return [_entry(row) for row in await connection.execute(query.order_by(c.created_at, c.id))]


async def after(
    connection: Connection, organization_id: UUID, campaign_id: UUID | None, last: UUID | None, limit: int
) -> list[Entry]:
    """Entries in the order of their ids, past `last`; with a campaign, of its list alone."""
    c = do_not_call.c
    query = sa.select(*_SHOWN).where(c.organization_id == organization_id, *equal({c.campaign_id: campaign_id}))
    query = query if last is None else query.where(c.id > last)
    return [_entry(row) for row in await connection.execute(query.order_by(c.id).limit(limit))]


async def known(
    connection: Connection, organization_id: UUID, campaign_id: UUID | None, numbers: Sequence[str]
) -> set[str]:
    """Those of `numbers` that are on that very list."""
    found = await listed(connection, organization_id, numbers)
    return {number for number, lists in found.items() if campaign_id in lists}


async def remove(connection: Connection, entry: Entry) -> None:
    c = do_not_call.c
    is_it = (c.organization_id == entry.organization_id) & (c.id == entry.id)
    await connection.execute(sa.delete(do_not_call).where(is_it))


async def remove_upload(connection: Connection, organization_id: UUID, upload_id: UUID) -> int:
    """Take off what a file brought in; how many there were."""
    c = do_not_call.c
    is_its = (c.organization_id == organization_id) & (c.upload_id == upload_id)
    return (await connection.execute(sa.delete(do_not_call).where(is_its))).rowcount
