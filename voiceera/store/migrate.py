"""Bringing a database to this version's schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from voiceera.store.base import driver_url
from voiceera.store.revision import current_revision

_MIGRATION_LOCK = 0x766F696365  # "voice": any constant that nobody else in this database uses


async def upgrade(url: str, revision: str = "head") -> str | None:
    """Bring the database at `url` to `revision`; the one it was at. Of several callers at once, one works.

    Raises StartupError when the database cannot be reached.
    """
    before = await current_revision(url)
    async with _alone(url), _connected(url) as connection:
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), revision))
    return before


async def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to `revision` ("base": empty)."""
    async with _alone(url), _connected(url) as connection:
        await connection.run_sync(lambda sync: command.downgrade(_config(sync), revision))


def _config(connection: Connection) -> Config:
    config = Config()
    # Alembic interpolates its options: a percent sign in the path would start a name.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(driver_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[None]:
    """An advisory lock on a connection of its own: revisions may commit in between."""
    async with _connected(url) as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        yield
