"""Recognition by vendors that take an utterance as a whole: its sound is kept until it is over, then sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from voiceera.providers.protocols import Heard, Recognition
from voiceera.providers.speech.line_sound import as_wav

LONGEST_SECONDS = 29
"""Of one utterance; what goes past it is not sent (vendors' limits are 30 s and more)."""

Transcribe = Callable[[bytes, tuple[str, ...]], Awaitable[Heard]]
"""(WAV file, expected phrases) → what was said. Raises ProviderError."""


class UploadedUtterances:
    """A `RecognitionStream` without partial transcripts."""

    def __init__(self, recognition: Recognition, transcribe: Transcribe) -> None:
        self._format = recognition.audio_format
        self._transcribe = transcribe
        self._most_bytes = LONGEST_SECONDS * self._format.sample_rate * self._format.bytes_per_sample
        self._expected: tuple[str, ...] = ()
        self._sound = bytearray()

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        self._expected = expected
        self._sound.clear()

    def push(self, audio: bytes) -> None:
        if len(self._sound) < self._most_bytes:
            self._sound += audio

    async def end_utterance(self) -> Heard:
        sound = bytes(self._sound)
        self._sound.clear()
        if not sound:
            return Heard("", final=True)
        return await self._transcribe(as_wav(sound, self._format), self._expected)

    def abandon_utterance(self) -> None:
        self._sound.clear()

    async def partials(self) -> AsyncIterator[Heard]:
        await asyncio.Event().wait()  # none, for as long as the call
        yield Heard("", final=False)

    async def close(self) -> None:
        self._sound.clear()
