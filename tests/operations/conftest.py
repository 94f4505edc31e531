"""The platform's operator, signed in to the API of tests/api."""

from collections.abc import AsyncIterator

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from tests.api.conftest import Person, _quiet, ann, anyone, app, bob, bus, client_of, join, settings
from voiceera.store.base import Database

__all__ = ["_quiet", "ann", "anyone", "app", "bob", "bus", "settings"]


async def make_operator(database: Database, person: Person) -> None:
    async with database.platform() as connection:
        statement = sa.text("UPDATE users SET role = 'admin' WHERE id = :id")
        await connection.execute(statement, {"id": person.tokens["user"]["id"]})


@pytest.fixture
async def operator(app: FastAPI, anyone: httpx.AsyncClient, database: Database) -> AsyncIterator[Person]:
    async with client_of(app) as client:
        person = await join(client, "operator@example.com")
        await make_operator(database, person)
        yield person
