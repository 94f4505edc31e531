"""What an organization, a campaign and an agent have spent on calls, and put aside for open ones."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from voiceera.rules.spending import ORGANIZATION, Purse
from voiceera.store.base import Connection, metadata

purses = sa.Table(
    "purses",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("spent", sa.Numeric(14, 5), nullable=False),
    sa.Column("reserved", sa.Numeric(14, 5), nullable=False),
)


async def hold(connection: Connection, organization_id: UUID, keys: Sequence[str]) -> dict[str, Purse]:
    """The purses, locked until the transaction ends. Whoever holds one holds the organization's own row first: one
    transaction at a time counts its money. After attempts, before contacts."""
    p = purses.c
    first = sa.select(p.key).where(p.organization_id == organization_id, p.key == ORGANIZATION).with_for_update()
    if (await connection.execute(first)).first() is None:
        await _open(connection, organization_id, [ORGANIZATION])
        await connection.execute(first)
    wanted = set(keys)
    found = sa.select(p.key, p.spent, p.reserved).where(p.organization_id == organization_id, p.key.in_(wanted))
    held = {row.key: Purse(row.spent, row.reserved) for row in await connection.execute(found)}
    if len(held) < len(wanted):
        await _open(connection, organization_id, sorted(wanted - held.keys()))
    return dict.fromkeys(wanted, Purse()) | held


async def _open(connection: Connection, organization_id: UUID, keys: Sequence[str]) -> None:
    rows = [{"organization_id": organization_id, "key": key, "spent": 0, "reserved": 0} for key in keys]
    await connection.execute(insert(purses).values(rows).on_conflict_do_nothing())


async def add(connection: Connection, organization_id: UUID, changes: Mapping[str, Purse]) -> None:
    """Add to held purses; a purse's fields may be negative here."""
    if not changes:
        return
    statement = sa.text("""
        UPDATE purses SET spent = purses.spent + n.spent, reserved = purses.reserved + n.reserved
        FROM unnest(CAST(:keys AS text[]), :spent, :reserved) AS n (key, spent, reserved)
        WHERE purses.organization_id = :organization_id AND purses.key = n.key
    """).bindparams(
        sa.bindparam("organization_id", type_=sa.Uuid()),
        sa.bindparam("spent", type_=ARRAY(sa.Numeric(14, 5))),
        sa.bindparam("reserved", type_=ARRAY(sa.Numeric(14, 5))),
    )
    given: list[tuple[str, Decimal, Decimal]] = [(key, each.spent, each.reserved) for key, each in changes.items()]
    keys, spent, reserved = (list(column) for column in zip(*given, strict=True))
    parameters = {"organization_id": organization_id, "keys": keys, "spent": spent, "reserved": reserved}
    await connection.execute(statement, parameters)
