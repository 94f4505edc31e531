"""Attempts of which nobody knows whether they rang (`unknown_final`), and what people found out about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from voiceera.store.attempts import attempts
from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page

attempt_reviews = sa.Table(
    "attempt_reviews",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("attempt_id", sa.Uuid, primary_key=True),
    sa.Column("rang", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("redialled", sa.Boolean, nullable=False),
    sa.Column("reviewed_by", sa.Uuid),
    sa.Column("reviewed_at", TIMESTAMP(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class UnknownAttempt:
    """`rang` and what follows it: None until somebody has looked into it."""

    id: UUID
    campaign_id: UUID | None
    contact_id: UUID | None
    phone_number: str
    caller_id: str | None
    provider: str | None
    carrier_call_id: str | None
    reason: str | None
    dialed_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    rang: bool | None
    note: str | None
    redialled: bool | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.reviewed_at is None


_REVIEWED = ("rang", "note", "redialled", "reviewed_by", "reviewed_at")
_SHOWN = tuple(
    (attempt_reviews if name in _REVIEWED else attempts).c[name] for name in UnknownAttempt.__dataclass_fields__
)
SORTABLE: dict[str, sa.ColumnElement[Any]] = {
    "created_at": attempts.c.created_at,
    "phone_number": attempts.c.phone_number,
    "reviewed_at": attempt_reviews.c.reviewed_at,
}


def _unknown(organization_id: UUID) -> sa.Select[Any]:
    is_its = attempt_reviews.c.organization_id == organization_id
    joined = attempts.outerjoin(attempt_reviews, is_its & (attempt_reviews.c.attempt_id == attempts.c.id))
    # In the partial index's own words.
    is_unknown = sa.literal_column("attempts.state = 'unknown_final'", sa.Boolean())
    return sa.select(*_SHOWN).select_from(joined).where(attempts.c.organization_id == organization_id, is_unknown)


async def get(connection: Connection, organization_id: UUID, attempt_id: UUID) -> UnknownAttempt | None:
    row = (await connection.execute(_unknown(organization_id).where(attempts.c.id == attempt_id))).one_or_none()
    return None if row is None else UnknownAttempt(*row)


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    is_open: bool | None = None,
    campaign_id: UUID | None = None,
    phone_number: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[UnknownAttempt]:
    a, reviewed_at = attempts.c, attempt_reviews.c.reviewed_at
    query = _unknown(organization_id).where(
        *equal({a.campaign_id: campaign_id}),
        *equal({a.phone_number: phone_number}),
        *span.of(a.created_at),
        *matching(search, attempt_reviews.c.note),
    )
    if is_open is not None:
        query = query.where(reviewed_at.is_(None) if is_open else reviewed_at.is_not(None))
    found = await page(connection, query, request, SORTABLE, a.id)
    return found.map(lambda row: UnknownAttempt(*row[: len(_SHOWN)]))


async def add(
    connection: Connection,
    organization_id: UUID,
    attempt_id: UUID,
    *,
    rang: bool,
    note: str,
    redialled: bool,
    reviewed_by: UUID | None,
    now: datetime,
) -> None:
    row = {"rang": rang, "note": note, "redialled": redialled, "reviewed_by": reviewed_by, "reviewed_at": now}
    await connection.execute(
        sa.insert(attempt_reviews).values(organization_id=organization_id, attempt_id=attempt_id, **row)
    )
