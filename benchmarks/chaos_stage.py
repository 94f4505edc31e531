"""The world of a chaos run: a lab, an embedded PostgreSQL, and roles as processes that can be killed and replaced."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.chaos_wrong import VARIABLE, World
from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient
from voiceera.demo.carriers import account
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.lab.faults import Faults
from voiceera.processes import die_with_parent
from voiceera.roles.child import Child
from voiceera.roles.ports import bound_socket
from voiceera.rules.campaigns import WEEKDAYS
from voiceera.store.base import Database
from voiceera.store.migrate import upgrade
from voiceera.store.postgres import PostgresServer, embedded_postgres

CALLER_ID = "+12025550100"
RING_SECONDS = 6
AREAS = (202, 212, 213, 214, 303, 312, 404, 415, 503, 602, 617, 702)
_SET_RATE = text("""
    UPDATE campaigns SET config = jsonb_set(config, '{calls_per_second}', to_jsonb(CAST(:rate AS float8)))
    WHERE id = :id
""")
_CLOSE_BREAKERS = text("UPDATE dial_gates SET breaker = '{}' WHERE breaker <> '{}'")
FLOW = {"start": "bye", "steps": {"bye": {"kind": "end", "text": "Goodbye.", "disposition": "told"}}}


def numbers(count: int) -> list[str]:
    return [f"+1{AREAS[index % len(AREAS)]}555{index // len(AREAS):04d}" for index in range(count)]


def callees(called: Sequence[str]) -> dict[str, Any]:
    """Nearly everybody is busy, so that no audio is needed; some do not answer, do not exist, or pick up."""
    special: dict[str, Any] = {}
    for index, number in enumerate(called):
        match index % 50:
            case 7 | 23:
                special[number] = {"answers": "nobody"}
            case 11:
                special[number] = {"answers": "invalid"}
            case 31:
                special[number] = {"opening": [{"hang_up": True}], "ring_seconds": [0.3, 1.0]}
    return special | {"default": {"answers": "busy", "ring_seconds": [0.3, 1.5]}}


class Victim:
    """One role, or one wrong dialer, that can be stopped, killed with -9 and replaced."""

    def __init__(
        self,
        role: str,
        settings: Settings,
        output: Path,
        listener: socket.socket | None = None,
        *,
        is_replaced: bool = True,
    ) -> None:
        """`is_replaced`: the one after it is loaded as soon as it starts, so that what is killed is soon replaced."""
        self._is_replaced = is_replaced
        self.role = role
        self._settings = settings
        self._output = output
        self._listener = listener
        self._child: Child | None = None
        self._next: Child | None = None

    @property
    def pid(self) -> int:
        assert self._child is not None and self._child.pid is not None, "not started"
        return self._child.pid

    async def start(self) -> None:
        self._child = self._next or Child(self.role, self._output, self._listener)
        self._next = Child(self.role, self._output, self._listener) if self._is_replaced else None
        await self._child.start(self._settings)
        if self._next is not None:
            self._next.load()

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def end(self) -> None:
        """For good."""
        for child in (self._child, self._next):
            if child is not None:
                child.kill()


class WrongVictim(Victim):
    """`python -m benchmarks.chaos_wrong …` in a worker's place."""

    def __init__(self, design: str, world: World, output: Path) -> None:
        self.role = "worker"
        self._design = design
        self._world = world
        self._log = output
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    async def start(self) -> None:
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "benchmarks.chaos_wrong", self._design],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | {VARIABLE: msgspec.json.encode(self._world).decode()},
                preexec_fn=die_with_parent(),
            )

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        self.kill()


@dataclass
class Stage:
    """A running world. `database` is the harness's own eye on the rows."""

    database: Database
    postgres: PostgresServer
    lab: LabProcess
    api: ApiClient
    settings: Settings
    directory: Path
    workers: list[Victim]
    api_role: Victim
    organization_id: UUID = field(default_factory=lambda: UUID(int=0))
    campaign_id: UUID = field(default_factory=lambda: UUID(int=0))

    @property
    def lab_url(self) -> str:
        return self.lab.base_url.removesuffix("/v1")

    async def set_faults(self, faults: Faults) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.put(f"{self.lab_url}/lab/faults", json=msgspec.to_builtins(faults))
            answer.raise_for_status()

    async def set_rate(self, per_second: float) -> None:
        """Calls a second of the campaign, from now on. Its circuit breaker and the line's are closed: with so many
        faults they would rest most of the time."""
        async with self.database.organization(self.organization_id) as connection:
            await connection.execute(_SET_RATE, {"id": self.campaign_id, "rate": per_second})
            await connection.execute(_CLOSE_BREAKERS)

    def restart_postgres(self) -> None:
        """At once, as in a power cut; its keeper starts it again and it recovers."""
        os.kill(self.postgres.pid, signal.SIGQUIT)


@asynccontextmanager
async def stage(
    directory: Path,
    people: dict[str, Any],
    *,
    workers: int,
    seed: int,
    calls_per_second: float = 100.0,
    media_capacity: int = 1000,
    kills: bool = True,
) -> AsyncIterator[Stage]:
    """Lab, database, API and media, and workers that are not started yet. Main thread only.

    `people`: who answers how, as the lab's callees; `calls_per_second`: what the lab takes; `kills`: roles will be.
    """
    file = directory / "callees.yaml"
    file.write_text(json.dumps(people), encoding="utf-8")
    async with AsyncExitStack() as running:
        lab, lab_works = await running.enter_async_context(
            running_lab(directory, file, seed=seed, scramble=False, calls_per_second=calls_per_second)
        )
        await lab_works
        postgres = await running.enter_async_context(embedded_postgres(directory))
        await upgrade(postgres.url)
        listener = running.enter_context(bound_socket("127.0.0.1", 0, "--port"))
        settings = _settings(directory, lab, postgres.url, media_capacity).with_public_url(listener.getsockname()[1])
        output = directory / "platform.log"
        media = Victim("media", settings, output, is_replaced=kills)
        api_role = Victim("api", settings, output, listener, is_replaced=kills)
        dialers = [Victim("worker", settings, output, is_replaced=kills) for _ in range(workers)]
        database = Database(postgres.url, pool_size=4)
        api = ApiClient(settings.public_url)
        running.push_async_callback(database.close)
        running.push_async_callback(api.close)
        for victim in (media, api_role, *dialers):
            running.callback(victim.end)
        await asyncio.gather(media.start(), api_role.start())
        yield Stage(database, postgres, lab, api, settings, directory, dialers, api_role)


def _settings(directory: Path, lab: LabProcess, database_url: str, media_capacity: int) -> Settings:
    return Settings(
        data_dir=directory,
        database_url=SecretStr(database_url),
        secret_key=None,
        api_host="127.0.0.1",
        api_port=0,
        media_host="127.0.0.1",
        media_port=0,
        media_capacity=media_capacity,
        public_url="",
        media_url="",
        outbound_allow=f"127.0.0.1/32:{lab.port}",
        drain_seconds=0,
        rate_limit_requests=100_000,
        log_level="WARNING",
    )


async def set_campaign(
    world: Stage, carrier: str, called: Sequence[str], per_second: float, closed_at: datetime
) -> None:
    """A campaign with everybody in it, as a draft; one minute from `closed_at` lies outside its window."""
    api = world.api
    await api.register("chaos@example.com", "a long enough password", "Chaos", "Chaos")
    world.organization_id = UUID((await api.get("/auth/me"))["organization_id"])
    answer_url = f"{world.settings.public_url}/carriers/{carrier}/{world.organization_id}/inbound/answer"
    await api.post("/integrations", line_of(world.lab, carrier, answer_url))
    agent = await api.post("/agents", {"name": "Chaos", "language": "en-US", "flow": FLOW})
    campaign = await api.post("/campaigns", _campaign(agent["id"], per_second, closed_at))
    world.campaign_id = UUID(campaign["id"])
    rows = "\n".join(["phone_number,timezone", *(f"{number},UTC" for number in called)])
    uploaded = await api.upload(f"/campaigns/{campaign['id']}/contacts/upload", "contacts.csv", rows)
    if uploaded["added"] != len(called):
        raise RuntimeError(f"of {len(called)} contacts {uploaded['added']} were taken: {uploaded['problems']}")


def line_of(lab: LabProcess, carrier: str, answer_url: str) -> dict[str, Any]:
    where, secrets = account(lab, carrier, answer_url)
    line = {
        "caller_ids": [CALLER_ID],
        "allowed_countries": ["US"],
        "calls_per_second": 1000,
        "max_concurrent_calls": 1000,
        "reporting_lag_seconds": 2,
    }
    if carrier == "exotel":  # which shows no call before its longest one is over; the lab's last seconds
        line["longest_call_seconds"] = 60
    told = {"name": "The lab", "type": "telephony", "provider": carrier, "config": where | line}
    return told | {"credentials": secrets}


def _campaign(agent_id: str, per_second: float, closed_at: datetime) -> dict[str, Any]:
    again = {"delays_seconds": [3], "times": 1}
    never: dict[str, Any] = {"delays_seconds": [], "times": 0}
    reopens = closed_at + timedelta(minutes=1)
    window = [{"start": "00:00", "end": f"{closed_at:%H:%M}"}, {"start": f"{reopens:%H:%M}", "end": "24:00"}]
    return {
        "name": "Chaos",
        "agent_id": agent_id,
        "category": "transactional",
        "country": "US",
        "timezone": "UTC",
        "calling_windows": dict.fromkeys(WEEKDAYS, window),
        "max_concurrent_calls": 1000,
        "calls_per_second": per_second,
        "ring_seconds": RING_SECONDS,
        "retries": {
            "busy": never,
            "no_answer": again,
            "failed": again,
            "dropped_early": again,
            "voicemail": never,
        },
    }
