"""Finding an ear for the language of a call, at its beginning and when the language changes."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from voiceera.engine.caller_ear import CallerEar
from voiceera.engine.deaf import DeafStream
from voiceera.errors import ProviderError, UnknownLanguage
from voiceera.log import get_logger
from voiceera.providers.protocols import Recognition, SpeechToText
from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import CallBrief
from voiceera.rules.flows import takes_keys

log = get_logger("engine")


class EarOpening:
    """One call's. `failed` is told why nobody listens."""

    def __init__(
        self,
        ear: CallerEar,
        speech_to_text: SpeechToText,
        brief: CallBrief,
        audio_format: AudioFormat,
        phrases: tuple[str, ...],
        *,
        within_seconds: float,
        failed: Callable[[str, Exception], None],
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
    ) -> None:
        self._ear = ear
        self._speech_to_text = speech_to_text
        self._brief = brief
        self._audio_format = audio_format
        self._phrases = phrases
        self._within_seconds = within_seconds
        self._failed = failed
        self._spawn = spawn

    def listen_in(self, language: str) -> None:
        """Where the language is not known, whoever listens already goes on, and else keys have to do."""
        self._spawn(self._open(language, is_spare=self._ear.is_open))

    async def _open(self, language: str, *, is_spare: bool) -> None:
        recognition = Recognition(self._audio_format, language, self._phrases)
        try:
            async with asyncio.timeout(self._within_seconds):
                self._ear.recognize_with(await self._speech_to_text.open(recognition))
        except UnknownLanguage as error:
            told = {"call_id": str(self._brief.call_id), "reason": error.message}
            if self._can_do_with_keys:
                log.info("speech_not_understood", **told)
                self._ear.recognize_with(DeafStream())
            elif is_spare:
                log.info("language_not_understood", **told)
            else:
                self._failed("speech-to-text", error)
        except (ProviderError, TimeoutError) as error:
            self._failed("speech-to-text", error)

    @property
    def _can_do_with_keys(self) -> bool:
        agent = self._brief.agent
        return agent.resolved_brain == "flow" and agent.flow is not None and takes_keys(agent.flow)
