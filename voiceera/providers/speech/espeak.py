"""espeak-ng as a text-to-speech provider: twenty languages, no key, no download."""

from typing import ClassVar

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Voice
from voiceera.providers.speech.local.voice import LocalTextToSpeech
from voiceera.synthesis.client import VENDOR, Synthesizer
from voiceera.synthesis.voices import VOICES, voice_for


class EspeakTextToSpeech(LocalTextToSpeech):
    LANGUAGES: ClassVar[tuple[str, ...]] = tuple(sorted({tag.split("-")[0] for tag in VOICES}))
    VOICES: ClassVar[tuple[str, ...]] = tuple(sorted(set(VOICES.values())))

    def __init__(self, cache_bytes: int = 16_000_000) -> None:
        super().__init__(Synthesizer(), cache_bytes)

    def voice_name(self, voice: Voice) -> str:
        name = voice.voice_id or voice_for(voice.language)
        if name is None:
            raise ProviderError(
                VENDOR, f"espeak-ng has no voice here for language {voice.language!r}", permanent=True
            )
        return name
