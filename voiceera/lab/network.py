"""The network itself: it takes calls, rings the callees, plays the answer's XML and lets calls end."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any

from voiceera.ids import new_id
from voiceera.lab import phone_call as endings
from voiceera.lab.answer_xml import BadXml, Element, Hangup, Stream, Wait, parse_answer
from voiceera.lab.callbacks import HANGUP, RINGING, Callbacks
from voiceera.lab.callees.directory import Callee, Directory
from voiceera.lab.callees.script import Answers, PickUp
from voiceera.lab.faults import FaultDraw
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.phone_call import CallRequest, CallState, Ending, PhoneCall, utc_now
from voiceera.log import get_logger

log = get_logger("lab")

Converse = Callable[[PhoneCall, Stream, Callee], Coroutine[None, None, Ending]]
"""Opens the stream's socket, lets the callee talk, and returns how the call (or the stream) ended."""

_SETUP_SECONDS = (0.05, 0.25)
_PATIENCE_SECONDS = 60.0
"""After this the far network itself gives up on a phone that nobody answers."""
_KEPT_CALLS = 20_000


class OverRate(Exception):
    """More calls in this second than the account may place."""


class Network:
    def __init__(
        self,
        directory: Directory,
        callbacks: Callbacks,
        ledger: Ledger,
        faults: FaultDraw,
        converse: Converse,
        calls_per_second: float,
        seed: int,
    ) -> None:
        self.directory = directory
        self.calls: dict[str, PhoneCall] = {}
        self._callbacks = callbacks
        self._ledger = ledger
        self._faults = faults
        self._converse = converse
        self._calls_per_second = calls_per_second
        self._random = random.Random(seed)
        self._rings: Counter[str] = Counter()
        self._recent: deque[float] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def admit(self) -> None:
        """Count one dial against the rate. Raises OverRate."""
        now = asyncio.get_running_loop().time()
        while self._recent and now - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= self._calls_per_second:
            raise OverRate
        self._recent.append(now)

    def place(self, request: CallRequest, fault: str = "") -> PhoneCall:
        is_silent = bool(fault) and self._faults.settings.silent_after
        call = PhoneCall(str(new_id()), request, utc_now(), is_silent=is_silent)
        self._forget_oldest()
        self.calls[call.uuid] = call
        self._note(
            call, Event.DIAL_REQUEST, caller_id=f"+{request.from_number}", path=request.answer_url, fault=fault
        )
        task = asyncio.create_task(self._run(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return call

    def hang_up(self, call: PhoneCall) -> None:
        """What the vendor's DELETE does: cancels a call that is not answered yet, ends one that is."""
        answered = call.state is CallState.IN_PROGRESS
        call.end(endings.COMPLETED_BY_API if answered else endings.CANCELED)

    async def _run(self, call: PhoneCall) -> None:
        try:
            await self._live(call)
        except asyncio.CancelledError:
            call.end(endings.FAILED)
            raise
        except Exception:  # a call must never take the network down; it ends, and the log says why
            log.exception("lab_call_failed", call_uuid=call.uuid)
            call.end(endings.FAILED)
        finally:
            self._finish(call)

    async def _live(self, call: PhoneCall) -> None:
        if await call.ended_within(self._random.uniform(*_SETUP_SECONDS)):
            return
        number = f"+{call.request.to_number}"
        self._rings[number] += 1
        callee = self.directory.callee(number)
        pick_up = callee.pick_up(self._rings[number])
        if pick_up.answers is Answers.INVALID:
            self._note(call, Event.INVALID)
            call.end(endings.INVALID)
            return
        call.state = CallState.RINGING
        call.ringing_at = utc_now()
        self._note(call, Event.RING, attempt=self._rings[number])
        self._callbacks.notify(call, RINGING)
        if await self._answered(call, pick_up):
            call.state = CallState.IN_PROGRESS
            call.answered_at = utc_now()
            self._note(call, Event.ANSWERED)
            await self._play_answer(call, callee)

    async def _answered(self, call: PhoneCall, pick_up: PickUp) -> bool:
        """Let it ring. False: it is over, and the call has its ending."""
        patience = min(call.request.ring_timeout, _PATIENCE_SECONDS)
        if pick_up.answers is Answers.NOBODY or pick_up.after_seconds >= patience:
            if not await call.ended_within(patience):
                self._note(call, Event.NO_ANSWER)
                vendor_gave_up = call.request.ring_timeout <= _PATIENCE_SECONDS
                call.end(endings.RING_TIMEOUT if vendor_gave_up else endings.NO_ANSWER)
            return False
        if await call.ended_within(pick_up.after_seconds):
            return False
        match pick_up.answers:
            case Answers.BUSY:
                self._note(call, Event.BUSY)
                call.end(endings.BUSY)
            case Answers.REJECTS:
                self._note(call, Event.BUSY, note="rejected")
                call.end(endings.REJECTED)
            case _:
                return True
        return False

    async def _play_answer(self, call: PhoneCall, callee: Callee) -> None:
        body = await self._callbacks.fetch_answer(call)
        if body is None:
            call.end(endings.ANSWER_URL_FAILED)
            return
        try:
            elements = parse_answer(body)
        except BadXml as error:
            self._note(call, Event.FAULT, fault="invalid_answer_xml", note=str(error))
            call.end(endings.INVALID_XML)
            return
        limit = asyncio.get_running_loop().call_later(call.request.time_limit, call.end, endings.TIME_LIMIT)
        try:
            await self._play(call, elements, callee)
        finally:
            limit.cancel()

    async def _play(self, call: PhoneCall, elements: list[Element], callee: Callee) -> None:
        """One after the other; a stream that does not keep the call alive runs beside what follows it."""
        beside: list[asyncio.Task[Ending]] = []
        try:
            await self._play_each(call, elements, callee, beside)
        finally:
            for stream in beside:
                stream.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _play_each(
        self, call: PhoneCall, elements: list[Element], callee: Callee, beside: list[asyncio.Task[Ending]]
    ) -> None:
        for element in elements:
            match element:
                case Stream(keep_call_alive=False):
                    beside.append(asyncio.create_task(self._converse(call, element, callee)))
                case Stream():
                    ending = await self._converse(call, element, callee)
                    if ending is not endings.END_OF_XML:
                        call.end(ending)
                case Wait(seconds):
                    await call.ended_within(seconds)
                case Hangup():
                    call.end(endings.HUNG_UP_BY_XML)
            if call.ending is not None:
                return
        call.end(endings.END_OF_XML)

    def _finish(self, call: PhoneCall) -> None:
        assert call.ending is not None
        answered = call.answered_at is not None
        call.state = CallState.ENDED
        call.ended_at = utc_now()
        self._note(
            call,
            Event.HANGUP,
            cause=call.ending.name,
            by=call.ending.by.value,
            status=call.ending.code,
            duration=round(call.talk_seconds, 3) if answered else 0.0,
        )
        self._callbacks.notify(call, HANGUP)

    def _note(self, call: PhoneCall, event: Event, **fields: Any) -> None:
        self._ledger.write(
            event,
            call_uuid=call.uuid,
            number=f"+{call.request.to_number}",
            reference=call.request.reference,
            **fields,
        )

    def _forget_oldest(self) -> None:
        while len(self.calls) >= _KEPT_CALLS:
            oldest = next(iter(self.calls))
            if self.calls[oldest].state is not CallState.ENDED:
                return
            del self.calls[oldest]
