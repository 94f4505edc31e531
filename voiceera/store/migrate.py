"""Bringing a database to this version's schema, and refusing to work on another one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from voiceera.errors import StartupError
from voiceera.store.base import Database, driver_url

_MIGRATION_LOCK = 0x766F696365  # "voice": any constant that nobody else in this database uses


def head_revision() -> str | None:
    """The revision that this code needs; None while there is none."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def current_revision(url: str) -> str | None:
    """The revision of the database at `url`; None on an empty one."""
    async with _connected(url) as connection:
        return await connection.run_sync(_revision)


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`. Of several callers at once, one works."""
    async with _alone(url), _connected(url) as connection:
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), revision))


async def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to `revision` ("base": empty)."""
    async with _alone(url), _connected(url) as connection:
        await connection.run_sync(lambda sync: command.downgrade(_config(sync), revision))


async def check(database: Database, *, allow_bypass: bool = False) -> None:
    """Raise StartupError unless `database` answers, has our revision, and holds us to row-level security."""
    try:
        async with database.engine.connect() as connection:
            current = await connection.run_sync(_revision)
            bypasses = await connection.scalar(
                text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            )
    except (OSError, SQLAlchemyError, asyncpg.PostgresError) as problem:
        raise StartupError(
            f"The database cannot be reached ({_said(problem)}): check VOICEERA_DATABASE_URL."
        ) from problem
    wanted = head_revision()
    if current != wanted:
        raise StartupError(
            f"The database is at revision {current or 'none'} and this version needs {wanted or 'none'}: "
            "run `voiceera migrate` (and the same version of VoiceERA everywhere)."
        )
    if bypasses and not allow_bypass:
        raise StartupError(
            "The database role is a superuser or bypasses row-level security, which keeps organizations apart: "
            "use an ordinary role, or set VOICEERA_ALLOW_BYPASS_ROLE=true."
        )


def _said(problem: BaseException) -> str:
    """One line of what went wrong; SQLAlchemy's links and statements left out."""
    origin = getattr(problem, "orig", None) or problem
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
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
    except (OSError, asyncpg.PostgresError) as problem:
        raise StartupError(
            f"The database cannot be reached ({_said(problem)}): check VOICEERA_DATABASE_URL."
        ) from problem
    finally:
        await engine.dispose()


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[None]:
    """An advisory lock on a connection of its own: revisions may commit in between."""
    async with _connected(url) as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        yield
