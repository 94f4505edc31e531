"""The database: one engine, transactions that belong to one organization, and the tables' shared metadata."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from voiceera.store import wire

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Connection = AsyncConnection

_KEPT_PLANS = "; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_sort = off"
_UNHURRIED = text("SET LOCAL synchronous_commit = off")
_PLATFORM = text("SELECT set_config('voiceera.platform', 'on', true)")


def driver_url(url: str) -> str:
    """`url` with the driver named, as SQLAlchemy wants it; postgres:// is taken too."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+asyncpg{separator}{rest}" if scheme in ("postgres", "postgresql") else url


class Database:
    """A pool of connections. Every transaction says whose rows it may touch; row-level security holds it to that."""

    def __init__(self, url: str, *, pool_size: int = 10, name: str = "voiceera") -> None:
        """`url`: postgresql://… or postgresql+asyncpg://…; a unix socket as `?host=/directory`. `name`: what
        PostgreSQL shows of us in pg_stat_activity."""
        self.url = driver_url(url)
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            pool_timeout=10,
            isolation_level="AUTOCOMMIT",  # `_transaction` says BEGIN and COMMIT
            hide_parameters=True,  # an error must not quote what was to be written
            pool_use_lifo=True,  # the connection that worked last has its statements prepared
            connect_args={"server_settings": {"application_name": name}, "statement_cache_size": 1000},
        )

    @asynccontextmanager
    async def organization(self, organization_id: UUID, *, keep_plans: bool = False) -> AsyncIterator[Connection]:
        """One transaction over one organization's rows: committed at the end, rolled back by an exception.

        `keep_plans`: its statements are so put that one plan is right for all values, and that an index has what is
        wanted in order: planning anew would take longer than they do. `plan_freely` ends that.
        """
        scope = _scope(organization_id) + (_KEPT_PLANS if keep_plans else "")
        async with self._transaction(scope) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self, organization_id: UUID) -> AsyncIterator[Connection]:
        """Like `organization`, with every statement seeing the same instant (REPEATABLE READ): one that changes a row
        which somebody else has changed since fails."""
        async with self._transaction(_scope(organization_id), " ISOLATION LEVEL REPEATABLE READ") as connection:
            yield connection

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Connection]:
        """One transaction over every organization's rows: sign-in, the dialer's rounds, administration."""
        async with self._transaction("voiceera.platform = on") as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, scope: str, mode: str = "") -> AsyncIterator[Connection]:
        """Begun together with its scope, in one round trip; SQLAlchemy itself is told to begin and end nothing."""
        async with self.engine.connect() as connection:
            driver = await wire.driver_of(connection)
            await wire.tell(connection, driver, f"BEGIN{mode}; SET LOCAL {scope}")
            try:
                yield connection
            except BaseException:
                if not driver.is_closed():
                    await wire.tell(connection, driver, "ROLLBACK")
                raise
            await wire.tell(connection, driver, "COMMIT")

    async def close(self) -> None:
        await self.engine.dispose()


async def plan_freely(connection: Connection, also: str = "") -> None:
    """End `keep_plans` for the rest of this transaction; `also`: other settings of it."""
    driver = await wire.driver_of(connection)
    await wire.tell(connection, driver, f"SET LOCAL plan_cache_mode = auto; SET LOCAL enable_sort = on; {also}")


def _scope(organization_id: UUID) -> str:
    assert isinstance(organization_id, UUID), "goes into the statement as it is"
    return f"voiceera.organization_id = '{organization_id}'"


async def widen(connection: Connection) -> None:
    """Let the rest of this transaction touch every organization's rows: for administrators and for the directory of
    e-mail addresses, once it has been decided that the caller may."""
    await connection.execute(_PLATFORM)


async def unhurried(connection: Connection) -> None:
    """Commit without waiting for the disk: should the server crash, the last half second of such commits is lost."""
    await connection.execute(_UNHURRIED)
