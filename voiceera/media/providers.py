"""The providers of a media process: each made once, when the first call needs it, and shared by all."""

import asyncio
from typing import Any

from voiceera.config import Settings
from voiceera.engine.session import CallProviders
from voiceera.errors import ProviderError, VoiceEraError
from voiceera.log import get_logger
from voiceera.providers.on_this_machine import Machine
from voiceera.providers.protocols import TextToSpeech
from voiceera.providers.registry import Kind, load
from voiceera.rules.calls import CallBrief
from voiceera.services.connections import Connections

LAST_VOICE = "espeak"

log = get_logger("providers")


class Providers:
    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._machine = Machine(settings.models_folder, settings.recognizer_processes)
        self._connections = connections
        self._made: dict[tuple[Kind, str], Any] = {}

    async def of(self, brief: CallBrief) -> CallProviders:
        """Those that the call's agent names. Raises ProviderError for one that is not there."""
        agent = brief.agent
        ear, *ears = await self._all(brief, Kind.SPEECH_TO_TEXT, agent.stt_provider)
        voice, *voices = await self._all(brief, Kind.TEXT_TO_SPEECH, agent.tts_provider)
        models: list[Any] = []
        if agent.resolved_brain == "llm" and agent.llm_provider is not None:
            models = await self._all(brief, Kind.LANGUAGE_MODEL, agent.llm_provider)
        talk = None
        if agent.resolved_brain == "external":
            talk = (await self._get(brief, Kind.BRAIN, agent.llm_provider or "external")).talk()
        return CallProviders(
            speech_to_text=ear,
            text_to_speech=voice,
            language_model=models[0] if models else None,
            spare_ears=tuple(ears),
            spare_voices=tuple(voices),
            spare_models=tuple(models[1:]),
            talk=talk,
            last_voice=self._last_voice(voice),
        )

    async def close(self) -> None:
        await asyncio.gather(*(provider.close() for provider in self._made.values()), return_exceptions=True)

    async def _all(self, brief: CallBrief, kind: Kind, first: str) -> list[Any]:
        """The agent's provider of this kind and its spares, those that are there. Raises ProviderError for none."""
        names = dict.fromkeys((first, *brief.agent.fallback_providers.get(kind.value, ())))  # type: ignore[call-overload]
        found, problem = [], None
        for name in names:
            try:
                found.append(await self._get(brief, kind, name))
            except ProviderError as error:
                problem = problem or error
                log.warning(
                    "provider_not_there", call_id=str(brief.call_id), kind=kind, vendor=name, reason=str(error)
                )
        if not found:
            assert problem is not None
            raise problem
        return found

    def _last_voice(self, voice: Any) -> TextToSpeech | None:
        """The embedded one: a vendor that fails shall not leave a caller in silence."""
        embedded: TextToSpeech = (
            self._made.get((Kind.TEXT_TO_SPEECH, LAST_VOICE)) or load(Kind.TEXT_TO_SPEECH, LAST_VOICE)()
        )
        self._made[Kind.TEXT_TO_SPEECH, LAST_VOICE] = embedded
        return None if embedded is voice else embedded

    async def _get(self, brief: CallBrief, kind: Kind, name: str) -> Any:
        """A provider with settings of its own takes an integration: the oldest, or the one that is named after a
        slash. The others are the platform's, and what follows a slash is a model that lies on this machine."""
        if (made := self._made.get((kind, name))) is not None:
            return made
        try:
            factory = load(kind, name.partition("/")[0])
            if hasattr(factory, "Settings"):
                return await self._connections.named(brief.organization_id, kind, name)
            made = self._machine.make(kind, name)
        except ImportError as missing:
            raise ProviderError(name, f"its package is not installed: {missing.name}", permanent=True) from missing
        except ProviderError:
            raise
        except VoiceEraError as error:
            raise ProviderError(name, error.message, permanent=True) from error
        self._made[kind, name] = made
        return made
