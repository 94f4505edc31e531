"""The API over a real database, in process; people who are signed in to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.api.post import Post
from voiceera import log
from voiceera.api.app import create_app
from voiceera.api.depends import Backend
from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.rules.permissions import Role
from voiceera.store import organizations, users
from voiceera.store.base import Database
from voiceera.store.bus import Bus, PostgresBus
from voiceera.store.users import User

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Somebody with an organization; `client` sends their token."""

    client: httpx.AsyncClient
    email: str
    tokens: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.tokens["user"]["id"])

    @property
    def path(self) -> str:
        return f"/users/{self.id}"

    @property
    def organization_id(self) -> str:
        return str(self.tokens["user"]["organization_id"])

    async def get(self, path: str, status: int = 200, /, **query: Any) -> Any:
        return body(await self.client.get(path, params=query), status)

    async def post(self, path: str, status: int = 201, /, **fields: Any) -> Any:
        return body(await self.client.post(path, json=fields), status)

    async def put(self, path: str, status: int = 200, /, **fields: Any) -> Any:
        return body(await self.client.put(path, json=fields), status)

    async def delete(self, path: str, status: int = 204) -> Any:
        return body(await self.client.delete(path), status)


def body(response: httpx.Response, status: int) -> Any:
    """The answer's data, or its error; the envelope is checked on the way."""
    assert response.status_code == status, response.text
    if status == 204:
        assert response.content == b""
        return None
    document = response.json()
    assert document["timestamp"].endswith("Z")
    assert document["success"] is (status < 400)
    return document["data"] if status < 400 else document["error"]


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    log.configure("tests", "CRITICAL")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        argon2_memory_kib=64,
        argon2_passes=1,
        rate_limit_requests=10_000,
        login_tries_per_minute=50,
    )


@pytest.fixture
async def bus(database_url: str) -> AsyncIterator[Bus]:
    bus = PostgresBus(database_url)
    yield bus
    await bus.close()


@pytest.fixture
def app(settings: Settings, database: Database, bus: Bus) -> FastAPI:
    return create_app(settings, database, bus)


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is not signed in."""
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


@pytest.fixture
async def ann(app: FastAPI, anyone: httpx.AsyncClient) -> AsyncIterator[Person]:
    async with client_of(app) as client:
        yield await join(client, "ann@example.com")


@pytest.fixture
async def bob(app: FastAPI, anyone: httpx.AsyncClient) -> AsyncIterator[Person]:
    """A stranger to Ann: another organization."""
    async with client_of(app) as client:
        yield await join(client, "bob@example.com")


Hire = Callable[[Person, Role], Awaitable[Person]]


@pytest.fixture
async def hire(app: FastAPI, anyone: httpx.AsyncClient) -> AsyncIterator[Hire]:
    """Makes a colleague of somebody, in a role, signed in."""
    async with AsyncExitStack() as stack:

        async def hire(employer: Person, role: Role) -> Person:
            client = await stack.enter_async_context(client_of(app))
            email = f"{role}-{new_id().hex}@example.com"
            await add_user(app.state.backend, UUID(employer.organization_id), email, role)
            return await sign_in(client, email)

        yield hire


@pytest.fixture
async def root(app: FastAPI, anyone: httpx.AsyncClient) -> AsyncIterator[Person]:
    """The platform's administrator, in an organization of their own."""
    organization_id = new_id()
    async with app.state.backend.database.platform() as connection:
        await organizations.add(connection, organization_id, "Operator", utc_now())
    await add_user(app.state.backend, organization_id, "root@example.com", Role.ADMIN)
    async with client_of(app) as client:
        yield await sign_in(client, "root@example.com")


@pytest.fixture
def post(database: Database, settings: Settings) -> Post:
    return Post(database, settings)


async def add_user(backend: Backend, organization_id: UUID, email: str, role: Role) -> None:
    password_hash = await backend.accounts.passwords.hash(PASSWORD)
    user = User(new_id(), organization_id, email, "A", "Colleague", role, True, utc_now(), None)
    async with backend.database.platform() as connection:
        await users.add(connection, user, password_hash)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://api")


async def join(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> Person:
    """Register and sign in."""
    registration = {"email": email, "password": password, "first_name": "A", "last_name": "Person"}
    body(await client.post("/auth/register", json=registration), 201)
    return await sign_in(client, email, password)


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> Person:
    tokens = body(await client.post("/auth/login", json={"email": email, "password": password}), 200)
    client.headers["Authorization"] = f"Bearer {tokens['token']}"
    return Person(client, email, tokens)
