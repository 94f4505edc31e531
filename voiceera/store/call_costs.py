"""The ledger: what each call used of whom, and what that cost. Deleted with the call."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.rules.costs import Entry
from voiceera.store.base import Connection, metadata

call_costs = sa.Table(
    "call_costs",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("call_id", sa.Uuid, primary_key=True),
    sa.Column("part", sa.Text, primary_key=True),
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("quantity", sa.Numeric(18, 6), nullable=False),
    sa.Column("billed", sa.Numeric(18, 6), nullable=False),
    sa.Column("amount", sa.Numeric(18, 6)),
)


def _of(organization_id: UUID, call_id: UUID) -> sa.ColumnElement[bool]:
    return (call_costs.c.organization_id == organization_id) & (call_costs.c.call_id == call_id)


async def put(connection: Connection, organization_id: UUID, call_id: UUID, entries: Sequence[Entry]) -> None:
    """In place of what was known before."""
    await connection.execute(sa.delete(call_costs).where(_of(organization_id, call_id)))
    whose = {"organization_id": organization_id, "call_id": call_id}
    rows = [whose | vars(each.use) | {"billed": each.billed, "amount": each.amount} for each in entries]
    if rows:
        await connection.execute(sa.insert(call_costs), rows)


async def of_call(connection: Connection, organization_id: UUID, call_id: UUID) -> Sequence[sa.Row[Any]]:
    order = call_costs.c.part, call_costs.c.provider, call_costs.c.model, call_costs.c.unit
    return (
        await connection.execute(sa.select(call_costs).where(_of(organization_id, call_id)).order_by(*order))
    ).all()
