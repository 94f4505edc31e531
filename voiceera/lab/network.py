"""The network itself: it takes calls, rings the callees, plays the answer's XML and lets calls end."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from voiceera.lab import phone_call as endings
from voiceera.lab.callbacks import Callbacks
from voiceera.lab.callees.directory import Callee, Directory
from voiceera.lab.callees.script import Answers, PickUp
from voiceera.lab.dialect import Dialect, Told
from voiceera.lab.faults import FaultDraw
from voiceera.lab.instructions import BadAnswer, Hangup, Instruction, Keys, Stream, Transfer, Wait
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.phone_call import CallRequest, CallState, Ending, PhoneCall, utc_now
from voiceera.log import get_logger

log = get_logger("lab")

Converse = Callable[[PhoneCall, Stream, Callee], Coroutine[None, None, Ending]]
"""Opens the stream's socket, lets the callee talk, and returns how the call (or the stream) ended."""

_SETUP_SECONDS = (0.05, 0.25)
_PATIENCE_SECONDS = 60.0
"""After this the far network itself gives up on a phone that nobody answers."""
_KEY_SECONDS = 0.2
_TRANSFERRED_SECONDS = 0.5
"""How long somebody who was transferred talks to the other telephone."""
_KEPT_CALLS = 20_000


class OverRate(Exception):
    """More calls in this second than the account may place."""


class Network:
    def __init__(
        self,
        dialects: Mapping[str, Dialect],
        directory: Directory,
        callbacks: Callbacks,
        ledger: Ledger,
        faults: FaultDraw,
        converse: Converse,
        calls_per_second: float,
        seed: int,
    ) -> None:
        self.directory = directory
        self.dialects = dialects
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

    def place(self, vendor: str, request: CallRequest, fault: str = "") -> PhoneCall:
        is_silent = bool(fault) and self._faults.settings.silent_after
        call = self._begin(vendor, request, is_silent=is_silent)
        self._note(
            call, Event.DIAL_REQUEST, caller_id=f"+{request.from_number}", path=request.answer_url, fault=fault
        )
        self._spawn(self._run(call, self._dialed(call)))
        return call

    def ring_in(self, vendor: str, request: CallRequest) -> PhoneCall:
        """A person rings the number that the answer URL belongs to."""
        call = self._begin(vendor, request)
        self._note(call, Event.RANG_IN, caller_id=f"+{request.to_number}", path=request.answer_url)
        self._spawn(self._run(call, self._rung_in(call)))
        return call

    def _begin(self, vendor: str, request: CallRequest, *, is_silent: bool = False) -> PhoneCall:
        name = self.dialects[vendor].new_call_id()
        call = PhoneCall(name, request, vendor, utc_now(), is_silent=is_silent)
        self._forget_oldest()
        self.calls[call.uuid] = call
        return call

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def hang_up(self, call: PhoneCall) -> None:
        """What the vendor's DELETE does: cancels a call that is not answered yet, ends one that is."""
        answered = call.state is CallState.IN_PROGRESS
        call.end(endings.COMPLETED_BY_API if answered else endings.CANCELED)

    async def redirect_to(self, call: PhoneCall, url: str, method: str) -> None:
        """Have the call go on with the document that stands there; one that is not to be had changes nothing."""
        body = await self._callbacks.fetch(call, url, method)
        if body is not None:
            call.redirect(self.dialects[call.vendor].instructions(body))

    def press(self, call: PhoneCall, digits: str) -> None:
        """Play keys to the person, whatever else goes on."""
        self._note(call, Event.AGENT_PRESSED, digits=digits)

    async def _run(self, call: PhoneCall, life: Coroutine[None, None, None]) -> None:
        try:
            await life
        except asyncio.CancelledError:
            call.end(endings.FAILED)
            raise
        except Exception:  # a call must never take the network down; it ends, and the log says why
            log.exception("lab_call_failed", call_uuid=call.uuid)
            call.end(endings.FAILED)
        finally:
            self._finish(call)

    async def _dialed(self, call: PhoneCall) -> None:
        if await call.ended_within(self._random.uniform(*_SETUP_SECONDS)):
            return
        number = call.request.person
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
        self._callbacks.notify(call, Told.RINGING)
        if await self._answered(call, pick_up):
            self._pick_up(call)
            instructions = await self._fetch_answer(call)
            if instructions is not None:
                await self._play_within_limit(call, instructions, callee)

    async def _rung_in(self, call: PhoneCall) -> None:
        """The owner of the number says what becomes of the call while it rings."""
        call.state = CallState.RINGING
        call.ringing_at = utc_now()
        instructions = await self._fetch_answer(call)
        if instructions is None:
            return
        match instructions[:1]:
            case [Hangup(rejects=True) as hangup]:
                self._note(call, Event.TURNED_AWAY, note="busy" if hangup.busy else "rejected")
                call.end(endings.TURNED_DOWN)
            case _:
                self._pick_up(call)
                await self._play_within_limit(call, instructions, self.directory.callee(call.request.person))

    def _pick_up(self, call: PhoneCall) -> None:
        call.state = CallState.IN_PROGRESS
        call.answered_at = utc_now()
        self._note(call, Event.ANSWERED)

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

    async def _fetch_answer(self, call: PhoneCall) -> list[Instruction] | None:
        """None: there was none to be had, and the call has its ending."""
        body = await self._callbacks.fetch_answer(call)
        if body is None:
            call.end(endings.ANSWER_URL_FAILED)
            return None
        try:
            return self.dialects[call.vendor].instructions(body)
        except BadAnswer as error:
            self._note(call, Event.FAULT, fault="invalid_answer_xml", note=str(error))
            call.end(endings.INVALID_XML)
            return None

    async def _play_within_limit(self, call: PhoneCall, instructions: Sequence[Instruction], callee: Callee) -> None:
        limit = asyncio.get_running_loop().call_later(call.request.time_limit, call.end, endings.TIME_LIMIT)
        try:
            await self._play(call, instructions, callee)
            while call.ending is None and call.is_redirected:
                await self._play(call, call.next_instructions(), callee)
            call.end(endings.END_OF_XML)
        finally:
            limit.cancel()

    async def _play(self, call: PhoneCall, instructions: Sequence[Instruction], callee: Callee) -> None:
        """One after the other; a stream that does not keep the call alive runs beside what follows it."""
        beside: list[asyncio.Task[Ending]] = []
        try:
            for instruction in instructions:
                await self._obey(call, instruction, callee, beside)
                if call.ending is not None or call.is_redirected:
                    return
        finally:
            for stream in beside:
                stream.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _obey(
        self, call: PhoneCall, instruction: Instruction, callee: Callee, beside: list[asyncio.Task[Ending]]
    ) -> None:
        match instruction:
            case Stream(keep_call_alive=False):
                beside.append(asyncio.create_task(self._converse(call, instruction, callee)))
            case Stream():
                ending = await self._converse(call, instruction, callee)
                if ending is not endings.END_OF_XML:
                    call.end(ending)
            case Wait(seconds):
                await call.ended_within(seconds)
            case Keys(digits):
                self._note(call, Event.AGENT_PRESSED, digits=digits)
                await call.ended_within(_KEY_SECONDS * len(digits))
            case Transfer(number, caller_id):
                self._note(call, Event.TRANSFERRED, digits=f"+{number}", caller_id=caller_id)
                await call.ended_within(_TRANSFERRED_SECONDS)
                call.end(endings.TRANSFERRED)
            case Hangup():
                call.end(endings.HUNG_UP_BY_XML)

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
        self._callbacks.notify(call, Told.HANGUP)

    def _note(self, call: PhoneCall, event: Event, **fields: Any) -> None:
        self._ledger.write(
            event,
            call_uuid=call.uuid,
            number=call.request.person,
            reference=call.request.reference,
            **fields,
        )

    def _forget_oldest(self) -> None:
        while len(self.calls) >= _KEPT_CALLS:
            oldest = next(iter(self.calls))
            if self.calls[oldest].state is not CallState.ENDED:
                return
            del self.calls[oldest]
