"""The engine: every live call of a process."""

import asyncio
from collections.abc import Callable

from voiceera.clock import monotonic
from voiceera.engine.call import Call
from voiceera.engine.failover import Health
from voiceera.engine.line import CallObserver, Line
from voiceera.engine.recorder import RecordingThread
from voiceera.engine.send_wheel import SendWheel
from voiceera.engine.shared import CallProviders, PromptsFor, ProvidersFor, Shared, no_prompts
from voiceera.engine.tools import ToolDesk
from voiceera.engine.voice_activity import VoiceActivity
from voiceera.rules.calls import CallBrief

__all__ = ["Call", "CallProviders", "Engine", "ProvidersFor"]


class Engine:
    """One per media process. It closes the parts that it made itself, not those it was given."""

    def __init__(
        self,
        providers_for: ProvidersFor,
        *,
        voice_activity: VoiceActivity | None = None,
        wheel: SendWheel | None = None,
        recordings: RecordingThread | None = None,
        clock: Callable[[], float] = monotonic,
        tools: ToolDesk = ToolDesk(),
        prompts: PromptsFor = no_prompts,
    ) -> None:
        """Needs a running event loop."""
        self._shared = Shared(
            providers_for,
            voice_activity or VoiceActivity(clock=clock),
            wheel or SendWheel(clock),
            recordings or RecordingThread(),
            clock,
            tools,
            Health(clock),
            prompts,
        )
        self._is_given = (voice_activity is not None, wheel is not None, recordings is not None)
        self.live: set[Call] = set()

    def start(self, line: Line, brief: CallBrief, observer: CallObserver) -> Call:
        """Begin the conversation at once. Raises Unavailable when there is no room."""
        call = Call(self._shared, line, brief, observer)
        self.live.add(call)
        call.running.add_done_callback(lambda _done: self.live.discard(call))
        return call

    async def close(self) -> None:
        """After the last call. Returns when all recordings are on disk."""
        ear_is_given, wheel_is_given, recordings_are_given = self._is_given
        if not wheel_is_given:
            self._shared.wheel.close()
        if not ear_is_given:
            await self._shared.voice_activity.close()
        if not recordings_are_given:
            await asyncio.to_thread(self._shared.recordings.close)
