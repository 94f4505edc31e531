"""Text to speech by a library that runs on this machine, in a process of its own."""

from collections import OrderedDict
from collections.abc import AsyncIterator

import numpy as np

from voiceera.providers.protocols import Voice
from voiceera.rules.audio import AudioFormat, encode
from voiceera.synthesis.client import Synthesizer

WORDS_PER_MINUTE = 160
_CACHE_BYTES = 16_000_000
_LARGEST_SHARE = 8
"""One text takes at most an eighth of the cache."""

_Key = tuple[str, Voice, AudioFormat]


class LocalTextToSpeech:
    """Texts that come again (greetings, questions) are kept as audio, the least recently used dropped first."""

    def __init__(self, synthesizer: Synthesizer, cache_bytes: int = _CACHE_BYTES) -> None:
        self._synthesizer = synthesizer
        self._spoken: OrderedDict[_Key, bytes] = OrderedDict()
        self._spoken_bytes = 0
        self._cache_bytes = cache_bytes

    def voice_name(self, voice: Voice) -> str:
        """What the library calls it. Raises ProviderError for a language that has none."""
        raise NotImplementedError

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        key = (text, voice, audio_format)
        if (known := self._spoken.get(key)) is not None:
            self._spoken.move_to_end(key)
            yield known
            return
        pieces = []
        async for pcm in self._synthesizer.speak(
            text,
            self.voice_name(voice),
            round(WORDS_PER_MINUTE * voice.speed),
            sample_rate=audio_format.sample_rate,
        ):
            pieces.append(encode(np.frombuffer(pcm, "<i2"), audio_format))
            yield pieces[-1]
        self._keep(key, b"".join(pieces))

    async def close(self) -> None:
        await self._synthesizer.close()

    def _keep(self, key: _Key, audio: bytes) -> None:
        if key in self._spoken or len(audio) * _LARGEST_SHARE > self._cache_bytes:
            return
        self._spoken[key] = audio
        self._spoken_bytes += len(audio)
        while self._spoken_bytes > self._cache_bytes:
            self._spoken_bytes -= len(self._spoken.popitem(last=False)[1])
