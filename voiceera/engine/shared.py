"""What all calls of a process share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from voiceera.engine.failover import Health, OnFailed, Succession
from voiceera.engine.outside_brain import Talk
from voiceera.engine.recorder import RecordingThread
from voiceera.engine.send_wheel import SendWheel
from voiceera.engine.spares import EarWithSpares, ModelWithSpares, VoiceWithSpares
from voiceera.engine.tools import ToolDesk
from voiceera.engine.voice_activity import VoiceActivity
from voiceera.providers.protocols import LanguageModel, SpeechToText, TextToSpeech
from voiceera.rules.audio import AudioFormat
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
    spare_ears: tuple[SpeechToText, ...] = ()
    """Who takes over, one after the other, when the first fails."""
    spare_voices: tuple[TextToSpeech, ...] = ()
    spare_models: tuple[LanguageModel, ...] = ()
    talk: Talk | None = None
    """The line to an outside brain; the call's own, which closes it."""
    last_voice: TextToSpeech | None = None
    """Says the apology when no other voice is left."""

    def secured(self, health: Health, on_failed: OnFailed) -> "CallProviders":
        """The same, with spares that take over by themselves. Who has none stays as it is, at no cost."""
        ears = Succession((self.speech_to_text, *self.spare_ears), health, on_failed)
        voices = Succession((self.text_to_speech, *self.spare_voices), health, on_failed)
        model = self.language_model
        if model is not None and self.spare_models:
            model = ModelWithSpares(Succession((model, *self.spare_models), health, on_failed))
        return CallProviders(
            EarWithSpares(ears) if self.spare_ears else self.speech_to_text,
            VoiceWithSpares(voices) if self.spare_voices else self.text_to_speech,
            model,
            talk=self.talk,
            last_voice=self.last_voice,
        )


ProvidersFor = Callable[[CallBrief], Awaitable[CallProviders]]
"""Finds a call's providers by its agent's configuration. Raises ProviderError."""


PromptsFor = Callable[[CallBrief, str, AudioFormat], Awaitable[bytes | None]]
"""The operator's recording of this name, in the line's format; None if there is none."""


async def no_prompts(brief: CallBrief, name: str, audio_format: AudioFormat) -> bytes | None:
    return None


@dataclass(frozen=True)
class Shared:
    """The parts are closed by whoever made them."""

    providers_for: ProvidersFor
    voice_activity: VoiceActivity
    wheel: SendWheel
    recordings: RecordingThread
    clock: Callable[[], float]
    tools: ToolDesk
    health: Health
    prompts: PromptsFor = no_prompts
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
