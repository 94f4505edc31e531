"""A real PostgreSQL for the tests: one server a session, and an empty, migrated database for each test."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.statements import watched
from voiceera.store.base import Database
from voiceera.store.postgres import PostgresServer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full-sweep", action="store_true", help="sweep over everything, where a sample would do")


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
    """The session's server."""
    directory = Path(tempfile.mkdtemp(prefix="voiceera-test-"))
    server = PostgresServer(directory, durable=False)
    asyncio.run(server.start())
    yield server
    server.stop()
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Databases:
    found = Databases(postgres)
    asyncio.run(found.prepare())
    return found


@pytest.fixture
async def database_url(postgres: PostgresServer, databases: Databases) -> AsyncIterator[str]:
    """A migrated database of this test's own, for the role that row-level security holds."""
    name = await databases.take()
    yield postgres.url_of(name)
    await databases.give_back(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """`database_url`, opened."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def admin_url(database_url: str, databases: Databases) -> str:
    """The same database for the superuser, whom row-level security does not hold."""
    return databases.admin_url(database_url.partition("?")[0].rpartition("/")[2])
