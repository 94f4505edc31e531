"""A real PostgreSQL for the tests: one server a session, a migrated template, a fresh clone for each test."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.statements import watched
from voiceera.store import migrate
from voiceera.store.base import Database
from voiceera.store.postgres import ROLE, PostgresServer

_TEMPLATE = "migrated"


@pytest.fixture(autouse=True, scope="session")
def _statements() -> Iterator[dict[str, str]]:
    with watched() as found:
        yield found


@pytest.fixture(autouse=True)
def _statements_name_their_organization(_statements: dict[str, str]) -> Iterator[None]:
    """Fails the test in which the platform sent a statement that does not say whose rows it means."""
    _statements.clear()
    yield
    wrong = "\n".join(f"{why}: {statement}" for statement, why in _statements.items())
    assert not wrong, wrong


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A fresh directory that PostgreSQL's own account can reach: below `tmp_path` root's tests could not start it."""
    directory = Path(tempfile.mkdtemp(prefix="voiceera-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server, with the database `migrated` to clone from."""
    directory = Path(tempfile.mkdtemp(prefix="voiceera-test-"))
    server = PostgresServer(directory, durable=False)
    asyncio.run(_start(server))
    yield server
    server.stop()
    shutil.rmtree(directory)


async def _start(server: PostgresServer) -> None:
    await server.start()
    await _administer(server, f"CREATE DATABASE {_TEMPLATE} OWNER {ROLE}")
    await migrate.upgrade(server.url_of(_TEMPLATE))


@pytest.fixture
async def database_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """A migrated database of this test's own, for the role that row-level security holds."""
    name = f"test_{uuid4().hex}"
    await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} OWNER {ROLE}")
    yield postgres.url_of(name)
    await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """`database_url`, opened."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def admin_url(database_url: str, postgres: PostgresServer) -> str:
    """The same database for the superuser, whom row-level security does not hold."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    return postgres.admin_url.replace("/postgres?", f"/{name}?")


async def _administer(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
