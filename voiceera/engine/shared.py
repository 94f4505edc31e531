"""What all calls of a process share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from voiceera.engine.recorder import RecordingThread
from voiceera.engine.send_wheel import SendWheel
from voiceera.engine.tools import ToolDesk
from voiceera.engine.voice_activity import VoiceActivity
from voiceera.providers.protocols import LanguageModel, SpeechToText, TextToSpeech
from voiceera.rules.calls import CallBrief
from voiceera.rules.phrases import common_phrases, flow_phrases

MOST_AGENTS = 200
"""Agent versions whose phrases are kept."""


@dataclass(frozen=True)
class CallProviders:
    """Who listens, speaks and thinks in one call. They outlive it: the engine closes streams, never providers."""

    speech_to_text: SpeechToText
    text_to_speech: TextToSpeech
    language_model: LanguageModel | None = None


ProvidersFor = Callable[[CallBrief], Awaitable[CallProviders]]
"""Finds a call's providers by its agent's configuration. Raises ProviderError."""


@dataclass(frozen=True)
class Shared:
    """The parts are closed by whoever made them."""

    providers_for: ProvidersFor
    voice_activity: VoiceActivity
    wheel: SendWheel
    recordings: RecordingThread
    clock: Callable[[], float]
    tools: ToolDesk = field(default_factory=ToolDesk)
    _phrases: dict[tuple[UUID, int], tuple[str, ...]] = field(default_factory=dict)

    def phrases_of(self, brief: CallBrief) -> tuple[str, ...]:
        """All that callers of this agent may be expected to say; an agent's version never changes."""
        key = (brief.agent_id, brief.agent_version)
        if key not in self._phrases:
            if len(self._phrases) >= MOST_AGENTS:
                self._phrases.clear()
            flow = brief.agent.flow
            self._phrases[key] = flow_phrases(flow) if flow is not None else common_phrases()
        return self._phrases[key]
