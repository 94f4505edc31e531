"""Roles as real processes over a PostgreSQL of their own: each can really be stopped."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.api.conftest import PASSWORD, Person, body, join
from tests.operations.conftest import make_operator
from voiceera.clock import monotonic
from voiceera.store import migrate
from voiceera.store.base import Database
from voiceera.store.postgres import PostgresServer

PATIENCE_SECONDS = 60


@dataclass
class Platform:
    """`stderr`: where all roles log to."""

    directory: Path
    postgres: PostgresServer
    stderr: Path
    settings: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    people: list[httpx.AsyncClient] = field(default_factory=list)

    def start(self, role: str, **settings: str) -> str:
        """Start a role; the address that it says it is ready on, if it has one."""
        given = {"data_dir": str(self.directory), "database_url": self.postgres.url, **self.settings, **settings}
        plain = {key: value for key, value in os.environ.items() if not key.startswith("VOICEERA_")}
        environment = plain | {f"VOICEERA_{key.upper()}": value for key, value in given.items()}
        with self.stderr.open("a") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "voiceera", role, *(() if role == "worker" else ("--port", "0"))],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.processes[role] = process
        assert process.stdout is not None
        said = process.stdout.readline()
        assert "ready" in said, self.stderr.read_text()
        self.addresses[role] = said.partition(" on ")[2].strip()
        return self.addresses[role]

    def end(self, role: str, with_signal: signal.Signals = signal.SIGKILL) -> None:
        process = self.processes.pop(role)
        assert process.stdout is not None
        process.stdout.close()
        process.send_signal(with_signal)
        process.wait(PATIENCE_SECONDS)

    async def end_all(self) -> None:
        for client in (self.client, *self.people):
            await client.aclose()
        for role in list(self.processes):
            self.end(role)

    async def probe(self, path: str) -> tuple[int, Any]:
        answer = await self.client.get(path)
        return answer.status_code, answer.json()["data"]

    async def person(self, email: str, password: str = PASSWORD) -> Person:
        client = httpx.AsyncClient(base_url=self.client.base_url, timeout=30)
        self.people.append(client)
        return await join(client, email, password)

    async def operator(self, email: str = "operator@example.com", password: str = PASSWORD) -> Person:
        person = await self.person(email, password)
        database = Database(self.postgres.url)
        await make_operator(database, person)
        await database.close()
        return person


@asynccontextmanager
async def platform(directory: Path, *roles: str, **settings: str) -> AsyncIterator[Platform]:
    """A started API, and more `roles`; nothing is left of it."""
    async with AsyncExitStack() as stack:
        server = PostgresServer(directory, durable=False)
        await server.start()
        stack.callback(server.stop)
        await migrate.upgrade(server.url)
        quick = {"argon2_memory_kib": "64", "argon2_passes": "1", "rate_limit_requests": "100000"}
        running = Platform(directory, server, directory / "stderr.log", quick | settings)
        stack.push_async_callback(running.end_all)
        for role in roles:
            running.start(role)
        running.client = httpx.AsyncClient(base_url=running.start("api"), timeout=30)
        yield running


async def eventually(ask: Callable[[], Awaitable[Any]], is_it: Callable[[Any], bool]) -> Any:
    """What `ask` answers once it is as wanted; an AssertionError with the last answer if it never is."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not is_it(answer := await ask()):
        assert monotonic() < deadline, f"it stays at {answer}"
        await asyncio.wait([asyncio.create_task(asyncio.sleep(0.1))])
    return answer


def reason(part: str) -> Callable[[tuple[int, Any]], bool]:
    """A probe that says 503 because of this part."""
    return lambda answer: answer[0] == 503 and f"{part}: " in answer[1]["reason"]


def fine(answer: tuple[int, Any]) -> bool:
    return answer[0] == 200


__all__ = ["Platform", "body", "eventually", "fine", "platform", "reason"]
