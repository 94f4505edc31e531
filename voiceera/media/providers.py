"""The providers of a media process: each made once, when the first call needs it, and shared by all."""

import asyncio
from typing import Any

from voiceera.config import Settings
from voiceera.engine.session import CallProviders
from voiceera.errors import ProviderError, VoiceEraError
from voiceera.providers.registry import Kind, load
from voiceera.rules.calls import CallBrief
from voiceera.services.connections import Connections


class Providers:
    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._options: dict[tuple[Kind, str], dict[str, Any]] = {
            (Kind.SPEECH_TO_TEXT, name): {"processes": settings.recognizer_processes}
            for name in ("moonshine", "pocketsphinx")
        }
        self._connections = connections
        self._made: dict[tuple[Kind, str], Any] = {}

    async def of(self, brief: CallBrief) -> CallProviders:
        """Those that the call's agent names. Raises ProviderError for one that is not there."""
        agent = brief.agent
        needs_model = agent.resolved_brain == "llm" and agent.llm_provider is not None
        return CallProviders(
            speech_to_text=await self._get(brief, Kind.SPEECH_TO_TEXT, agent.stt_provider),
            text_to_speech=await self._get(brief, Kind.TEXT_TO_SPEECH, agent.tts_provider),
            language_model=await self._get(brief, Kind.LANGUAGE_MODEL, str(agent.llm_provider))
            if needs_model
            else None,
        )

    async def close(self) -> None:
        await asyncio.gather(*(provider.close() for provider in self._made.values()), return_exceptions=True)

    async def _get(self, brief: CallBrief, kind: Kind, name: str) -> Any:
        """A provider with settings of its own takes an integration; the others are the platform's."""
        if (made := self._made.get((kind, name))) is not None:
            return made
        try:
            factory = load(kind, name)
            if hasattr(factory, "Settings"):
                return await self._connections.of(brief.organization_id, kind, name)
            made = factory(**self._options.get((kind, name), {}))
        except ImportError as missing:
            raise ProviderError(name, f"its package is not installed: {missing.name}", permanent=True) from missing
        except ProviderError:
            raise
        except VoiceEraError as error:
            raise ProviderError(name, error.message, permanent=True) from error
        self._made[kind, name] = made
        return made
