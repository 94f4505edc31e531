"""The dialer: claims what is due, asks the gate at the instant of each dial, dials, and writes down the answer."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from structlog.contextvars import bound_contextvars

from voiceera import vitals
from voiceera.clock import monotonic, utc_now
from voiceera.errors import Conflict
from voiceera.gathering import Gatherer
from voiceera.log import get_logger
from voiceera.providers.protocols import DialAnswer, Placed
from voiceera.rules.pacing import SLOT
from voiceera.services import breakers, carrier_answers, cases, claiming, dialing, releasing
from voiceera.services.abandonment import Abandonment
from voiceera.services.breakers import Hearsay, Line, News
from voiceera.services.caller_ids import Pools
from voiceera.services.carrier_answers import Answered
from voiceera.services.claiming import Claim
from voiceera.services.dial_log import DialLog
from voiceera.services.dialing import Intended, Intent
from voiceera.services.line_health import LineHealth
from voiceera.services.live import tell_all
from voiceera.services.trunks import Trunk, TrunkBook
from voiceera.store import attempts, dial_queue, maintenance
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.worker.stride import Stride

log = get_logger("dialer")

_BUSY_SECONDS = 0.2
"""Until the next look while there is something to dial; half of what a claim hands out."""
_IDLE_SECONDS = 0.5
_APART_SECONDS = 0.1
"""The least between two looks: places that come free one by one are given out together."""
_LOG_SECONDS = 10.0
"""How often it is written down who could not be dialled."""
_STUCK_SECONDS = 30.0
"""A round that takes longer than this is taken for stuck."""
_TRANSACTIONS_AT_ONCE = 6
"""Fewer than the pool holds: the reaper and the round itself need connections too."""
_MOST_IN_HAND = 1000
"""Claims that the carrier has not answered yet, beyond which no more are made."""
_MOST_IN_A_SLICE = 100
_ANSWERS_SECONDS = 0.1
"""How long an answer waits for others, to be written down with them."""
_LATE_SECONDS = 0.005
_SLICE = 4 * SLOT
"""Claims that start within it are decided together: how long before its start a call is, at most, beyond the lead."""


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
        answers_wait_seconds: float = _ANSWERS_SECONDS,
    ) -> None:
        self._database = database
        self._bus = bus
        self._trunks = trunks
        self._pools = Pools(database)
        self._abandonment = Abandonment()
        self._log = DialLog(database)
        self._logged_at = monotonic()
        self._public_url = public_url
        self._name = name
        self._now = now
        self._wake = asyncio.Event()
        self._transactions = asyncio.Semaphore(_TRANSACTIONS_AT_ONCE)
        self._answers: Gatherer[UUID, Answered, None] = Gatherer(
            self._record, pause_seconds=answers_wait_seconds, at_most=_MOST_IN_A_SLICE
        )
        self._hearsay = Hearsay()
        self._news: Gatherer[Line, News, None] = Gatherer(
            self._tell_breakers, pause_seconds=answers_wait_seconds, at_most=_MOST_IN_A_SLICE
        )
        self._in_maintenance = False
        self._health = LineHealth(database)
        self._complained: dict[object, float] = {}
        self._in_hand = 0
        self._stride = Stride()
        self._late: Gatherer[_Line, Intent, datetime | None] = Gatherer(
            self._rebook, pause_seconds=_LATE_SECONDS, at_most=_MOST_IN_HAND
        )

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
                if monotonic() - self._logged_at > _LOG_SECONDS:
                    dials.create_task(self.write_log())
                await asyncio.wait({stopping}, timeout=_APART_SECONDS)
                waking = asyncio.create_task(self._wake.wait())
                left = max(0.0, pause - _APART_SECONDS)
                await asyncio.wait({waking, stopping}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
            vitals.ended("dialer")
        await self.write_log()
        await stopping

    async def write_log(self) -> None:
        """Write down, in the campaigns' logs, who could not be dialled since the last time."""
        self._logged_at = monotonic()
        try:
            await self._log.write(self._now())
        except Exception:
            log.exception("log_not_written")

    async def _look(self, dials: asyncio.TaskGroup, stop: asyncio.Event) -> float:
        """One round; how long to rest after it, in seconds. A database that is away is no reason to end."""
        try:
            found = await self.round()
        except Exception:
            log.exception("round_failed")
            return 1.0
        vitals.went_round("dialer", _STUCK_SECONDS)
        for part, trunk in slices(found):
            self._in_hand += len(part)
            dials.create_task(self._dial_safely(part, trunk, stop))
        return _BUSY_SECONDS if found else _IDLE_SECONDS

    async def round(self) -> list[tuple[Claim, Trunk]]:
        """Claim what may be dialled within the pacing's horizon, for every organization that has work."""
        now = self._now()
        async with self._database.platform() as connection:
            self._in_maintenance = (await maintenance.get(connection)).is_on(now)
            queue = [] if self._in_maintenance else await dial_queue.work(connection, now)
        if not queue:
            return []
        if (free := _MOST_IN_HAND - self._in_hand) <= 0:
            return []
        media_room = await claiming.media_room(self._database, now)
        if media_room <= 0:
            self._complain("media", "no_media_room")
            for work in queue:
                self._log.hold(work.organization_id, work.campaign_id, "no_media_room", None)
        room = min(free, media_room)
        found: list[tuple[Claim, Trunk]] = []
        for work in queue:
            if room <= 0:
                break
            try:
                trunk = await self._trunks.of(work.organization_id)
            except Conflict as problem:
                self._complain(work.organization_id, "no_trunk", reason=problem.message)
                self._log.hold(work.organization_id, work.campaign_id, "no_trunk", None)
                continue
            pool = await self._pools.of(work.organization_id, trunk, self._now())
            claims = await claiming.claim(
                *(self._database, work, trunk, pool, self._stride.limit(room), self._name, self._now()),
                abandonment=self._abandonment,
                held=self._log.hold,
            )
            self._stride.book([claim.start_at for claim in claims], self._now())
            room -= len(claims)
            found += [(claim, trunk) for claim in claims]
        return found

    async def _dial_safely(self, claims: Sequence[Claim], trunk: Trunk, stop: asyncio.Event) -> None:
        """A slice may fail (the database went away in between); the reaper puts it right, and the rest go on."""
        try:
            await self._until(claims[0].start_at - claiming.LEAD)
            if stop.is_set():
                await self._release(claims)
            else:
                await self.dial_slice(claims, trunk)
        except Exception:
            log.exception("dials_failed", attempt_ids=[str(claim.claimed.attempt_id) for claim in claims])
        finally:
            self._in_hand -= len(claims)

    async def _until(self, instant: datetime) -> None:
        wait = (instant - self._now()).total_seconds()
        if wait > 0:
            await asyncio.sleep(wait)

    async def dial(self, claim: Claim, trunk: Trunk) -> None:
        """Gate, intent, carrier, answer."""
        await self.dial_slice([claim], trunk)

    async def dial_slice(self, claims: Sequence[Claim], trunk: Trunk) -> None:
        """The same of one organization's claims that start together: their intents in one transaction."""
        async with self._transactions:
            intended = await self._intend(claims, trunk)
        self._log.defer(claims[0].claimed.organization_id, intended.deferred)
        await tell_all(self._bus, [*intended.ended, *(intent.state for intent in intended.intents)])
        await asyncio.gather(*(self._send(intent, trunk) for intent in intended.intents))

    async def _intend(self, claims: Sequence[Claim], trunk: Trunk) -> Intended:
        """A slice that fails is tried claim by claim: one that cannot be dialled must not hold up the others."""
        organization_id = claims[0].claimed.organization_id
        try:
            pool = await self._pools.of(organization_id, trunk, self._now())
            return await dialing.intend(
                self._database,
                organization_id,
                claims,
                trunk,
                self._public_url,
                self._now(),
                pool=pool,
                in_maintenance=self._in_maintenance,
            )
        except Exception:
            if len(claims) == 1:
                raise
            log.exception("slice_failed", claims=len(claims))
        done = Intended()
        for claim in claims:
            try:
                one = await self._intend([claim], trunk)
            except Exception:
                log.exception("dial_failed", attempt_id=str(claim.claimed.attempt_id))
            else:
                done = done.with_(one)
        return done

    async def _send(self, intent: Intent, trunk: Trunk) -> None:
        with bound_contextvars(request_id=intent.request_id):
            try:
                in_time = await self._in_time(intent, trunk)
                if in_time is None:
                    log.warning("not_sent_in_time", attempt_id=intent.dial.reference)
                    await self._answered(intent, DialAnswer(Placed.BUSY_NOW, reason="not sent in time"))
                    return
                answer = await trunk.carrier.dial(intent.dial)
                vitals.count(f"dials_{answer.placed}")
                if answer.placed is not Placed.ACCEPTED:
                    told = {"placed": answer.placed, "reason": answer.reason}
                    log.warning("not_accepted", attempt_id=intent.dial.reference, **told)
                await self._answered(intent, answer)
                await self._note(intent, trunk, answer)
            except Exception:
                log.exception("dial_failed", attempt_id=intent.dial.reference)

    async def _in_time(self, intent: Intent, trunk: Trunk) -> Intent | None:
        """Wait for the start. Sent later, a call could be one too many in some second: it gets another start, until
        what the gate said no longer holds."""
        current: Intent | None = intent
        while current is not None:
            await self._until(current.claim.start_at)
            is_late = self._now() > current.claim.send_by
            self._stride.note(is_late=is_late)
            if not is_late:
                return current
            start = await self._late.put((*_of(intent.claim), trunk), intent)
            current = None if start is None else intent.at(start)
        return None

    async def _rebook(self, line: "_Line", late: Sequence[Intent]) -> list[datetime | None]:
        organization_id, campaign_id, trunk = line
        async with self._transactions:
            starts = await claiming.rebook(
                *(self._database, organization_id, campaign_id, trunk, len(late)),
                *(self._stride.limit(len(late)), self._now()),
            )
        self._stride.book(starts, self._now())
        return [*starts, *([None] * (len(late) - len(starts)))]

    async def _note(self, intent: Intent, trunk: Trunk, answer: DialAnswer) -> None:
        """Let whoever watches the line know."""
        claimed, now = intent.claim.claimed, self._now()
        await self._health.note(claimed.organization_id, trunk, answer, now)
        line, news = (claimed.organization_id, trunk.integration_id), breakers.news_of(answer)
        is_watched = intent.claim.is_watched
        for each in self._hearsay.add(line, claimed.campaign_id, news, now, is_watched=is_watched):
            await self._news.put(line, each)

    async def _tell_breakers(self, line: Line, news: Sequence[News]) -> list[None]:
        async with self._transactions:
            await breakers.note(self._database, *line, news, self._now())
        return [None] * len(news)

    async def _answered(self, intent: Intent, answer: DialAnswer) -> None:
        claimed = intent.claim.claimed
        await self._answers.put(claimed.organization_id, Answered(claimed, answer))

    async def _record(self, organization_id: UUID, answers: Sequence[Answered]) -> list[None]:
        async with self._transactions:
            states = await carrier_answers.record(self._database, organization_id, answers, self._now())
        await tell_all(self._bus, states)
        return [None] * len(answers)

    async def _release(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            key = (claim.claimed.organization_id, claim.claimed.attempt_id)
            async with self._transactions, self._database.organization(key[0]) as connection:
                attempt = await attempts.lock(connection, *key)
                if attempt is not None and cases.is_held(attempt, claim.claimed):
                    await releasing.release(connection, attempt, self._now())

    def _complain(self, about: object, event: str, **fields: str) -> None:
        """Once a minute."""
        if monotonic() - self._complained.get(about, float("-inf")) > timedelta(minutes=1).total_seconds():
            self._complained[about] = monotonic()
            log.warning(event, about=str(about), **fields)


_Line = tuple[UUID, UUID | None, Trunk]
"""Organization, campaign and trunk: dials that share their limits."""


def slices(found: Sequence[tuple[Claim, Trunk]]) -> list[tuple[list[Claim], Trunk]]:
    """A round's claims in parts of one campaign, in their order, that start soon after each other."""
    parts: list[tuple[list[Claim], Trunk]] = []
    for claim, trunk in found:
        part, of = parts[-1] if parts else ([], None)
        is_like = part and (_of(part[0]), of) == (_of(claim), trunk) and claim.start_at - part[0].start_at < _SLICE
        if is_like and len(part) < _MOST_IN_A_SLICE:
            part.append(claim)
        else:
            parts.append(([claim], trunk))
    return parts


def _of(claim: Claim) -> tuple[UUID, UUID | None]:
    return claim.claimed.organization_id, claim.claimed.campaign_id
