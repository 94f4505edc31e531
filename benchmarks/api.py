"""What lists of calls cost, and how soon they come: N calls in the platform's own schema, half of them one tenant's.

    .venv/bin/python -m benchmarks.api [--rows 5000000] [--data DIR] [--seconds 20] [--json FILE]

The platform's API process, its embedded PostgreSQL with row-level security on, and a generator of requests are three
processes on this machine; requests go over 127.0.0.1 with a bearer token, so token, session and rate limit are part
of each. The lists are 20 calls, every filter with every sort (`api_requests.py`).

  list_requests_per_cpu_second  over the user and system time of the API process (/proc), from a closed loop of 4
  list_database_cpu_ms          CPU time of PostgreSQL's processes for each request of that loop
  list_p99_ms                   from an open loop at 200 a second, each from when it was due to its last byte; where
                                the machine cannot keep up, at the `list_rate` that it can
  list_first_ms                 the slowest list at its first time, with its total counted
  deep_page_ms                  the page by cursor after a million calls (or half of the tenant's), the slowest of 20
  search_ms                     the slowest of searches for common, middling, rare and absent words, newest first:
                                each word for the first time, by a connection that has planned none of them yet;
                                `search_again_ms`: the second and third time
  peer_…                        the requests that sort by time, to SQLAlchemy's ORM with pydantic on the same rows
                                (`api_peer.py`), in turns with the platform: a machine's noise falls on both;
                                `peer_cpu_ratio` compares the medians

On a machine that others use, compare with the peer; the load average stands beside the result.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import httpx
import numpy as np
import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks.api_requests import LIMIT, lists
from benchmarks.media import usage
from benchmarks.rows import MEASURED_TENANT, call_rows, facts_of, word
from voiceera.config import Settings, bare_environment
from voiceera.ids import new_id
from voiceera.services.tokens import Claims, Tokens
from voiceera.store import sessions
from voiceera.store.base import Database
from voiceera.store.postgres import PostgresServer
from voiceera.store.vault import Vault

ROUNDS = 3
CLOSED = 600
PEER_CLOSED = 200
RATE = 200
COMMON, MIDDLING, RARE = (1, 2, 5, 20), (200, 1_000, 3_000), (10_000, 30_000, 49_990)


async def ask(port: int, token: str, paths: list[str], **how: Any) -> dict[str, Any]:
    """Send requests from a process of their own; all must be answered with 200."""
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.http_load", stdin=PIPE, stdout=PIPE, stderr=subprocess.PIPE
    )
    given = {"port": port, "token": token, "paths": paths, "rate": 0, "requests": len(paths)} | how
    said, trouble = await load.communicate(json.dumps(given).encode())
    if load.returncode:
        raise RuntimeError(trouble.decode()[-2000:])
    answer: dict[str, Any] = json.loads(said)
    if set(answer["statuses"]) != {"200"}:
        raise RuntimeError(f"answers other than 200: {answer['statuses']}")
    return answer


async def cpu_ms(process: Process, port: int, token: str, paths: list[str], requests: int) -> float:
    """CPU time of the serving process for each request of a closed loop."""
    before = usage(process.pid).cpu_ms
    await ask(port, token, paths, requests=requests)
    return (usage(process.pid).cpu_ms - before) / requests


def database_cpu_ms(pid: int) -> float:
    """CPU time of a PostgreSQL's processes that are there now (/proc/PID/schedstat)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spent = (Path(f"/proc/{child}/schedstat").read_text().split()[0] for child in children)
    return sum(map(int, spent)) / 1e6


@asynccontextmanager
async def platform_api(settings: Settings) -> AsyncIterator[tuple[Process, int]]:
    program = Path(sys.executable).with_name("voiceera")
    command = (str(program), "api", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=_environment(settings))
    async with _ended(process) as first_line:
        yield process, int(first_line.strip().rpartition(":")[2])


def _environment(settings: Settings) -> dict[str, str]:
    """In which the program builds the settings that were given here."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    plain = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in given.items()}
    return bare_environment() | {f"VOICEERA_{name.upper()}": str(value) for name, value in plain.items()}


@asynccontextmanager
async def peer_api(settings: Settings, url: str) -> AsyncIterator[tuple[Process, int]]:
    key = Vault.load(settings).derive("access tokens")
    command = (sys.executable, "-m", "benchmarks.api_peer")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps({"url": url, "key": key.hex()}).encode() + b"\n")
    async with _ended(process) as first_line:
        yield process, json.loads(first_line)["port"]


@asynccontextmanager
async def _ended(process: Process) -> AsyncIterator[str]:
    """Its first line; it ends with the block."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            first_line = (await process.stdout.readline()).decode()
        yield first_line
    finally:
        process.terminate()
        await process.wait()


async def sign_in(url: str, settings: Settings) -> str:
    """A user of the measured tenant with a session that is live, and a token for it."""
    database, now = Database(url), datetime.now(UTC)
    session_id, tokens = new_id(), Tokens(Vault.load(settings), settings)
    user = (
        "INSERT INTO users (organization_id, id, email, role, created_at, updated_at)"
        " VALUES (:id, :id, 'owner@example.com', 'owner', :now, :now) ON CONFLICT DO NOTHING"
    )
    async with database.organization(MEASURED_TENANT) as connection:
        await connection.execute(sa.text(user), {"id": MEASURED_TENANT, "now": now})
        await sessions.add(
            connection,
            MEASURED_TENANT,
            session_id,
            MEASURED_TENANT,
            address=None,
            user_agent=None,
            now=now,
            expires_at=now + tokens.lifetime,
        )
    await database.close()
    return tokens.issue(Claims(MEASURED_TENANT, MEASURED_TENANT, session_id), now)


async def open_loop(port: int, token: str, paths: list[str], seconds: float) -> dict[str, float]:
    """At `RATE` a second, or at the half, quarter … that this machine keeps up with: `list_rate` says which."""
    rate: float = RATE
    while True:
        try:
            times = (await ask(port, token, paths, requests=int(rate * seconds), rate=rate))["milliseconds"]
        except RuntimeError:
            if rate < 10:
                raise
            rate /= 2
            await asyncio.sleep(5)
        else:
            points = {f"list_p{point}_ms": round(float(np.percentile(times, point)), 1) for point in (50, 90, 99)}
            return {"list_rate": rate} | points


async def deep_page(port: int, token: str, depth: int) -> dict[str, float]:
    """The page after `depth` calls: by cursor, the slowest of 20; and by skip, once, which hands out that cursor."""
    path = "/call-logs?" + urlencode({"limit": LIMIT, "skip": depth - LIMIT})
    by_skip = (await ask(port, token, [path]))["milliseconds"][0]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        page = (await client.get(f"http://127.0.0.1:{port}{path}", timeout=60)).json()["data"]
    path = "/call-logs?" + urlencode({"limit": LIMIT, "cursor": page["next_cursor"]})
    times = (await ask(port, token, [path] * 20, connections=1))["milliseconds"]
    return {"deep_page_ms": round(max(times), 1), "deep_page_by_skip_ms": round(by_skip, 1)}


async def searches(port: int, token: str, repeat: int = 3) -> dict[str, Any]:
    """The slowest first page with its total, by kind of word: of all, and of those asked for again."""
    kinds = {"common": COMMON, "middling": MIDDLING, "rare": RARE}
    asked = {kind: [word(rank) for rank in ranks] for kind, ranks in kinds.items()}
    asked |= {"two words": [f"{word(30)} {word(2_000)}", f"{word(3)} {word(49_000)}"], "absent": ["xylophone"]}
    slowest: dict[str, float] = {}
    again: dict[str, float] = {}
    for kind, words in asked.items():
        paths = ["/call-logs?" + urlencode({"limit": LIMIT, "search": each}) for each in words]
        times = (await ask(port, token, paths * repeat, requests=len(paths) * repeat, connections=1))["milliseconds"]
        slowest[kind], again[kind] = round(max(times), 1), round(max(times[len(paths) :]), 1)
    told = {"search_ms": max(slowest.values()), "search_ms_by_kind": slowest}
    return told | {"search_again_ms": max(again.values()), "search_again_ms_by_kind": again}


def slow_ones(paths: list[str], times: list[float], most: int = 8) -> list[str]:
    ranked = sorted(zip(times, paths, strict=True), reverse=True)[:most]
    return [f"{milliseconds:7.1f} ms  {unquote(path)}" for milliseconds, path in ranked]


async def measure(
    settings: Settings, server: PostgresServer, rows: int, until: str, seconds: float
) -> dict[str, Any]:
    url = server.url
    token = await sign_in(url, settings)
    paths = lists(until)
    found: dict[str, Any] = {}
    async with platform_api(settings) as (ours, port), peer_api(settings, url) as (theirs, peer_port):
        first = (await ask(port, token, paths, connections=1))["milliseconds"]
        again = (await ask(port, token, paths, connections=1))["milliseconds"]
        found |= {"lists": len(paths), "list_first_ms": round(max(first), 1), "list_again_ms": round(max(again), 1)}
        print("slowest lists, one at a time, each for the second time:", *slow_ones(paths, again), sep="\n  ")
        # The peer's database would sort millions of rows for the other orders; its own CPU is the same in each.
        by_time = [path for path in paths if path.endswith("created_at")]
        await ask(peer_port, token, by_time)
        every, mine, peers, database = [], [], [], []
        for turn in range(ROUNDS):
            random.Random(turn).shuffle(paths)
            before = database_cpu_ms(server.pid)
            every.append(await cpu_ms(ours, port, token, paths, CLOSED))
            database.append((database_cpu_ms(server.pid) - before) / CLOSED)
            mine.append(await cpu_ms(ours, port, token, by_time, CLOSED))
            peers.append(await cpu_ms(theirs, peer_port, token, by_time, PEER_CLOSED))
            told = f"CPU a request: {every[-1]:.2f} ms and {database[-1]:.2f} of PostgreSQL;"
            print(f"{told} by time {mine[-1]:.2f}, peer {peers[-1]:.2f}", flush=True)
        found |= await open_loop(port, token, paths, seconds)
        found |= {
            "list_requests_per_cpu_second": round(1000 / min(every)),
            "list_cpu_ms": [round(each, 2) for each in every],
            "list_database_cpu_ms": [round(each, 2) for each in database],
            "list_by_time_cpu_ms": [round(each, 2) for each in mine],
            "peer_requests_per_cpu_second": round(1000 / min(peers)),
            "peer_cpu_ms": [round(each, 2) for each in peers],
            "peer_cpu_ratio": round(float(np.median(peers) / np.median(mine)), 1),
        }
        found |= await deep_page(port, token, min(1_000_000, rows // 4))
        found |= await searches(port, token)
    return found


async def run(rows: int, data: Path | None, seconds: float) -> dict[str, Any]:
    async with call_rows(rows, data) as server:
        with tempfile.TemporaryDirectory() as scratch:
            settings = Settings(
                data_dir=Path(scratch),
                database_url=SecretStr(server.url),
                rate_limit_requests=10_000_000,
                access_token_minutes=600,
                log_level="WARNING",
            )
            facts = facts_of(rows, data)
            machine = {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "python": platform.python_version(),
            }
            return (
                machine
                | facts
                | await measure(settings, server, rows, facts["until"], seconds)
                | {"load_average": round(os.getloadavg()[0], 1)}
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=None, help="where the rows are kept; see benchmarks.rows")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the open loop")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    found = asyncio.run(run(options.rows, options.data, options.seconds))
    print(json.dumps(found, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
