"""Does anybody ring twice, is anybody lost? Real processes, killed with -9 in the middle of dials; the lab judges.

    .venv/bin/python -m benchmarks.chaos [--contacts 1000] [--kills 20] [--faults 0.02] [--seed 1] [--json FILE]
        [--carrier plivo|twilio|…] [--dialer ours|naive|requeue] [--workers 2] [--restarts 1] [--stop-one SECONDS]

A lab, an embedded PostgreSQL, the API, a media process and the workers run as they do in production. A campaign calls
everybody while processes are killed at named points of a dial's life (each at least once, as far as `--kills` goes),
PostgreSQL is stopped as by a power cut, the carrier fails (`--faults`: the share of dials, and of callbacks, that
each kind of fault hits; what was placed under a fault calls nobody back), and one minute of the run lies outside the
calling window. Dials are slowed down so that there is somebody left to ring until the last kill.

Exit status 0 only if the lab's ledger shows one ring for each (contact, attempt), nobody lost, nobody stuck, none out
of hours, the counters added up in every second, and all the kills came about, each named point among them.
`--dialer naive` and `requeue` run wrong designs in the workers' place, which must fail.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError

from benchmarks.chaos_killer import Killer
from benchmarks.chaos_points import Point
from benchmarks.chaos_stage import CALLER_ID, Stage, Victim, WrongVictim, callees, numbers, set_campaign, stage
from benchmarks.chaos_verdict import AttemptRow, ChaosVerdict, Closed, ContactRow, closed_minute, judge
from benchmarks.chaos_wrong import World
from voiceera.demo.carriers import CARRIERS
from voiceera.lab.faults import Faults
from voiceera.lab.ledger import read_ledger

SECONDS_PER_KILL = 3.0
SLOWEST, FASTEST = 0.5, 50.0
"""Calls a second."""
_QUIET_SECONDS = 120.0
"""A wrong dialer that has moved nothing for so long will not move anything more."""
# One statement, so one instant: the counters, and a recount of the rows beside them.
_COUNTED = text("""
    SELECT n.total, n.pending, n.in_progress, n.reached, n.exhausted, n.suppressed, n.invalid, n.canceled,
           (SELECT jsonb_object_agg(state, number) FROM
               (SELECT state, count(*) AS number FROM contacts GROUP BY 1) recounted) AS recount
    FROM campaign_counts n
""")


async def run(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    began = monotonic()
    called = numbers(options.contacts)
    workers = options.workers if options.dialer == "ours" else 1
    async with stage(directory, callees(called), workers=workers, seed=options.seed) as world:
        closed = _closing_time()
        per_second = max(2.0, min(FASTEST, options.contacts / max(20.0, options.kills * SECONDS_PER_KILL)))
        await set_campaign(world, options.carrier, called, per_second, closed)
        await world.set_faults(_faults(options.faults, options.seed))
        if options.dialer != "ours":
            world.workers = [_wrong(options.dialer, world, per_second)]
        await asyncio.gather(*(worker.start() for worker in world.workers))
        if options.dialer == "ours":
            await world.api.post(f"/campaigns/{world.campaign_id}/launch")
        watch = Watch(world, monotonic() + options.timeout)
        killer = Killer(world, options.seed, is_wrong=options.dialer != "ours")
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch.run())
            pacing = tasks.create_task(_stretch(options, world, killer, watch))
            await _havoc(options, world, killer, watch)
            await watching
            pacing.cancel()
        verdict = await _verdict(world, [closed_minute(closed)], is_ours=options.dialer == "ours")
    return _figures(options, verdict, killer, watch, monotonic() - began)


def _closing_time() -> datetime:
    """The start of the next whole minute but one: somewhere in the run."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)


def _faults(share: float, seed: int) -> Faults:
    return Faults(
        seed=seed,
        fail_before=share,
        fail_after=share,
        hang_before=share,
        hang_after=share,
        reset_before=share,
        reset_after=share,
        hang_seconds=12.0,
        silent_after=True,
        callback_lost=share,
        callback_late=share,
        callback_doubled=share,
        callback_reordered=share,
        late_seconds=4.0,
        reporting_lag_seconds=1.0,
    )


def _wrong(design: str, world: Stage, per_second: float) -> Victim:
    told = World(
        database_url=world.postgres.url,
        organization_id=str(world.organization_id),
        campaign_id=str(world.campaign_id),
        lab_url=world.lab.base_url,
        auth_id=world.lab.auth_id,
        auth_token=world.lab.auth_token,
        caller_id=CALLER_ID,
        per_second=per_second,
    )
    return WrongVictim(design, told, world.directory / "wrong.log")


class Watch:
    """Samples the contacts' states once a second, until nothing is left to do or the time is up."""

    def __init__(self, world: Stage, deadline: float) -> None:
        self.samples = 0
        self.sums_off = 0
        self.pending = 0
        self.is_over = False
        self._world = world
        self._deadline = deadline
        self._last: dict[str, int] = {}
        self._moved_at = monotonic()

    async def run(self) -> None:
        while not self.is_over:
            await asyncio.sleep(1)
            try:
                await self._sample()
            except (DBAPIError, InterfaceError, OSError):
                continue  # the database is just starting again
        self.is_over = True

    async def _sample(self) -> None:
        async with self._world.database.platform() as connection:
            counts = (await connection.execute(_COUNTED)).one()._asdict()
        self.samples += 1
        total, states = counts.pop("total"), counts.pop("recount")
        recount = {state: states.get(state, 0) for state in counts}
        self.pending = states.get("pending", 0)
        self.sums_off += recount != counts or sum(counts.values()) != total
        if states != self._last:
            self._last, self._moved_at = states, monotonic()
        nothing_left = not states.get("pending") and not states.get("in_progress")
        waits_in_vain = not states.get("pending") and monotonic() - self._moved_at > _QUIET_SECONDS
        self.is_over = nothing_left or waits_in_vain or monotonic() > self._deadline


async def _havoc(options: argparse.Namespace, world: Stage, killer: Killer, watch: Watch) -> None:
    """The kills at named points first, then anywhere in flight; database restarts spread among them."""
    chance = random.Random(options.seed)
    wanted = deque(_wanted(options))
    restarts = deque(sorted(chance.sample(range(options.kills), min(options.restarts, options.kills))))
    stop_at = options.kills // 2 if options.stop_one else None
    while not watch.is_over and (wanted or killer.toll.kills < options.kills):
        if restarts and killer.toll.kills >= restarts[0]:
            restarts.popleft()
            await killer.restart_database()
        if stop_at is not None and killer.toll.kills >= stop_at:
            stop_at = None
            await _stop_one(world, options.stop_one)
        point = wanted.popleft() if wanted else None
        if not await killer.kill(point, lambda: watch.is_over) and point is not None:
            wanted.append(point)  # its moment did not come: later again
            if killer.toll.kills < options.kills - len(wanted):
                await killer.kill(None, lambda: watch.is_over)
        await asyncio.sleep(chance.uniform(0.1, 0.8))


def _wanted(options: argparse.Namespace) -> list[Point]:
    return list(Point)[: options.kills] if options.dialer == "ours" else []


async def _stretch(options: argparse.Namespace, world: Stage, killer: Killer, watch: Watch) -> None:
    """Slow the campaign down, so that the last kill finds somebody in flight; then let it go."""
    began = monotonic()
    while not watch.is_over:
        await asyncio.sleep(2)
        left = options.kills - killer.toll.kills
        each = (monotonic() - began + SECONDS_PER_KILL) / (killer.toll.kills + 1)
        rate = watch.pending / (1.5 * left * each) if left > 0 else FASTEST
        with suppress(DBAPIError, InterfaceError, OSError):
            await world.set_rate(max(SLOWEST, min(FASTEST, rate)))
        if options.verbose:
            print(f"{monotonic() - began:.0f} s: {killer.toll.kills} kills, {watch.pending} wait", file=sys.stderr)


async def _stop_one(world: Stage, seconds: float) -> None:
    """A worker that stands still, its dials and claims in hand, and goes on as if nothing had been."""
    world.workers[0].stop()
    await asyncio.sleep(seconds)
    world.workers[0].go_on()


async def _verdict(world: Stage, closed: Sequence[Closed], *, is_ours: bool) -> ChaosVerdict:
    async with world.database.platform() as connection:
        contacts = await connection.execute(text("SELECT phone_number, state FROM contacts"))
        attempts = await connection.execute(
            text("SELECT id, phone_number, outcome, accepted_at IS NOT NULL FROM attempts")
        )
        return judge(
            read_ledger(world.lab.ledger),
            [ContactRow(*row) for row in contacts],
            [AttemptRow(str(row[0]), *row[1:]) for row in attempts],
            closed if is_ours else (),
        )


def _figures(
    options: argparse.Namespace, verdict: ChaosVerdict, killer: Killer, watch: Watch, seconds: float
) -> dict[str, Any]:
    at = killer.toll.at
    all_kills = killer.toll.kills >= options.kills and all(at[point] for point in _wanted(options))
    is_clean = verdict.is_clean and watch.samples > 0 and not watch.sums_off
    return {
        "dialer": options.dialer,
        "carrier": options.carrier,
        "workers": options.workers,
        "contacts": verdict.contacts,
        "kills": killer.toll.kills,
        "kills_in_flight": killer.toll.in_flight,
        "kills_at": {point.value: at[point] for point in Point},
        "db_restarts": killer.toll.database_restarts,
        "faults": options.faults,
        "dials": verdict.dials,
        "rings": verdict.rings,
        "doubled": verdict.doubled,
        "lost": verdict.lost,
        "stuck": verdict.stuck,
        "unknown_final": verdict.unknown_final,
        "out_of_hours": verdict.out_of_hours,
        "samples": watch.samples,
        "sums_off": watch.sums_off,
        "seconds": round(seconds, 1),
        "all_kills": all_kills,
        "clean": is_clean and (all_kills or options.dialer != "ours"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--faults", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dialer", choices=("ours", "naive", "requeue"), default="ours")
    parser.add_argument("--carrier", choices=CARRIERS, default="plivo", help="whose dialect the lab speaks")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--restarts", type=int, default=1, help="immediate restarts of PostgreSQL")
    parser.add_argument("--stop-one", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument(
        "--timeout", type=float, default=1800.0, help="seconds until whatever is left counts as stuck"
    )
    parser.add_argument("--keep", type=Path, help="a directory for ledger and logs, which then stay")
    parser.add_argument("--verbose", action="store_true", help="say how far it is")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voiceera-chaos-", ignore_cleanup_errors=True) as temporary:
        directory = options.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o711)
        figures = asyncio.run(run(options, directory))
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    sys.exit(0 if figures["clean"] else 1)


if __name__ == "__main__":
    main()
