"""F5: what would never end by itself ends in time. The real engine, in virtual time."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import virtual_time
from tests.engine.small_world import SmallWorld, TestLine, agent
from voiceera.engine.call import Call
from voiceera.engine.voice_activity import VoiceActivity
from voiceera.lab.speech import music
from voiceera.providers.models.scripted import ScriptedLanguageModel
from voiceera.providers.speech.scripted import ScriptedSpeechToText
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.calls import CallResult, HangupCause
from voiceera.rules.speech_segments import SegmentRules, SpeechSegments

ASK, ANSWER = "How can I help you today?", "I am sorry, could you say that again?"
LINE_SECONDS = 60.0

Test = Callable[[SmallWorld], Coroutine[Any, Any, CallResult]]


@pytest.fixture
def small_world(tmp_path: Path) -> Callable[[Test], CallResult]:
    def in_virtual_time(test: Test) -> CallResult:
        async def main() -> CallResult:
            world = SmallWorld(tmp_path)
            try:
                return await test(world)
            finally:
                world.close()

        return virtual_time.run(main())

    return in_virtual_time


class CrossedLine(TestLine):
    """What one agent says the other hears, in real time; in between there is silence."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: deque[bytes] = deque()

    def send_audio(self, audio: bytes) -> None:
        self.frames.append(audio)

    def flush(self) -> None: ...

    def clear(self) -> None:
        self.frames.clear()

    async def carry_to(self, other: Call) -> None:
        while True:
            other.on_audio(self.frames.popleft() if self.frames else ULAW_8K.silence)
            await asyncio.sleep(0.02)


async def two_agents(folder: Path) -> tuple[CallResult, CallResult, float]:
    """Both greet, and answer whatever they hear with the same words. How it ended, and after how long."""
    worlds = [
        SmallWorld(folder, hears=ScriptedSpeechToText([hears], repeat=True), thinks=ScriptedLanguageModel([says]))
        for says, hears in ((ASK, ANSWER), (ANSWER, ASK))
    ]
    for world in worlds:
        world.line = CrossedLine()
    calls = [world.start(agent(brain="llm", greeting_message="Hello.")) for world in worlds]
    began = asyncio.get_running_loop().time()
    lines = [world.line for world in worlds]
    carrying = [
        asyncio.create_task(line.carry_to(call))
        for line, call in zip(lines, reversed(calls), strict=True)
        if isinstance(line, CrossedLine)
    ]
    first, pending = await asyncio.wait([call.running for call in calls], return_when=asyncio.FIRST_COMPLETED)
    after = asyncio.get_running_loop().time() - began
    for call in calls:
        call.on_closed()
    await asyncio.gather(*pending)
    for task in carrying:
        task.cancel()
    for world in worlds:
        world.close()
    ended = next(iter(first)).result()
    return ended, calls[0].running.result(), after


def test_two_of_our_agents_do_not_talk_for_ever(tmp_path: Path) -> None:
    ended, _, after = virtual_time.run(two_agents(tmp_path))
    assert ended.cause is HangupCause.LOOP
    assert after <= LINE_SECONDS


def test_a_caller_who_is_silent_is_hung_up_on(small_world: Callable[[Test], CallResult]) -> None:
    async def silent(world: SmallWorld) -> CallResult:
        return await world.call(agent(brain="llm", greeting_message="Hello."), hangs_up_at=600)

    result = small_world(silent)
    assert result.cause is HangupCause.CALLER_SILENT
    assert (result.ended_at - result.started_at).total_seconds() < 600


def test_a_caller_who_never_stops_is_cut_off_at_the_longest_duration(
    small_world: Callable[[Test], CallResult],
) -> None:
    async def endless(world: SmallWorld) -> CallResult:
        talker = agent(brain="llm", greeting_message="Hello.", conversation={"maximum_duration": 60})
        return await world.call(talker, [(1.0, 600.0)], hangs_up_at=600)

    assert small_world(endless).cause is HangupCause.MAXIMUM_DURATION


async def test_hold_music_is_no_speech_so_that_silence_ends_the_call() -> None:
    hub, segments, found, windows = VoiceActivity(), SpeechSegments(SegmentRules()), [], []

    def on_window(probability: float, at: float) -> None:
        windows.append(probability)
        found.append(segments.window(probability, at))

    ear = hub.listen(ULAW_8K, on_window)
    sound = music(10, -26.0, ULAW_8K)
    for start in range(0, len(sound), 160):
        ear.feed(sound[start : start + 160])
        await asyncio.sleep(0.001)
    async with asyncio.timeout(20):
        while len(windows) < 300:
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])
    ear.close()
    await hub.close()
    assert not any(found)
    assert np.mean(np.array(windows) > 0.5) < 0.02
