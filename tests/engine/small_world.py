"""A call in a small world: the real engine, scripted providers, and a caller who makes noise at set times."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from voiceera.engine.recorder import RecordingThread
from voiceera.engine.send_wheel import SendWheel
from voiceera.engine.session import Call, CallProviders, Engine
from voiceera.engine.shared import PromptsFor, no_prompts
from voiceera.engine.tools import ToolDesk
from voiceera.engine.voice_activity import VoiceActivity
from voiceera.ids import new_id
from voiceera.providers.models.scripted import ScriptedLanguageModel
from voiceera.providers.protocols import LanguageModel
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedTextToSpeech
from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import ULAW_8K, AudioFormat
from voiceera.rules.calls import CallBrief, CallResult, Direction, ToolUse, TurnRecord
from voiceera.rules.turn_state import Floor

LOUD = b"\x10\x90" * 80
"""20 ms of noise in µ-law."""
WINDOW_BYTES = 256


class LoudnessVoiceActivity:
    """Takes any noise for speech: instant, and in step with a virtual clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.open = 0

    def listen(self, audio_format: AudioFormat, on_window: Callable[[float, float], None]) -> "LoudnessEar":
        self.open += 1
        return LoudnessEar(self, on_window)

    def now(self) -> float:
        return self._clock()


class LoudnessEar:
    def __init__(self, hub: LoudnessVoiceActivity, on_window: Callable[[float, float], None]) -> None:
        self._hub = hub
        self._on_window = on_window
        self._pending = b""

    def feed(self, frame: bytes) -> None:
        self._pending += frame
        while len(self._pending) >= WINDOW_BYTES:
            window, self._pending = self._pending[:WINDOW_BYTES], self._pending[WINDOW_BYTES:]
            loud = sum(byte < 0x70 for byte in window) > len(window) // 4
            self._on_window(0.95 if loud else 0.02, self._hub.now())

    def close(self) -> None:
        self._hub.open -= 1


class TestLine:
    """Remembers what was sent and when. `deaf`: it never answers a mark."""

    __test__ = False

    def __init__(self, deaf: bool = False) -> None:
        self.audio_format = ULAW_8K
        self.call: Call | None = None
        self.sent_at: list[float] = []
        self.sent: list[bytes] = []
        self.cleared_at: list[float] = []
        self.is_hung_up = False
        self._deaf = deaf

    def send_audio(self, audio: bytes) -> None:
        self.sent_at.append(asyncio.get_running_loop().time())
        self.sent.append(audio)

    def flush(self) -> None: ...

    def clear(self) -> None:
        self.cleared_at.append(asyncio.get_running_loop().time())

    def mark(self, name: str) -> None:
        if not self._deaf and self.call is not None:
            asyncio.get_running_loop().call_later(0.05, self.call.on_mark, name)

    def hang_up(self) -> None:
        self.is_hung_up = True


@dataclass
class Notes:
    """An observer that writes down."""

    turns: list[tuple[int, TurnRecord]] = field(default_factory=list)
    partials: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)

    def turn(self, index: int, turn: TurnRecord) -> None:
        self.turns.append((index, turn))

    def partial(self, text: str) -> None:
        self.partials.append(text)

    def speaking(self, text: str) -> None:
        self.spoken.append(text)

    def floor(self, floor: Floor) -> None:
        self.floors.append(floor)

    def tool(self, use: ToolUse) -> None:
        self.tools.append(use)


class SmallWorld:
    """`await world.call(agent, speech=[(3.0, 0.8)])` gives a call's result; times in seconds from its start."""

    def __init__(
        self,
        folder: Path,
        *,
        hears: ScriptedSpeechToText | None = None,
        speaks: ScriptedTextToSpeech | None = None,
        thinks: LanguageModel | None = None,
        tools: ToolDesk = ToolDesk(),
        prompts: PromptsFor = no_prompts,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.folder = folder
        self.hears = hears or ScriptedSpeechToText()
        self.speaks = speaks or ScriptedTextToSpeech()
        self.thinks = thinks or ScriptedLanguageModel()
        self.line = TestLine()
        self.notes = Notes()
        self.ears = LoudnessVoiceActivity(self.loop.time)
        self.recordings = RecordingThread()
        self.began = self.loop.time()
        self.engine = Engine(
            self.providers_for,
            voice_activity=cast(VoiceActivity, self.ears),
            wheel=SendWheel(self.loop.time, self.loop.call_later),
            recordings=self.recordings,
            clock=self.loop.time,
            tools=tools,
            prompts=prompts,
        )

    async def providers_for(self, brief: CallBrief) -> CallProviders:
        return CallProviders(self.hears, self.speaks, self.thinks)

    def start(self, agent: AgentConfig, direction: Direction = Direction.INBOUND) -> Call:
        path = str(self.folder / f"{new_id()}.wav")
        ids = (new_id(), new_id(), new_id())
        brief = CallBrief(*ids, 1, agent, direction, {"name": "Maria"}, path)
        self.began = self.loop.time()
        self.line.call = self.engine.start(self.line, brief, self.notes)
        return self.line.call

    async def call(
        self,
        agent: AgentConfig,
        speech: list[tuple[float, float]] | None = None,
        *,
        hangs_up_at: float = 60.0,
        keys: list[tuple[float, str]] | None = None,
        direction: Direction = Direction.INBOUND,
        noise: bytes = LOUD,
    ) -> CallResult:
        call = self.start(agent, direction)
        for at, key in keys or []:
            self.loop.call_at(self.began + at, call.on_digit, key)
        caller = self.loop.create_task(self._caller(call, speech or [], hangs_up_at, noise))
        try:
            return await call.wait()
        finally:
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)

    async def _caller(self, call: Call, speech: list[tuple[float, float]], hangs_up_at: float, noise: bytes) -> None:
        frame = 0
        while (at := frame * 0.02) < hangs_up_at:
            frame += 1
            await asyncio.sleep(max(0.0, self.began + frame * 0.02 - self.loop.time()))
            speaks = any(start <= at < start + seconds for start, seconds in speech)
            call.on_audio(noise if speaks else ULAW_8K.silence)
        call.on_closed()

    def close(self) -> None:
        self.recordings.close()


def agent(**fields: Any) -> AgentConfig:
    return AgentConfig.model_validate({"name": "Test", **fields})
