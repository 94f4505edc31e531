"""Vendors whose streams hold real sockets, so that one which is left open can be counted."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from voiceera.engine.session import CallProviders
from voiceera.providers.models.scripted import ScriptedLanguageModel
from voiceera.providers.protocols import Heard, Message, ModelPiece, Recognition, RecognitionStream, ToolSpec, Voice
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedTextToSpeech
from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import CallBrief

REPLY = "Thank you for calling, I have found your account. The balance is two thousand four hundred."


class Vendor:
    """A server that keeps connections, and counts those that are open."""

    def __init__(self) -> None:
        self.opened = 0
        self.open = 0
        self._server: asyncio.Server | None = None
        self._port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._keep, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield
        finally:
            writer.close()

    async def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open += 1
        try:
            await reader.read()
        finally:
            self.open -= 1
            writer.close()

    async def providers_for(self, _brief: CallBrief) -> CallProviders:
        return CallProviders(_Ear(self), _Voice(self), _Model(self))


class _Ear(ScriptedSpeechToText):
    """A socket for a whole call, as streaming recognizers have."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(["I would like to see you on another day"], delay=0.05, repeat=True)
        self._vendor = vendor

    async def open(self, recognition: Recognition) -> RecognitionStream:  # type: ignore[override]  # a wider stream
        held = self._vendor.connection()
        await held.__aenter__()
        return _EarStream(await super().open(recognition), held)


class _EarStream:
    def __init__(self, stream: RecognitionStream, held: object) -> None:
        self._stream = stream
        self._held = held
        self.begin_utterance = stream.begin_utterance
        self.push = stream.push
        self.abandon_utterance = stream.abandon_utterance
        self.partials = stream.partials

    async def end_utterance(self) -> Heard:
        return await self._stream.end_utterance()

    async def close(self) -> None:
        await self._held.__aexit__(None, None, None)  # type: ignore[attr-defined]
        await self._stream.close()


class _Voice(ScriptedTextToSpeech):
    """A socket for each sentence."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(delay=0.1)
        self._vendor = vendor

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        async with self._vendor.connection():
            async for piece in super().speak(text, voice, audio_format):
                yield piece
                await asyncio.sleep(0.05)


class _Model(ScriptedLanguageModel):
    """A socket for each reply, written word by word."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__([REPLY], delay=0.2, pause=0.03)
        self._vendor = vendor

    async def reply(
        self,
        system_prompt: str,
        history: tuple[Message, ...],
        tools: tuple[ToolSpec, ...] = (),
        model: str | None = None,
        answer_schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ModelPiece, None]:
        async with self._vendor.connection():
            async for piece in super().reply(system_prompt, history, tools, model):
                yield piece
