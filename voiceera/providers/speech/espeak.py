"""espeak-ng as a text-to-speech provider: twenty languages, no key, no download."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import ClassVar

import numpy as np

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Voice
from voiceera.rules.audio import AudioFormat, encode
from voiceera.synthesis.client import VENDOR, Synthesizer
from voiceera.synthesis.voices import VOICES, voice_for

WORDS_PER_MINUTE = 160
_CACHE_BYTES = 16_000_000
_LARGEST_SHARE = 8
"""One text takes at most an eighth of the cache."""

_Key = tuple[str, Voice, AudioFormat]


class EspeakTextToSpeech:
    """Texts that come again (greetings, questions) are kept as audio, the least recently used dropped first."""

    LANGUAGES: ClassVar[tuple[str, ...]] = tuple(sorted({tag.split("-")[0] for tag in VOICES}))
    VOICES: ClassVar[tuple[str, ...]] = tuple(sorted(set(VOICES.values())))

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        self._synthesizer = Synthesizer()
        self._spoken: OrderedDict[_Key, bytes] = OrderedDict()
        self._spoken_bytes = 0
        self._cache_bytes = cache_bytes

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        key = (text, voice, audio_format)
        if (known := self._spoken.get(key)) is not None:
            self._spoken.move_to_end(key)
            yield known
            return
        pieces = []
        async for pcm in self._synthesizer.speak(
            text,
            _voice_name(voice),
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


def _voice_name(voice: Voice) -> str:
    name = voice.voice_id or voice_for(voice.language)
    if name is None:
        raise ProviderError(VENDOR, f"espeak-ng has no voice here for language {voice.language!r}", permanent=True)
    return name
