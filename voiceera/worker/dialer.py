"""The dialer: claims what is due, asks the gate at the instant of each dial, dials, and writes down the answer."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from structlog.contextvars import bound_contextvars

from voiceera import vitals
from voiceera.clock import monotonic, utc_now
from voiceera.errors import Conflict
from voiceera.log import get_logger
from voiceera.providers.protocols import DialAnswer, Placed
from voiceera.rules.pacing import next_slice
from voiceera.services import claiming, dialing
from voiceera.services.claiming import Claim
from voiceera.services.dialing import Intent
from voiceera.services.line_health import LineHealth
from voiceera.services.live import tell
from voiceera.services.trunks import Trunk, TrunkBook
from voiceera.store import attempts, dial_queue, maintenance
from voiceera.store.base import Database
from voiceera.store.bus import Bus

log = get_logger("dialer")

_BUSY_SECONDS = 0.2
"""Until the next look while there is something to dial; half of what a claim hands out."""
_IDLE_SECONDS = 0.5
_STUCK_SECONDS = 30.0
"""A round that takes longer than this is taken for stuck."""
_TRANSACTIONS_AT_ONCE = 6
"""Fewer than the pool holds: the reaper and the round itself need connections too."""
_LEAD_SECONDS = 0.2
"""An intent is begun this long before its start, so that the commit does not make it late."""
_MOST_AT_ONCE = 1000


class Dialer:
    """One of any number, in any number of processes; what they share is in the database."""

    def __init__(
        self,
        database: Database,
        bus: Bus | None,
        trunks: TrunkBook,
        *,
        public_url: str,
        name: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._trunks = trunks
        self._public_url = public_url
        self._name = name
        self._now = now
        self._wake = asyncio.Event()
        self._transactions = asyncio.Semaphore(_TRANSACTIONS_AT_ONCE)
        self._in_maintenance = False
        self._health = LineHealth(database)
        self._complained: dict[object, float] = {}
        self._at_once = _MOST_AT_ONCE
        self._was_late = False

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Dial until `stop`; dials that are under way are carried through to the carrier's answer."""
        stopping = asyncio.create_task(stop.wait())
        async with asyncio.TaskGroup() as dials:
            while not stop.is_set():
                self._wake.clear()
                pause = await self._look(dials, stop)
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait({waking, stopping}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
            vitals.ended("dialer")
        await stopping

    async def _look(self, dials: asyncio.TaskGroup, stop: asyncio.Event) -> float:
        """One round; how long to rest after it, in seconds. A database that is away is no reason to end."""
        try:
            claims = await self.round()
        except Exception:
            log.exception("round_failed")
            return 1.0
        vitals.went_round("dialer", _STUCK_SECONDS)
        for claim, trunk in claims:
            dials.create_task(self._dial_safely(claim, trunk, stop))
        return _BUSY_SECONDS if claims else _IDLE_SECONDS

    async def round(self) -> list[tuple[Claim, Trunk]]:
        """Claim what may be dialled within the pacing's horizon, for every organization that has work."""
        now = self._now()
        async with self._database.platform() as connection:
            self._in_maintenance = (await maintenance.get(connection)).is_on(now)
            queue = [] if self._in_maintenance else await dial_queue.work(connection, now)
        self._at_once = next_slice(self._at_once, _MOST_AT_ONCE, was_late=self._was_late)
        self._was_late = False
        if not queue:
            return []
        room = await claiming.media_room(self._database, now)
        found: list[tuple[Claim, Trunk]] = []
        room = min(room, self._at_once)
        for work in queue:
            if room <= 0:
                self._complain("media", "no_media_room")
                break
            try:
                trunk = await self._trunks.of(work.organization_id)
            except Conflict as problem:
                self._complain(work.organization_id, "no_trunk", reason=problem.message)
                continue
            claims = await claiming.claim(self._database, work, trunk, room, self._name, self._now())
            room -= len(claims)
            found += [(claim, trunk) for claim in claims]
        return found

    async def _dial_safely(self, claim: Claim, trunk: Trunk, stop: asyncio.Event) -> None:
        """One dial may fail (the database went away in between); the reaper puts it right, and the rest go on."""
        try:
            await self._wait_until(claim.start_at, early=_LEAD_SECONDS)
            if stop.is_set():
                await self._release(claim)
            else:
                await self.dial(claim, trunk)
        except Exception:
            log.exception("dial_failed", attempt_id=str(claim.claimed.attempt_id))

    async def _wait_until(self, instant: datetime, early: float = 0.0) -> None:
        wait = (instant - self._now()).total_seconds() - early
        if wait > 0:
            await asyncio.sleep(wait)

    async def dial(self, claim: Claim, trunk: Trunk) -> None:
        """Gate, intent, carrier, answer. The gate is asked about the instant of the start."""
        if self._now() > claim.send_by:
            self._was_late = True
            await self._release(claim)
            return
        async with self._transactions:
            intended = await dialing.intend(
                self._database,
                claim.claimed,
                trunk,
                self._public_url,
                max(self._now(), claim.start_at),
                in_maintenance=self._in_maintenance,
            )
        if not isinstance(intended, Intent):
            await tell(self._bus, intended)
            return
        with bound_contextvars(request_id=intended.request_id):
            await self._send(claim, trunk, intended)

    async def _send(self, claim: Claim, trunk: Trunk, intended: Intent) -> None:
        await tell(self._bus, intended.state)
        await self._wait_until(claim.start_at)
        is_late = self._now() > claim.send_by
        if is_late:
            # Sent now, it could be one too many in some second: it gets another start.
            self._was_late = True
            log.warning("not_sent_in_time", attempt_id=intended.dial.reference)
            answer = DialAnswer(Placed.BUSY_NOW, reason="not sent in time")
        else:
            answer = await trunk.carrier.dial(intended.dial)
            vitals.count(f"dials_{answer.placed}")
        if answer.placed is not Placed.ACCEPTED:
            log.warning(
                "not_accepted", attempt_id=intended.dial.reference, placed=answer.placed, reason=answer.reason
            )
        async with self._transactions:
            state = await dialing.record_answer(self._database, claim.claimed, answer, self._now())
        await tell(self._bus, state)
        if not is_late:
            await self._note_health(claim, trunk, answer)

    async def _note_health(self, claim: Claim, trunk: Trunk, answer: DialAnswer) -> None:
        """After the answer is written down: what cannot be noted loses nothing."""
        try:
            await self._health.note(claim.claimed.organization_id, trunk, answer, self._now())
        except Exception:
            log.exception("health_not_noted")

    async def _release(self, claim: Claim) -> None:
        key = (claim.claimed.organization_id, claim.claimed.attempt_id)
        async with self._transactions, self._database.organization(key[0]) as connection:
            attempt = await attempts.lock(connection, *key)
            if attempt is not None and dialing.is_held(attempt, claim.claimed):
                await dialing.release(connection, attempt, self._now())

    def _complain(self, about: object, event: str, **fields: str) -> None:
        """Once a minute."""
        if monotonic() - self._complained.get(about, float("-inf")) > timedelta(minutes=1).total_seconds():
            self._complained[about] = monotonic()
            log.warning(event, about=str(about), **fields)
