"""Many rows by one statement: whoever works in slices pays for a round trip and a plan once, not once a row."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from voiceera.store.base import Connection

Rows = Sequence[Mapping[str, Any]]
"""One organization's; every row has the same columns, without its organization_id. Columns that hold arrays
themselves cannot be written like this."""


async def insert_all(connection: Connection, table: sa.Table, organization_id: UUID, rows: Rows) -> None:
    if rows:
        given = {"organization_id": organization_id} | _columns(table, rows)
        await connection.execute(_insert(table, tuple(rows[0])), given)


async def update_all(
    connection: Connection, table: sa.Table, organization_id: UUID, rows: Rows, *, returning: str = "true"
) -> Sequence[sa.Row[Any]]:
    """Each row names its id; its other columns are written. Answers what `returning`, SQL which knows
    :organization_id, says of each row that was there."""
    if not rows:
        return []
    given = {"organization_id": organization_id} | _columns(table, rows)
    return (await connection.execute(_update(table, tuple(rows[0]), returning), given)).all()


def _columns(table: sa.Table, rows: Rows) -> dict[str, Any]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    for name, values in columns.items():
        if isinstance(table.c[name].type, JSONB):
            columns[name] = [json.dumps(value) for value in values]
    return columns


_ORGANIZATION = sa.bindparam("organization_id", type_=sa.Uuid())


@lru_cache(maxsize=100)
def _insert(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    values = ", ".join(_value(table, name) for name in names)
    return sa.text(f"""
        INSERT INTO {table.name} (organization_id, {_list(names)})
        SELECT CAST(:organization_id AS uuid), {values} FROM {_given(names, table)}
    """).bindparams(_ORGANIZATION)


@lru_cache(maxsize=100)
def _update(table: sa.Table, names: tuple[str, ...], returning: str) -> sa.TextClause:
    moves = ", ".join(f'"{name}" = {_value(table, name)}' for name in names if name != "id")
    return sa.text(f"""
        UPDATE {table.name} SET {moves} FROM {_given(names, table)}
        WHERE {table.name}.organization_id = :organization_id AND {table.name}.id = n.id RETURNING {returning}
    """).bindparams(_ORGANIZATION)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _given(names: tuple[str, ...], table: sa.Table) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {_sent_as(table, name)}[])" for name in names)
    return f"unnest({arrays}) AS n ({_list(names)})"


def _value(table: sa.Table, name: str) -> str:
    return f'CAST(n."{name}" AS jsonb)' if isinstance(table.c[name].type, JSONB) else f'n."{name}"'


def _sent_as(table: sa.Table, name: str) -> str:
    kind = table.c[name].type
    return "text" if isinstance(kind, JSONB) else str(kind.compile(dialect=_DIALECT))


_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
