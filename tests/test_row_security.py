"""The second wall: row-level security on every table of tenants' rows, and statements that say whose they mean."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.statements import TENANTS, problem
from voiceera.store.base import Database

PLATFORM = {
    "alembic_version": "the schema's revision",
    "media_nodes": "the media processes that are there",
    "maintenance": "whether the platform is in maintenance",
    "processes": "the platform's processes that are there",
    "reset_requests": "asked for by an address that may be nobody's",
    "throttles": "tries of a minute, by hash: nobody has signed in yet",
}
"""Tables that belong to no organization, and why."""

NOT_FORCED = {"call_texts": "no index of words serves under a policy; read only with calls, which force theirs"}
"""Tables of tenants whose policy does not hold their owner, and why."""

_TABLES = text("""
    SELECT c.relname AS name, c.relrowsecurity AS has_security, c.relforcerowsecurity AS is_forced,
        EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id') AS is_tenants,
        c.relispartition AS is_partition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
""")


async def tables(database: Database) -> dict[str, Any]:
    async with database.platform() as connection:
        return {row.name: row for row in await connection.execute(_TABLES)}


async def test_every_table_of_tenants_forces_row_level_security(database: Database) -> None:
    found = await tables(database)
    open_ones = {
        name
        for name, row in found.items()
        if (row.is_tenants or name == "organizations") and not (row.has_security and row.is_forced and row.has_policy)
    }
    assert {name for name in open_ones if not found[name].is_partition} == NOT_FORCED.keys()
    assert all(found[name].has_security and found[name].has_policy for name in NOT_FORCED)


async def test_every_other_table_is_known_to_belong_to_nobody(database: Database) -> None:
    found = await tables(database)
    others = {name for name, row in found.items() if not row.is_tenants} - {"organizations"}
    assert {name for name in others if not name.startswith("pgqueuer")} == PLATFORM.keys()


async def test_without_a_scope_no_row_is_seen_of_any_tenants_table(database: Database) -> None:
    async with database.engine.begin() as connection:
        for name in sorted(TENANTS):
            assert (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one() == 0


@pytest.mark.parametrize(
    ("statement", "is_wrong"),
    [
        ("SELECT id FROM agents WHERE agents.id = $1", True),
        ("SELECT agents.organization_id FROM agents WHERE id = $1", True),
        ("SELECT 1 FROM agents JOIN users ON users.organization_id = agents.organization_id", True),
        ("UPDATE agents SET name = $1 WHERE id = $2", True),
        ("DELETE FROM agents", True),
        ("SELECT id FROM agents WHERE agents.organization_id = $1::UUID AND id = $2", False),
        ("INSERT INTO agents (organization_id, id) VALUES ($1, $2)", False),
        ("SELECT 1", False),
        ("SELECT now() FROM media_nodes", False),
    ],
)
def test_a_statement_that_names_no_organization_is_noticed(statement: str, is_wrong: bool) -> None:
    assert (problem(statement, of_platform=False) is not None) is is_wrong
