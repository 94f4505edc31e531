"""Kills with -9, in flight: a process is stopped, looked at, and killed only if it was in the middle of something.

A stopped process holds still, so what is read of its rows and of the ledger is what it was killed at.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError

from benchmarks.chaos_points import IN_FLIGHT, OF_API, OF_WORKER, OpenAttempt, Point, points_of_api, points_of_worker
from benchmarks.chaos_stage import Stage, Victim
from voiceera.lab.ledger import LedgerTail, Row
from voiceera.processes import process_name

_SETTLE_SECONDS = 0.03
"""What a stopped process has sent already arrives."""
_TRIES = 150
_CLAIMED_BY = text("""
    SELECT id, state, accepted_at IS NOT NULL AS is_recorded, carrier_ended_at IS NOT NULL AS carrier_ended
    FROM attempts WHERE claimed_by = :name AND outcome IS NULL
""")
_OPEN = text("""
    SELECT id, state, accepted_at IS NOT NULL AS is_recorded, carrier_ended_at IS NOT NULL AS carrier_ended
    FROM attempts WHERE outcome IS NULL
""")
_IN_TRANSACTION = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'voiceera api' AND state LIKE 'idle in transaction%'
""")
_CONTACTS_IN_HAND = text("SELECT count(*) FROM contacts WHERE state = 'in_progress'")


@dataclass
class Toll:
    kills: int = 0
    in_flight: int = 0
    at: Counter[str] = field(default_factory=Counter)
    database_restarts: int = 0


class Killer:
    def __init__(self, world: Stage, seed: int, *, is_wrong: bool) -> None:
        """`is_wrong`: the workers keep no attempts; whatever contact is in hand then counts."""
        self.toll = Toll()
        self._world = world
        self._random = random.Random(seed)
        self._is_wrong = is_wrong
        self._tail = LedgerTail(world.lab.ledger)

    async def kill(self, wanted: Point | None, until: Callable[[], bool]) -> bool:
        """Kill one process at `wanted` (None: anywhere in flight) and replace it; False: no chance came in time."""
        for _ in range(_TRIES):
            if until():
                return False
            victim = self._pick(wanted)
            victim.stop()
            await asyncio.sleep(_SETTLE_SECONDS)
            caught = await self._caught(victim)
            if (caught & IN_FLIGHT if wanted is None else wanted in caught) or (self._is_wrong and caught):
                victim.kill()
                self._count(caught if wanted is None else {wanted}, caught)
                await victim.start()
                return True
            victim.go_on()
            await asyncio.sleep(self._random.uniform(0.002, 0.15))
        return False

    async def restart_database(self) -> None:
        self._world.restart_postgres()
        self.toll.database_restarts += 1
        await asyncio.sleep(self._random.uniform(0.5, 2))

    def _pick(self, wanted: Point | None) -> Victim:
        if wanted in OF_API:
            return self._world.api_role
        if wanted in OF_WORKER or self._is_wrong:
            return self._random.choice(self._world.workers)
        return self._random.choice([*self._world.workers, *self._world.workers, self._world.api_role])

    def _count(self, points: set[Point], caught: set[Point]) -> None:
        self.toll.kills += 1
        self.toll.in_flight += bool(caught & IN_FLIGHT)
        for point in points:
            self.toll.at[point] += 1

    async def _caught(self, victim: Victim) -> set[Point]:
        try:
            async with self._world.database.platform() as connection:
                if self._is_wrong:
                    in_hand = (await connection.execute(_CONTACTS_IN_HAND)).scalar_one()
                    return {Point.ACCEPTED} if in_hand else set()
                if victim.role == "api":
                    found = [_open(row) for row in await connection.execute(_OPEN)]
                    busy = (await connection.execute(_IN_TRANSACTION)).scalar_one()
                    return points_of_api(found, self._ledger(), in_transaction=bool(busy))
                name = process_name(victim.pid)
                found = [_open(row) for row in await connection.execute(_CLAIMED_BY, {"name": name})]
                return points_of_worker(found, self._ledger())
        except (DBAPIError, InterfaceError, OSError):
            return set()  # the database is just starting again

    def _ledger(self) -> list[Row]:
        return self._tail.rows()


def _open(row: Any) -> OpenAttempt:
    return OpenAttempt(str(row.id), row.state, row.is_recorded, row.carrier_ended)
