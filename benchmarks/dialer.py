"""How fast contacts come in, claims are made and calls are placed, and whether a rate is ever passed.

    .venv/bin/python -m benchmarks.dialer [--contacts 1000000] [--json FILE] [--seconds 20] [--workers 1]
        [--whole 5000] [--only import|dials|whole|pacing] [--made-in-sql]

Real processes on this machine: the embedded PostgreSQL (which flushes every commit), the API, a media process,
workers, and the lab, whose ledger tells what arrived and when. Nobody talks: whoever is rung is busy.

  import_seconds, import_peak_mb  a CSV of all contacts through POST /campaigns/{id}/contacts/upload, and the most
                                  memory that the API process held meanwhile
  claim_ms_p50, claim_ms_p99      one claim of up to 20 contacts among all of them, as the worker makes it
  dials_per_second                from the lab's ledger, while workers dial those contacts; every answer is written
                                  down, nobody is called back
  calls_per_second_whole          calls of a campaign from its launch to its end, with the callbacks of ringing and
                                  hanging up; its stats must equal a recount of its rows, and the ledger
  max_in_any_second_over_limit    most dials in any sliding second beyond the limit of 50, with two
                                  dialers; never > 0

`cpu_ms_per_…` is the CPU time of each process for one dial or call. `--made-in-sql`: contacts are not uploaded but
made in the database, to see what a claim costs among ten million.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import text

from benchmarks.chaos_stage import CALLER_ID, FLOW, Stage, stage
from benchmarks.process_cpu import cpu_seconds, forget_peak, peak_mb
from voiceera.clock import utc_now
from voiceera.lab.faults import Faults
from voiceera.lab.ledger import Event, read_ledger
from voiceera.providers.carriers.scripted import ScriptedCarrier
from voiceera.rules.campaigns import WEEKDAYS
from voiceera.rules.pacing import Limit
from voiceera.services import claiming
from voiceera.services.caller_ids import Pools
from voiceera.services.trunks import Trunk
from voiceera.store.dial_queue import Work

AREAS = (202, 212, 213, 214, 303, 312, 404, 415, 503, 602, 617, 702)
PACED_PER_SECOND = 50
PACED_SECONDS = 30
FASTEST = 5000
CLAIMS = 200
CLAIMED_AT_ONCE = 20
LONGEST_STILL_SECONDS = 300.0
"""By then a lost callback has been made good by a look-up."""
SETTLE_SECONDS = 3.0
_BUSY = {"answers": "busy", "ring_seconds": [0.3, 1.0]}
_ANY_TIME = ({"start": "00:00", "end": "24:00"},)
_NO_RETRIES = {"delays_seconds": [], "times": 0}


def number(index: int) -> str:
    """A valid number; neighbours in the file are none in the index."""
    place = index * 7919 % 80_000_000
    return f"+1{AREAS[place % 12]}{200 + place // 12 % 800:03d}{place // 9600 % 10000:04d}"


def people(contacts: int) -> dict[str, Any]:
    """All are busy, but for a number in fifty that does not exist and one in a hundred where nobody is at home."""
    special: dict[str, Any] = {number(index): {"answers": "invalid"} for index in range(7, contacts, 50)}
    special |= {number(index): {"answers": "nobody"} for index in range(23, contacts, 100)}
    return special | {"default": _BUSY}


def contact_file(path: Path, contacts: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("phone_number,name,city\n")
        for index in range(contacts):
            file.write(f"{number(index)},Person {index},Springfield\n")


def _open_to_others(directory: Path) -> Path:
    """The database runs as another user."""
    directory.chmod(0o711)
    return directory


@asynccontextmanager
async def running(workers: int, called: dict[str, Any]) -> AsyncIterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="voiceera-dialer-", ignore_cleanup_errors=True) as temporary:
        directory = _open_to_others(Path(temporary))
        async with stage(
            *(directory, called),
            workers=workers,
            seed=1,
            calls_per_second=10 * FASTEST,
            media_capacity=1_000_000,
            kills=False,
        ) as world:
            await world.api.register("speed@example.com", "a long enough password", "Speed", "Speed")
            world.organization_id = UUID((await world.api.get("/auth/me"))["organization_id"])
            line = {
                "base_url": world.lab.base_url,
                "caller_ids": [CALLER_ID],
                "allowed_countries": ["US"],
                "calls_per_second": FASTEST,
                "max_concurrent_calls": 100_000,
            }
            keys = {"auth_id": world.lab.auth_id, "auth_token": world.lab.auth_token}
            told = {"name": "The lab", "type": "telephony", "provider": "plivo", "config": line, "credentials": keys}
            await world.api.post("/integrations", told)
            yield world


async def campaign(world: Stage, per_second: float) -> UUID:
    agents = (await world.api.get("/agents"))["items"]
    agent = (
        agents[0] if agents else await world.api.post("/agents", {"name": "Speed", "language": "en-US", "flow": FLOW})
    )
    told = {
        "name": f"At {per_second} a second",
        "agent_id": agent["id"],
        "category": "transactional",
        "country": "US",
        "timezone": "UTC",
        "calling_windows": dict.fromkeys(WEEKDAYS, _ANY_TIME),
        "max_concurrent_calls": 100_000,
        "calls_per_second": per_second,
        "ring_seconds": 10,
        "retries": dict.fromkeys(("busy", "no_answer", "failed", "dropped_early", "voicemail"), _NO_RETRIES),
    }
    return UUID((await world.api.post("/campaigns", told))["id"])


# ── contacts and claims ──────────────────────────────────────────────────────────────────────────────────────────


async def bring_in(world: Stage, campaign_id: UUID, contacts: int) -> dict[str, float]:
    path = world.directory / "contacts.csv"
    contact_file(path, contacts)
    pid = world.api_role.pid
    before, began = cpu_seconds(), perf_counter()
    forget_peak(pid)
    with path.open("rb") as file:
        told = await world.api.upload(
            f"/campaigns/{campaign_id}/contacts/upload", "contacts.csv", file, within_seconds=3600
        )
    seconds = perf_counter() - began
    if told["added"] != contacts:
        raise RuntimeError(f"{told['added']} of {contacts} were added: {told['problems'][:3]}")
    return {
        "import_seconds": round(seconds, 1),
        "import_peak_mb": round(peak_mb(pid), 1),
        **{f"import_cpu_seconds_{name}": round(spent, 1) for name, spent in (cpu_seconds() - before).items()},
    }


_MADE = text("""
    INSERT INTO contacts (organization_id, campaign_id, id, phone_number, due_at, created_at, updated_at)
    SELECT :organization_id, :campaign_id, gen_random_uuid(), '+1' || (2020000000 + n), now(), now(), now()
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n
""")


async def make_in_sql(world: Stage, campaign_id: UUID, contacts: int) -> None:
    for first in range(0, contacts, 500_000):
        async with world.database.organization(world.organization_id) as connection:
            keys = {"organization_id": world.organization_id, "campaign_id": campaign_id}
            await connection.execute(_MADE, keys | {"first": first, "last": min(contacts, first + 500_000) - 1})


async def claims(world: Stage, campaign_id: UUID) -> dict[str, float]:
    """What the worker does, from here, on the same database; then undone."""
    trunk = Trunk(campaign_id, "plivo", ScriptedCarrier(), (CALLER_ID,), ("US",), float(FASTEST), 100_000)
    work, pool = (
        Work(world.organization_id, campaign_id),
        await Pools(world.database).of(world.organization_id, trunk, utc_now()),
    )
    own = Limit(CLAIMED_AT_ONCE, 0, FASTEST)
    milliseconds = []
    for _ in range(CLAIMS):
        began = perf_counter()
        claimed = await claiming.claim(world.database, work, trunk, pool, own, "a benchmark", utc_now())
        milliseconds.append(1000 * (perf_counter() - began))
        if len(claimed) != CLAIMED_AT_ONCE:
            raise RuntimeError(f"{len(claimed)} contacts were claimed")
    async with world.database.organization(world.organization_id) as connection:
        await connection.execute(text("DELETE FROM attempts"))
        await connection.execute(text("UPDATE contacts SET state = 'pending' WHERE state = 'in_progress'"))
    hundredths = statistics.quantiles(milliseconds, n=100)
    return {"claim_ms_p50": round(statistics.median(milliseconds), 2), "claim_ms_p99": round(hundredths[98], 2)}


# ── dials ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def dials(world: Stage, campaign_id: UUID, seconds: float) -> dict[str, Any]:
    """Calls nobody back: the ledger's dials in the middle of the run, and that all of them were written down."""
    await world.set_faults(Faults(callback_lost=1.0))
    await asyncio.gather(*(worker.start() for worker in world.workers))
    await asyncio.sleep(2)
    before, first = cpu_seconds(), _dialled(world)
    began = monotonic()
    await asyncio.sleep(seconds)
    took, last, after = monotonic() - began, _dialled(world), cpu_seconds()
    await world.api.post(f"/campaigns/{campaign_id}/pause")
    await asyncio.sleep(SETTLE_SECONDS)
    recorded = await _count(world, "SELECT count(*) FROM attempts WHERE accepted_at IS NOT NULL")
    await _end_workers(world)
    return {
        "dials_per_second": round((last - first) / took, 1),
        "dials": _dialled(world),
        "dials_recorded": recorded,
        "cpu_ms_per_dial": _each(after, before, last - first),
    }


async def whole(world: Stage, campaign_id: UUID, contacts: int) -> dict[str, Any]:
    """A campaign from its launch to its end, and whether its figures agree with its rows and with the ledger."""
    await asyncio.gather(*(worker.start() for worker in world.workers))
    before, began = cpu_seconds(), monotonic()
    await world.api.post(f"/campaigns/{campaign_id}/launch")
    ended, moved = 0, began
    while ended < contacts:
        await asyncio.sleep(0.5)
        before_it, ended = ended, await _count(world, "SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL")
        moved = monotonic() if ended > before_it else moved
        if monotonic() - moved > LONGEST_STILL_SECONDS:
            raise RuntimeError(f"{contacts - ended} of {contacts} calls do not come to their end")
    seconds = monotonic() - began
    spent = _each(cpu_seconds(), before, ended)
    await asyncio.sleep(SETTLE_SECONDS)  # the campaign is completed by the reaper
    await _end_workers(world)
    figures = {"calls_per_second_whole": round(ended / seconds, 1), "calls_whole": ended, "cpu_ms_per_call": spent}
    figures["whole_late"] = await _count(world, "SELECT count(*) FROM attempts WHERE fence > 1")
    status = (await world.api.get(f"/campaigns/{campaign_id}"))["status"]
    return figures | {"status": status} | await agreement(world, campaign_id)


async def agreement(world: Stage, campaign_id: UUID) -> dict[str, Any]:
    """The campaign's stats, which come from counters, beside a recount of its rows and beside the lab's ledger."""
    stats = await world.api.get(f"/campaigns/{campaign_id}/stats")
    states = await _grouped(world, "SELECT state, count(*) FROM contacts GROUP BY 1")
    outcomes = await _grouped(world, "SELECT outcome, count(*) FROM attempts GROUP BY 1")
    told = {name: count for name, count in stats["outcomes"].items() if count}
    events = Counter(row.event for row in read_ledger(world.lab.ledger))
    seen = {"busy": events[Event.BUSY], "no_answer": events[Event.NO_ANSWER], "invalid": events[Event.INVALID]}
    is_recount = told == outcomes and all(stats[state] == count for state, count in states.items())
    return {
        "stats": {"total": stats["total"], **states, "outcomes": told},
        "stats_equal_recount": is_recount and stats["total"] == sum(states.values()),
        "stats_equal_ledger": told == seen and events[Event.DIAL_REQUEST] == sum(told.values()),
    }


async def _grouped(world: Stage, statement: str) -> dict[str, int]:
    async with world.database.organization(world.organization_id) as connection:
        return {row[0]: row[1] for row in await connection.execute(text(statement))}


async def paced(world: Stage, campaign_id: UUID) -> dict[str, Any]:
    await asyncio.gather(*(worker.start() for worker in world.workers))
    begin = _dialled(world)
    await world.api.post(f"/campaigns/{campaign_id}/launch")
    await asyncio.sleep(PACED_SECONDS)
    await world.api.post(f"/campaigns/{campaign_id}/stop")
    await _end_workers(world)
    at = sorted(_dials(world))[begin:]
    return {
        "max_in_any_second_over_limit": most_in_any_second(at) - PACED_PER_SECOND,
        "paced_per_second": round(len(at) / (at[-1] - at[0]), 1),
        "paced_late": await _count(world, "SELECT count(*) FROM attempts WHERE fence > 1"),
    }


def most_in_any_second(at: list[float]) -> int:
    """The most of these instants, in order, that lie less than a second apart."""
    most = first = 0
    for last, instant in enumerate(at):
        while instant - at[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def _dials(world: Stage) -> list[float]:
    return [row.at for row in read_ledger(world.lab.ledger) if row.event is Event.DIAL_REQUEST]


def _dialled(world: Stage) -> int:
    return world.lab.ledger.read_bytes().count(b'"event":"dial_request"')


async def _count(world: Stage, statement: str) -> int:
    async with world.database.organization(world.organization_id) as connection:
        return int(await connection.scalar(text(statement)) or 0)


async def _end_workers(world: Stage) -> None:
    for worker in world.workers:
        worker.end()


def _each(after: Counter[str], before: Counter[str], count: int) -> dict[str, float]:
    return {name: round(1000 * spent / max(1, count), 3) for name, spent in sorted((after - before).items())}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"contacts": options.contacts, "workers": options.workers}
    only: str | None = options.only
    if only in (None, "import", "dials"):
        async with running(options.workers, {"default": _BUSY}) as world:
            campaign_id = await campaign(world, FASTEST)
            if options.made_in_sql:
                await make_in_sql(world, campaign_id, options.contacts)
            else:
                figures |= await bring_in(world, campaign_id, options.contacts)
            await world.api.post(f"/campaigns/{campaign_id}/launch")
            figures |= await claims(world, campaign_id)
            if only != "import" and not options.made_in_sql:
                figures |= await dials(world, campaign_id, options.seconds)
    for name, contacts, per_second, measure in (
        ("pacing", 2 * PACED_PER_SECOND * PACED_SECONDS, PACED_PER_SECOND, lambda w, c: paced(w, c)),
        ("whole", options.whole, FASTEST, lambda w, c: whole(w, c, options.whole)),
    ):
        if only in (None, name):
            figures |= await _apart(contacts, per_second, 2 if name == "pacing" else options.workers, measure)
    return figures


async def _apart(
    contacts: int, per_second: float, workers: int, measure: Callable[[Stage, UUID], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    async with running(workers, people(contacts)) as world:
        campaign_id = await campaign(world, per_second)
        await bring_in(world, campaign_id, contacts)
        return await measure(world, campaign_id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long dials are counted")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--whole", type=int, default=5000, help="calls to carry through to their end")
    parser.add_argument("--only", choices=("import", "dials", "pacing", "whole"))
    parser.add_argument("--made-in-sql", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = asyncio.run(run(options))
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
