"""The API on a real port over a real database, with tenants in it who have rows of every noun."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import httpx
from sqlalchemy import text

from tests.api.calls import book_of
from tests.api.conftest import PASSWORD, Person, join
from tests.api.surface import seeded
from voiceera import ids, log
from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.providers import outbound
from voiceera.roles.api import serve_api
from voiceera.store import media_nodes, migrate, processes
from voiceera.store.base import Database
from voiceera.store.bus import PostgresBus
from voiceera.store.postgres import ROLE, PostgresServer
from voiceera.store.processes import Process

ROLES = ("owner", "viewer", "admin")


@dataclass
class Stage:
    """`pools`: path parameter → rows of the fuzzed organization that it names."""

    url: str
    database: Database
    settings: Settings
    pools: dict[str, list[str]]
    people: dict[str, dict[str, str]]

    def write(self, path: Path, role: str) -> None:
        """What the hooks of one run read."""
        path.write_text(json.dumps({"url": self.url, "pools": self.pools, "me": self.people[role]}))

    async def leave_maintenance(self) -> None:
        async with self.database.platform() as connection:
            await connection.execute(text("DELETE FROM maintenance"))


@asynccontextmanager
async def staged(rows: int) -> AsyncIterator[Stage]:
    """`rows`: how many of each noun the fuzzed organization has. Nothing but loopback is ever reached."""
    log.configure("fuzz", "CRITICAL")
    directory = Path(tempfile.mkdtemp(prefix="voiceera-fuzz-"))
    directory.chmod(0o711)
    server = PostgresServer(directory, durable=False)
    await server.start()
    database = Database(server.url_of(ROLE))
    try:
        await migrate.upgrade(server.url_of(ROLE))
        with (
            patch.object(outbound, "resolve", _somewhere),
            patch.object(outbound.OutboundTransport, "_ask", _refuse),
        ):
            async with _serving(_settings(directory), database) as (url, settings):
                yield await _seed(url, settings, database, rows)
    finally:
        await database.close()
        server.stop()
        shutil.rmtree(directory)


async def _somewhere(*_arguments: Any) -> list[outbound.Address]:
    """No name is looked up."""
    return [ip_address("1.1.1.1")]


async def _refuse(*_arguments: Any, **_options: Any) -> NoReturn:
    raise httpx.ConnectError("the fuzzer reaches nothing outside")


def _settings(directory: Path) -> Settings:
    return Settings(
        data_dir=directory,
        argon2_memory_kib=64,
        argon2_passes=1,
        rate_limit_requests=1_000_000,
        login_tries_per_minute=1_000_000,
    )


@asynccontextmanager
async def _serving(settings: Settings, database: Database) -> AsyncIterator[tuple[str, Settings]]:
    bus, stop = PostgresBus(database.url), asyncio.Event()
    port: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve_api(settings.model_copy(update={"api_port": 0}), database, bus, stop, port.set_result)
    )
    try:
        yield f"http://127.0.0.1:{await port}", settings.with_public_url(port.result() or 0)
    finally:
        stop.set()
        await running
        await bus.close()


async def _seed(url: str, settings: Settings, database: Database, rows: int) -> Stage:
    await _man(database)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        owner = await join(client, "owner@example.com")
        people = {"owner": _about(owner)}
        pools: dict[str, list[str]] = {}
        book = await book_of(database, settings, owner)
        for _ in range(rows):
            for name, row in (await seeded(owner, book)).items():
                pools.setdefault(name, []).append(row)
        for index, campaign_id in enumerate(pools["campaign_id"]):
            for move in (("launch",), ("launch", "pause"), ())[index % 3]:
                await owner.post(f"/campaigns/{campaign_id}/{move}", 200)
        pools["user_id"] = [
            await _colleague(database, owner, f"{ids.new_id()}@example.com", "member") for _ in range(rows)
        ]
        for role in ("viewer", "admin"):
            email = f"{role}@example.com"
            people[role] = {"email": email, "id": await _colleague(database, owner, email, role)}
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        stranger = await join(client, "stranger@example.com")
        for name, row in (await seeded(stranger, await book_of(database, settings, stranger))).items():
            pools[name].append(row)
    return Stage(url, database, settings, pools, people)


async def _man(database: Database) -> None:
    """A worker and a media process that nobody misses: the probes say that all is well."""
    now = utc_now() + timedelta(days=365)
    async with database.platform() as connection:
        await processes.beat(connection, Process(ids.new_id(), "worker", "fuzz", "0", now, now, None, {}))
        await media_nodes.heartbeat(connection, ids.new_id(), url="ws://127.0.0.1:1", capacity=1, live=0, now=now)


def _about(person: Person) -> dict[str, str]:
    return {"email": person.email, "id": str(person.tokens["user"]["id"])}


async def _colleague(database: Database, owner: Person, email: str, role: str) -> str:
    """Somebody of the owner's organization, with the owner's password."""
    user_id = str(ids.new_id())
    values = {"id": user_id, "email": email, "role": role, "owner": owner.email}
    async with database.platform() as connection:
        await connection.execute(
            text("""
                INSERT INTO users (organization_id, id, email, role, password_hash, created_at, updated_at)
                SELECT organization_id, CAST(:id AS uuid), :email, :role, password_hash, now(), now()
                FROM users WHERE email = :owner
            """),
            values,
        )
        await connection.execute(
            text("""
                INSERT INTO logins (email, organization_id, user_id)
                SELECT :email, organization_id, CAST(:id AS uuid) FROM users WHERE email = :owner
            """),
            values,
        )
    return user_id


__all__ = ["PASSWORD", "ROLES", "Stage", "staged"]
