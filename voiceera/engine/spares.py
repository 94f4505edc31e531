"""A call's providers with spares: what one of them began, the next one goes on with."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from voiceera.engine.failover import SWITCH_SECONDS, Succession
from voiceera.errors import ProviderError
from voiceera.providers.protocols import (
    Heard,
    LanguageModel,
    Message,
    ModelPiece,
    Recognition,
    RecognitionStream,
    SpeechToText,
    TextToSpeech,
    ToolSpec,
    Voice,
)
from voiceera.rules.audio import AudioFormat

_GO_ON = "(You were cut off there. Go on from exactly that point, without repeating anything.)"
_CHARACTERS_PER_SECOND = 16.0
"""Ordinary speech: about what a voice had said when it broke off."""


class ModelWithSpares:
    """The agent's own choice of a model is the first provider's; the others take their integration's."""

    def __init__(self, succession: Succession[LanguageModel]) -> None:
        self._succession = succession

    async def reply(
        self,
        system_prompt: str,
        history: tuple[Message, ...],
        tools: tuple[ToolSpec, ...] = (),
        model: str | None = None,
        answer_schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ModelPiece, None]:
        said = ""

        def ask(provider: LanguageModel) -> AsyncIterator[ModelPiece]:
            so_far = (Message("assistant", said), Message("user", _GO_ON)) if said.strip() else ()
            name = model if self._succession.is_first(provider) else None
            return provider.reply(system_prompt, (*history, *so_far), tools, name, answer_schema)

        async with aclosing(self._succession.stream(ask)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    said += piece
                yield piece

    async def close(self) -> None:
        """The providers belong to the process."""


class VoiceWithSpares:
    def __init__(self, succession: Succession[TextToSpeech]) -> None:
        self._succession = succession

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncGenerator[bytes, None]:
        sounded = 0
        bytes_per_second = audio_format.sample_rate * audio_format.bytes_per_sample

        def ask(provider: TextToSpeech) -> AsyncIterator[bytes]:
            own = voice if self._succession.is_first(provider) else replace(voice, voice_id=None)
            return provider.speak(rest_of(text, sounded / bytes_per_second), own, audio_format)

        async with aclosing(self._succession.stream(ask)) as pieces:
            async for piece in pieces:
                sounded += len(piece)
                yield piece

    async def close(self) -> None:
        """The providers belong to the process."""


def rest_of(text: str, seconds: float) -> str:
    """What is left to say of a text whose first `seconds` were sounded, from the word that was under way on. Never
    nothing: a voice that broke off has not said its last word."""
    reach = int(seconds * _CHARACTERS_PER_SECOND)
    if reach <= 0:
        return text
    start = text.rfind(" ", 0, min(reach, len(text) - 1)) + 1
    return text[start:]


class EarWithSpares:
    def __init__(self, succession: Succession[SpeechToText]) -> None:
        self._succession = succession

    async def open(self, recognition: Recognition) -> "EarStream":
        stream = EarStream(self._succession, recognition)
        await stream.open_next()
        return stream

    async def close(self) -> None:
        """The providers belong to the process."""


class EarStream:
    """Keeps the sound of the utterance under way: whoever takes over hears it from its beginning."""

    def __init__(self, succession: Succession[SpeechToText], recognition: Recognition) -> None:
        self._succession = succession
        self._recognition = recognition
        self._left = succession.order()
        self._provider: SpeechToText | None = None
        self._stream: RecognitionStream | None = None
        self._opened: list[RecognitionStream] = []
        self._expected: tuple[str, ...] = ()
        self._sound: list[bytes] = []
        self._changed = asyncio.Event()

    async def open_next(self) -> None:
        """Raises the last one's failure when none is left."""
        while True:
            provider = self._left.pop(0)
            try:
                async with asyncio.timeout(SWITCH_SECONDS if self._left else None):
                    self._stream = await provider.open(self._recognition)
                break
            except (ProviderError, TimeoutError) as error:
                self._succession.failed(provider, error)
                if not self._left:
                    raise
        self._provider = provider
        self._opened.append(self._stream)
        self._changed.set()

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        self._expected, self._sound = expected, []
        self._now.begin_utterance(expected)

    def push(self, audio: bytes) -> None:
        self._sound.append(audio)
        self._now.push(audio)

    async def end_utterance(self) -> Heard:
        while True:
            assert self._provider is not None
            try:
                async with asyncio.timeout(SWITCH_SECONDS if self._left else None):
                    return await self._now.end_utterance()
            except (ProviderError, TimeoutError) as error:
                self._succession.failed(self._provider, error)
                if not self._left:
                    raise
            await self.open_next()
            self._now.begin_utterance(self._expected)
            self._now.push(b"".join(self._sound))

    def abandon_utterance(self) -> None:
        self._sound = []
        self._now.abandon_utterance()

    async def partials(self) -> AsyncGenerator[Heard, None]:
        """Of whoever listens; one that fails in this is found out at the utterance's end."""
        while True:
            self._changed.clear()
            try:
                async for heard in self._now.partials():
                    yield heard
            except ProviderError:
                pass
            await self._changed.wait()

    async def close(self) -> None:
        await asyncio.gather(*(stream.close() for stream in self._opened), return_exceptions=True)

    @property
    def _now(self) -> RecognitionStream:
        assert self._stream is not None
        return self._stream
