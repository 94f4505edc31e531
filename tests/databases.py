"""Migrated databases for one test at a time. A clone costs 50 ms of CPU, emptying one 5: so they are used again."""

import asyncpg

from voiceera.store import migrate
from voiceera.store.postgres import ROLE, PostgresServer

TEMPLATE = "migrated"

_TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = 'public' AND c.relname <> 'alembic_version'
"""
_CATALOGUES = ("pg_class", "pg_attribute", "pg_proc", "pg_constraint", "pg_trigger", "pg_policy", "pg_attrdef")
_SCHEMA = "SELECT " + ", ".join(
    f"(SELECT count(*) || '/' || max(xmin::text::bigint) FROM {catalogue})" for catalogue in _CATALOGUES
)
"""Changes with every statement that defines something."""
_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Databases:
    """Those of one server. What a test has left in its rows goes; whoever changed the schema gets its own dropped."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._made = 0
        self._idle: list[str] = []
        self._schemas: dict[str, asyncpg.Record] = {}

    async def prepare(self) -> None:
        await self._administer(f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}")
        await migrate.upgrade(self._server.url_of(TEMPLATE))

    async def take(self) -> str:
        """The name of an empty, migrated database."""
        if self._idle:
            return self._idle.pop()
        self._made += 1
        name = f"test_{self._made}"
        await self._administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {ROLE}")
        connection = await self._connect(name)
        try:
            self._schemas[name] = await connection.fetchrow(_SCHEMA)
        finally:
            await connection.close()
        return name

    async def give_back(self, name: str) -> None:
        connection = await self._connect(name)
        try:
            await connection.execute(_OTHERS)
            is_as_it_was = await connection.fetchrow(_SCHEMA) == self._schemas[name]
            if is_as_it_was:
                await _empty(connection)
        finally:
            await connection.close()
        if is_as_it_was:
            self._idle.append(name)
        else:
            await self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def admin_url(self, name: str) -> str:
        """For the superuser, whom row-level security does not hold."""
        return self._server.admin_url.replace("/postgres?", f"/{name}?")

    async def _connect(self, name: str) -> asyncpg.Connection:
        return await asyncpg.connect(self.admin_url(name))

    async def _administer(self, statement: str) -> None:
        connection = await self._connect("postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def _empty(connection: asyncpg.Connection) -> None:
    """Without triggers and foreign keys, so in any order; only where there is something."""
    tables = [row[0] for row in await connection.fetch(_TABLES)]
    looks = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
    filled = [row[0] for row in await connection.fetch(looks)]
    deletions = "; ".join(f"DELETE FROM {table}" for table in filled)
    await connection.execute(f"SET session_replication_role = replica; {deletions}")
