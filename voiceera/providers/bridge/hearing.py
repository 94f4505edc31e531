"""Speech to text by a plugin. Each utterance has a stream of its own: vendors end turns by rules of their own, and
whatever one makes of the end of its stream, it can then not be taken for the next utterance's words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from voiceera.errors import ProviderError
from voiceera.providers.bridge.plugins import ONE_TRY, Bridged, C, S, agents, failures, rtc
from voiceera.providers.protocols import Heard, Recognition
from voiceera.providers.speech.line_sound import LinePcm
from voiceera.rules.audio import L16_16K, AudioFormat, Pcm

RATE = 16_000
_ANSWER_SECONDS = 4.0
"""How long after the end of an utterance its words may take."""


class BridgedEar(Bridged[S, C]):
    """Base of every bridged recognizer: `make(language)` builds the plugin's STT."""

    async def open(self, recognition: Recognition) -> "BridgedStream":
        with failures(self.vendor):
            stt = self._made_for(recognition.language)
        return BridgedStream(self.vendor, stt, recognition.audio_format)

    async def check(self) -> None:
        """Has half a second of silence heard. Raises ProviderError."""
        stream = await self.open(Recognition(L16_16K, "en-US"))
        try:
            stream.begin_utterance()
            stream.push(bytes(RATE))
            await stream.end_utterance()
        finally:
            await stream.close()


class BridgedStream:
    def __init__(self, vendor: str, stt: Any, audio_format: AudioFormat) -> None:
        self._vendor = vendor
        self._stt = stt
        self._format = audio_format
        self._utterance: _Utterance | None = None
        self._partials: asyncio.Queue[Heard] = asyncio.Queue(100)
        self._leaving: set[asyncio.Task[None]] = set()

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        self.abandon_utterance()
        self._utterance = _Utterance(self._vendor, self._stt, self._format, self._partials)

    def push(self, audio: bytes) -> None:
        if self._utterance is not None:
            self._utterance.push(audio)

    async def end_utterance(self) -> Heard:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return Heard("", final=True)
        try:
            return await utterance.end()
        finally:
            self._leave(utterance)

    def abandon_utterance(self) -> None:
        if self._utterance is not None:
            self._leave(self._utterance)
            self._utterance = None

    def _leave(self, utterance: "_Utterance") -> None:
        """Nobody waits for a socket to close."""
        task = asyncio.get_running_loop().create_task(utterance.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def partials(self) -> AsyncIterator[Heard]:
        while True:
            yield await self._partials.get()

    async def close(self) -> None:
        self.abandon_utterance()
        await asyncio.gather(*self._leaving, return_exceptions=True)


class _Utterance:
    """One stretch of speech, and the stream that hears it."""

    def __init__(self, vendor: str, stt: Any, audio_format: AudioFormat, partials: asyncio.Queue[Heard]) -> None:
        self._vendor = vendor
        self._line = LinePcm(audio_format, RATE)
        self._partials = partials
        self._words: list[tuple[str, float]] = []
        self._so_far = ""
        with failures(vendor):
            self._stream = stt.stream(conn_options=ONE_TRY)
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    def push(self, audio: bytes) -> None:
        self._give(self._line.push(audio))

    def _give(self, pcm: Pcm) -> None:
        if len(pcm) and not self._listening.done():
            frame = rtc.AudioFrame(pcm.astype("<i2").tobytes(), RATE, 1, len(pcm))
            with suppress(RuntimeError):  # the vendor's stream has ended: `end` says why
                self._stream.push_frame(frame)

    async def end(self) -> Heard:
        await asyncio.sleep(0)  # a stream that is closed before it has begun hears nothing
        self._give(self._line.rest())
        with suppress(RuntimeError):
            self._stream.end_input()  # flushes, too
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._listening
        except TimeoutError:
            if not self._words and not self._so_far:
                raise ProviderError(self._vendor, "the vendor said nothing after the end of speech") from None
        text = " ".join(words for words, _ in self._words) or self._so_far
        sure = [each for _, each in self._words if each > 0]
        return Heard(text.strip(), final=True, confidence=min(sure, default=None))

    async def _listen(self) -> None:
        with failures(self._vendor):
            async for event in self._stream:
                self._take(event)

    def _take(self, event: Any) -> None:
        best = event.alternatives[0] if event.alternatives else None
        if best is None or not best.text:
            return
        kinds = agents.stt.SpeechEventType
        if event.type == kinds.FINAL_TRANSCRIPT:
            self._words.append((best.text.strip(), float(best.confidence or 0)))
            self._so_far = ""
        elif event.type == kinds.INTERIM_TRANSCRIPT:
            self._so_far = best.text.strip()
            if not self._partials.full():
                said = [words for words, _ in self._words]
                self._partials.put_nowait(Heard(" ".join([*said, self._so_far]), final=False))

    async def close(self) -> None:
        self._listening.cancel()
        with suppress(Exception):
            await self._stream.aclose()
        await asyncio.gather(self._listening, return_exceptions=True)
