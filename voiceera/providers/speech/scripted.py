"""Speech without a vendor: a recognizer that hears what it was told to, and a voice that hums.

The twins of real providers, for tests, benchmarks and trying things out: they cost next to nothing, and can be slow
or fail on demand.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache

import numpy as np

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.rules.audio import AudioFormat, encode

VENDOR = "scripted"
_HUM_HZ = 220.0
_PIECE_SECONDS = 0.2


class ScriptedSpeechToText:
    """Answers the utterances of each call with `answers`, in order; past the last one (or `repeat`), over again.

    An answer that is an exception is raised. `delay`: seconds from the end of an utterance to its words.
    """

    def __init__(
        self, answers: Sequence[str | Heard | ProviderError] = (), *, delay: float = 0.0, repeat: bool = False
    ) -> None:
        self._answers = tuple(answers)
        self._delay = delay
        self._repeat = repeat
        self.streams: list[ScriptedStream] = []

    async def open(self, recognition: Recognition) -> "ScriptedStream":
        stream = ScriptedStream(self._answers, self._delay, self._repeat)
        self.streams.append(stream)
        return stream

    async def close(self) -> None:
        pass


class ScriptedStream:
    """Heard nothing (noise) once its answers have run out."""

    def __init__(self, answers: tuple[str | Heard | ProviderError, ...], delay: float, repeat: bool) -> None:
        self._answers = answers
        self._delay = delay
        self._repeat = repeat
        self._closed = asyncio.Event()
        self._partials: asyncio.Queue[Heard] = asyncio.Queue()
        self.finished = 0
        self.abandoned = 0
        self.bytes_heard = 0
        """In the utterance under way, or the last one."""

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        self.bytes_heard = 0

    def push(self, audio: bytes) -> None:
        self.bytes_heard += len(audio)

    async def end_utterance(self) -> Heard:
        place, self.finished = self.finished, self.finished + 1
        if self._delay:
            await asyncio.sleep(self._delay)
        if self._repeat and self._answers:
            place %= len(self._answers)
        answer = self._answers[place] if place < len(self._answers) else ""
        if isinstance(answer, ProviderError):
            raise answer
        return answer if isinstance(answer, Heard) else Heard(answer, final=True, confidence=1.0)

    def abandon_utterance(self) -> None:
        self.abandoned += 1

    def suppose(self, text: str) -> None:
        """Give out a partial transcript."""
        self._partials.put_nowait(Heard(text, final=False))

    async def partials(self) -> AsyncIterator[Heard]:
        while True:
            yield await self._partials.get()

    async def close(self) -> None:
        self._closed.set()


class ScriptedTextToSpeech:
    """A hum, as long as speaking the text would take. Knows no language and no voice.

    `delay`: seconds to the first sound. `fault`: raised instead of any sound.
    """

    def __init__(
        self, *, seconds_per_character: float = 0.05, delay: float = 0.0, fault: ProviderError | None = None
    ) -> None:
        self._seconds_per_character = seconds_per_character
        self._delay = delay
        self._fault = fault
        self.spoken: list[str] = []
        """The last texts that were asked for."""

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        if self._delay:
            await asyncio.sleep(self._delay)
        if self._fault is not None:
            raise self._fault
        self.spoken = [*self.spoken[-99:], text]
        sound = _hum(round(len(text) * self._seconds_per_character, 2), audio_format)
        piece = int(_PIECE_SECONDS * audio_format.sample_rate) * audio_format.bytes_per_sample
        for start in range(0, len(sound), piece):
            yield sound[start : start + piece]

    async def close(self) -> None:
        pass


@lru_cache(maxsize=64)
def _hum(seconds: float, audio_format: AudioFormat) -> bytes:
    times = np.arange(int(seconds * audio_format.sample_rate)) / audio_format.sample_rate
    return encode((6000 * np.sin(2 * np.pi * _HUM_HZ * times)).astype(np.int16), audio_format)
