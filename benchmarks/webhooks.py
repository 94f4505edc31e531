"""Webhooks under fire (L9): every event arrives, signed, whatever the receiver does and however often workers die.

    .venv/bin/python -m benchmarks.webhooks --events 10000 --kills 20 --json FILE

Events happen in the database; a worker process delivers them and is killed (-9) at random moments; the receiver fails
up to five tries of each event, by a 5xx, by closing the connection, or by hanging until the sender gives up. The
schedule of tries is scaled by 1/1,000. Signatures are verified by the `standardwebhooks` package.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from standardwebhooks import Webhook, WebhookVerificationError

from voiceera.ids import new_id
from voiceera.rules.webhooks import Event
from voiceera.services import events, webhooks
from voiceera.store import migrate
from voiceera.store.base import Database
from voiceera.store.organizations import organizations
from voiceera.store.postgres import PostgresServer
from voiceera.store.vault import Vault

KEY = "a key of this benchmark's own, for one run"
SCALE = 1 / 1000
TIMEOUT_SECONDS = 0.3
LEASE_SECONDS = 2.0
SWEEP_SECONDS = 1.0
RECEIVERS = 50
MOST_FAILURES = 5
_AT_A_TIME = 50


@dataclass(frozen=True)
class Outcome:
    """`arrived`: events that the receiver has accepted; `doubled`: accepted again, after a worker's death."""

    events: int
    kills: int
    arrived: int
    lost: int
    doubled: int
    bad_signatures: int
    requests: int
    failed_on_purpose: dict[str, int]
    deliveries: dict[str, int]
    wall_seconds: float
    cpu_seconds: float


@dataclass
class Receiver:
    """Fails each event so many times, then accepts it."""

    chance: random.Random
    expected: int
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """All that was expected has been accepted."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Path → the secret of the webhook that posts there."""
    accepted: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    bad_signatures: int = 0
    purpose: Counter[str] = field(default_factory=Counter)
    _failures: dict[str, int] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the worker was killed, or has had enough
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests += 1
        try:
            Webhook(self.secrets[head[0].split(" ")[1]]).verify(body, headers)
        except WebhookVerificationError:
            self.bad_signatures += 1
        message = headers["webhook-id"]
        left = self._failures.setdefault(message, self.chance.randint(0, MOST_FAILURES))
        if left == 0:
            self.accepted[message] += 1
            if len(self.accepted) == self.expected:
                self.complete.set()
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            return True
        self._failures[message] = left - 1
        how = self.chance.choice(["500", "503", "close", "hang"])
        self.purpose[how] += 1
        if how == "hang":
            await reader.read()
        elif how != "close":
            writer.write(f"HTTP/1.1 {how} No\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        return how not in ("hang", "close")


async def run(
    database_url: str, *, events_count: int, kills: int, seed: int = 1, limit_seconds: float = 1800
) -> Outcome:
    """On a migrated database without other webhooks."""
    started, before = time.monotonic(), _cpu_of_children()
    chance = random.Random(seed)
    receiver = Receiver(chance, events_count)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(database_url)
    organization_ids = await _subscribe(database, receiver, port)
    given = {"database_url": database_url, "key": KEY, "allow": f"127.0.0.1/32:{port}", "scale": SCALE}
    given |= {"timeout_seconds": TIMEOUT_SECONDS, "lease_seconds": LEASE_SECONDS, "sweep_seconds": SWEEP_SECONDS}
    killed = 0
    try:
        async with asyncio.timeout(limit_seconds), asyncio.TaskGroup() as tasks:
            happening = tasks.create_task(_happen(database, organization_ids, events_count))
            while killed < kills:
                async with _worker(given):
                    await asyncio.sleep(chance.uniform(1.0, 4.0))
                killed += 1
            async with _worker(given):
                await happening
                await receiver.complete.wait()
                await _settled(database)
    except TimeoutError:
        pass  # what has not arrived by now is told as lost
    deliveries = await _statuses(database)
    await database.close()
    server.close()
    arrived = len(receiver.accepted)
    return Outcome(
        events=events_count,
        kills=killed,
        arrived=arrived,
        lost=events_count - arrived,
        doubled=sum(receiver.accepted.values()) - arrived,
        bad_signatures=receiver.bad_signatures,
        requests=receiver.requests,
        failed_on_purpose=dict(receiver.purpose),
        deliveries=deliveries,
        wall_seconds=round(time.monotonic() - started, 1),
        cpu_seconds=round(_cpu_of_children() - before, 1),
    )


async def _subscribe(database: Database, receiver: Receiver, port: int) -> list[UUID]:
    """So many organizations, each with a webhook of its own."""
    vault, now = Vault(KEY.encode()), datetime.now(UTC)
    made = [new_id() for _ in range(RECEIVERS)]
    for organization_id in made:
        path = f"/{organization_id}"
        async with database.platform() as connection:
            row = {"id": organization_id, "name": "Somebody", "created_at": now}
            await connection.execute(sa.insert(organizations).values(**row))
        async with database.organization(organization_id) as connection:
            _, receiver.secrets[path] = await webhooks.create(
                connection,
                vault,
                organization_id,
                url=f"http://127.0.0.1:{port}{path}",
                events=["*"],
                description="",
                is_active=True,
                secret=None,
                created_by=None,
                now=now,
            )
    return made


async def _happen(database: Database, organization_ids: Sequence[UUID], count: int) -> None:
    for first in range(0, count, _AT_A_TIME):
        organization_id = organization_ids[(first // _AT_A_TIME) % len(organization_ids)]
        async with database.organization(organization_id) as connection:
            for number in range(first, min(first + _AT_A_TIME, count)):
                told = {"id": str(new_id()), "number": number, "disposition": "confirmed – ✓"}
                await events.emit(connection, organization_id, Event.CALL_ENDED, told, datetime.now(UTC))


@asynccontextmanager
async def _worker(given: dict[str, Any]) -> AsyncIterator[None]:
    """A worker process, killed at the end."""
    command = [sys.executable, "-m", "benchmarks.webhook_worker"]
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(given).encode())
    process.stdin.close()
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _statuses(database: Database) -> dict[str, int]:
    async with database.platform() as connection:
        rows = await connection.execute(sa.text("SELECT status, count(*) AS n FROM deliveries GROUP BY status"))
        return {row.status: row.n for row in rows}


async def _settled(database: Database) -> None:
    """Until the worker has written down what arrived, or has had time enough."""
    for _ in range(100):
        if "pending" not in await _statuses(database):
            return
        await asyncio.sleep(0.1)


def _cpu_of_children() -> float:
    """Seconds of processor time of the workers that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def measure(directory: Path, events_count: int, kills: int, seed: int) -> Outcome:
    """On an embedded server of its own."""
    server = PostgresServer(directory)
    try:
        await server.start()
        await migrate.upgrade(server.url)
        return await run(server.url, events_count=events_count, kills=kills, seed=seed)
    finally:
        server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the outcome here, too")
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="voiceera-webhooks-"))
    directory.chmod(0o711)
    try:
        outcome = asyncio.run(measure(directory, given.events, given.kills, given.seed))
    finally:
        shutil.rmtree(directory)
    document = json.dumps(asdict(outcome) | {"processors": os.cpu_count()}, indent=2)
    if given.json:
        given.json.write_text(document)
    print(document)
    return 0 if outcome.lost == 0 and outcome.bad_signatures == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
