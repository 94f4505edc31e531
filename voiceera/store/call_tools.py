"""What was done in a call besides talking, and what its vendors counted. Deleted with the call."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from voiceera.rules.calls import ToolUse
from voiceera.store.base import Connection, metadata

call_tools = sa.Table(
    "call_tools",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("call_id", sa.Uuid, primary_key=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("worked", sa.Boolean, nullable=False),
    sa.Column("at_ms", sa.Integer, nullable=False),
    sa.Column("took_ms", sa.Integer, nullable=False),
)

call_usage = sa.Table(
    "call_usage",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("call_id", sa.Uuid, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
)


async def put(
    connection: Connection, organization_id: UUID, call_id: UUID, uses: Sequence[ToolUse], usage: Mapping[str, int]
) -> None:
    """Told twice, it changes nothing."""
    whose = {"organization_id": organization_id, "call_id": call_id}
    tools = [whose | {"index": index} | _storable(asdict(use)) for index, use in enumerate(uses)]
    counted = [whose | {"unit": unit, "amount": amount} for unit, amount in usage.items()]
    for table, rows in ((call_tools, tools), (call_usage, counted)):
        if rows:
            await connection.execute(insert(table).values(rows).on_conflict_do_nothing())


def _storable(values: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL's text holds no NUL, and UTF-8 no half of a pair; a model may write either."""
    return {
        name: value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in values.items()
    }


async def uses(connection: Connection, organization_id: UUID, call_id: UUID) -> Sequence[sa.Row[Any]]:
    """In the order in which they were used."""
    wanted = (call_tools.c.organization_id == organization_id, call_tools.c.call_id == call_id)
    return (await connection.execute(sa.select(call_tools).where(*wanted).order_by(call_tools.c.index))).all()


async def usage(connection: Connection, organization_id: UUID, call_id: UUID) -> dict[str, int]:
    wanted = (call_usage.c.organization_id == organization_id, call_usage.c.call_id == call_id)
    rows = await connection.execute(sa.select(call_usage.c.unit, call_usage.c.amount).where(*wanted))
    return {row.unit: row.amount for row in rows}
