"""Statements on the driver's own connection: what every request asks, and hot lists, without SQLAlchemy's share.

Errors are SQLAlchemy's all the same, and a connection that broke leaves the pool.
"""

from collections.abc import Awaitable
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """The driver's connection under a fresh one from the pool; a pooled one that has died is replaced."""
    driver = _driver(connection)
    if driver.is_closed():
        await connection.invalidate()
        driver = (await connection.get_raw_connection()).driver_connection
    return driver


def _driver(connection: AsyncConnection) -> asyncpg.Connection:
    assert connection.sync_connection is not None
    return connection.sync_connection.connection.driver_connection


async def tell(connection: AsyncConnection, driver: asyncpg.Connection, statements: str) -> None:
    """Statements without parameters or answer, in one round trip."""
    await _asked(connection, driver.execute(statements))


class Statement:
    """A statement compiled once; its parameters are given by name at each run."""

    def __init__(self, statement: sa.Select[Any] | sa.CompoundSelect[Any] | sa.TextClause) -> None:
        dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        compiled: Any = statement.compile(dialect=dialect)
        self.text: str = compiled.string
        self._names: list[str] = compiled.positiontup or []
        self._given: dict[str, Any] = compiled.params

    async def rows(self, connection: AsyncConnection, **values: Any) -> list[asyncpg.Record]:
        """Raw rows: JSON columns are text, numeric ones decimals."""
        return await _asked(connection, _driver(connection).fetch(self.text, *self.arguments(values)))

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """In the order of the text's $1, $2 …"""
        given = self._given | values
        return [given[name] for name in self._names]


async def _asked(connection: AsyncConnection, answer: Awaitable[T]) -> T:
    try:
        return await answer
    except asyncpg.PostgresConnectionError as error:
        await connection.invalidate(error)
        raise OperationalError(None, None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError(None, None, error) from error
    except BaseException as error:
        # The driver's own trouble, a broken socket, a cancellation in mid-answer: nobody knows what comes next on it.
        await connection.invalidate(error)
        if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
            raise OperationalError(None, None, error) from error
        raise
