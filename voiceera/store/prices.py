"""An organization's own price list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from voiceera.rules.costs import Part, Price, Unit
from voiceera.store.base import Connection, metadata
from voiceera.store.conflicts import conflict_on
from voiceera.store.filters import Span
from voiceera.store.page import Page, PageRequest, page

_WHEN = TIMESTAMP(timezone=True)

prices = sa.Table(
    "prices",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("part", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("price", sa.Numeric(18, 9), nullable=False),
    sa.Column("per", sa.Numeric(18, 6), nullable=False),
    sa.Column("increment", sa.Numeric(18, 6), nullable=False),
    sa.Column("created_by", sa.Uuid),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("updated_at", _WHEN, nullable=False),
)


@dataclass(frozen=True)
class Listed:
    """A line of the list."""

    organization_id: UUID
    id: UUID
    part: Part
    provider: str
    model: str
    unit: Unit
    price: Decimal
    per: Decimal
    increment: Decimal
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


SORTABLE = {name: prices.c[name] for name in ("created_at", "updated_at", "part", "provider")}


def _listed(row: Any) -> Listed:
    values = {name: row._mapping[name] for name in Listed.__dataclass_fields__}
    return Listed(**values | {"part": Part(values["part"]), "unit": Unit(values["unit"])})


def _is(organization_id: UUID, price_id: UUID) -> sa.ColumnElement[bool]:
    return (prices.c.organization_id == organization_id) & (prices.c.id == price_id)


async def every(connection: Connection, organization_id: UUID) -> Sequence[Price]:
    found = await connection.execute(sa.select(prices).where(prices.c.organization_id == organization_id))
    of = (_listed(row) for row in found)
    return [
        Price(each.part, each.provider, each.model, each.unit, each.price, each.per, each.increment) for each in of
    ]


async def get(connection: Connection, organization_id: UUID, price_id: UUID, *, hold: bool = False) -> Listed | None:
    statement = sa.select(prices).where(_is(organization_id, price_id))
    row = (await connection.execute(statement.with_for_update() if hold else statement)).one_or_none()
    return _listed(row) if row else None


async def find(
    connection: Connection, organization_id: UUID, request: PageRequest, *, part: Part | None, span: Span
) -> Page[Listed]:
    query = sa.select(prices).where(prices.c.organization_id == organization_id, *span.of(prices.c.created_at))
    if part is not None:
        query = query.where(prices.c.part == part)
    return (await page(connection, query, request, SORTABLE, prices.c.id)).map(_listed)


async def add(connection: Connection, listed: Listed) -> None:
    """Raises Conflict for a price that is there already."""
    with _once():
        await connection.execute(sa.insert(prices).values(**vars(listed)))


async def change(connection: Connection, organization_id: UUID, price_id: UUID, **values: Any) -> None:
    with _once():
        await connection.execute(sa.update(prices).where(_is(organization_id, price_id)).values(**values))


def _once() -> Any:
    return conflict_on("prices_of_what", "PRICE_002", "There is a price for this already: change that one.")


async def remove(connection: Connection, organization_id: UUID, price_id: UUID) -> None:
    await connection.execute(sa.delete(prices).where(_is(organization_id, price_id)))
