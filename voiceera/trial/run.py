"""Calls one agent over the voice WebSocket with every callee of a directory, and reads what came of it.

The callees are the lab's: they hear the agent's sound by a recognizer of their own and answer with theirs.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from voiceera.clock import monotonic
from voiceera.demo.api_client import ApiClient, DemoFailed
from voiceera.ids import new_id
from voiceera.lab import phone_call as network
from voiceera.lab.callees.directory import Callee, Directory
from voiceera.lab.callees.script import Answers
from voiceera.lab.conversation import Conversations
from voiceera.lab.faults import FaultDraw, Faults
from voiceera.lab.instructions import Stream
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.phone_call import CallRequest, PhoneCall
from voiceera.lab.voice import VoiceLine
from voiceera.rules.audio import L16_16K
from voiceera.rules.calls import Speaker
from voiceera.trial.outcome import Conversation, Said, Tried, judge

_LONGEST_CALL_SECONDS = 1200.0
_LINE = "voice"
_CALLER = "12025550100"

Told = Callable[[Tried], None]


class Runner:
    """`api` is signed in. `told` hears of each callee as it is through."""

    def __init__(self, api: ApiClient, token: str, agent_id: str, directory: Directory, told: Told) -> None:
        self._api = api
        self._directory = directory
        self._told = told
        self._ledger = Ledger()
        self._line = VoiceLine(token, agent_id)

    async def run(self, at_once: int) -> tuple[Tried, ...]:
        """All callees, in the order of their numbers. Raises DemoFailed where the platform cannot be asked."""
        room = asyncio.Semaphore(at_once)
        async with AsyncExitStack() as stack:
            lines = {_LINE: self._line}
            people = Conversations(lines, self._ledger, FaultDraw(Faults()), scramble=False)
            stack.push_async_callback(people.close)

            async def one(number: str) -> Tried:
                async with room:
                    tried = await self._try(people, self._directory.callee(number))
                self._told(tried)
                return tried

            async with asyncio.TaskGroup() as tasks:
                trying = [tasks.create_task(one(number)) for number in sorted(self._directory.scripts)]
        return tuple(task.result() for task in trying)

    async def _try(self, people: Conversations, callee: Callee) -> Tried:
        script = callee.script
        if script.answers is not Answers.ANSWERS:
            return Tried(callee.number, script.name, skipped=f"nobody picks up: {script.answers}")
        call = _call_of(callee)
        self._line.variables[call.uuid] = script.variables
        began = monotonic()
        url = (await self._api.get("/voice-socket"))["url"]
        try:
            async with asyncio.timeout(_LONGEST_CALL_SECONDS):
                await people.hold(call, Stream(url, L16_16K), callee)
        except TimeoutError:
            call.end(network.TIME_LIMIT)
        wire = self._line.wires[call.uuid]
        if wire.call_id is None:
            why = wire.refusal or "the media process did not answer"
            return Tried(callee.number, script.name, failure=why)
        talk = await self._read(wire.call_id, call.uuid, monotonic() - began)
        return Tried(callee.number, script.name, talk, problems=judge(script, talk))

    async def _read(self, call_id: str, name: str, seconds: float) -> Conversation:
        """What the platform wrote down of it, and what the callee heard."""
        call = await self._finished(call_id)
        transcript = await self._api.get(f"/call-logs/{call_id}/transcript")
        return Conversation(
            call_id=call_id,
            seconds=round(seconds, 1),
            cause=call["hangup_cause"],
            disposition=call["disposition"],
            turns=tuple(_said(segment) for segment in transcript["segments"]),
            interruptions=call["interruptions"],
            heard=tuple(row.words for row in self._ledger.rows if row.call_uuid == name and row.event is Event.HEARD),
        )

    async def _finished(self, call_id: str) -> dict[str, Any]:
        """The result is written down before the line ends, unless the callee hung up."""
        for pause in (0.05, 0.2, 0.5, 1, 2, 5, 10, 15):
            call: dict[str, Any] = await self._api.get(f"/call-logs/{call_id}")
            if call["ended_at"] is not None:
                return call
            await asyncio.sleep(pause)
        raise DemoFailed(f"the call {call_id} is not over, although its line is")


def _call_of(callee: Callee) -> PhoneCall:
    request = CallRequest(_CALLER, callee.number.removeprefix("+"), "voice")
    return PhoneCall(str(new_id()), request, _LINE, network.utc_now())


def _said(segment: dict[str, Any]) -> Said:
    latency = segment["latency"]
    return Said(
        speaker=Speaker(str(segment["speaker"])),
        text=str(segment["text"]),
        interrupted=bool(segment["interrupted"]),
        latency_ms=float(latency["total_ms"]) if isinstance(latency, dict) else None,
    )
