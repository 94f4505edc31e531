"""Text to speech by a plugin: a sentence at a time, its sound as it comes."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

from voiceera.errors import ProviderError
from voiceera.providers.bridge.plugins import ONE_TRY, Bridged, C, S, failures
from voiceera.providers.protocols import Voice
from voiceera.providers.speech.line_sound import from_pcm
from voiceera.rules.audio import L16_16K, AudioFormat


class BridgedVoice(Bridged[S, C]):
    """Base of every bridged voice: `make(voice)` builds the plugin's TTS for a language, a voice and a speed."""

    def written(self, text: str) -> str:
        """The text as the plugin takes it."""
        return text

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncGenerator[bytes, None]:
        with failures(self.vendor):
            tts = self._made_for(voice)
            stream = tts.synthesize(self.written(text), conn_options=ONE_TRY)
        has_spoken = False
        try:
            async for piece in from_pcm(self._frames(stream), tts.sample_rate, audio_format):
                has_spoken = True
                yield piece
        finally:
            with suppress(Exception):
                await stream.aclose()
        if not has_spoken:
            raise ProviderError(self.vendor, "the vendor sent no sound")

    async def check(self) -> None:
        """Has one word spoken, which costs next to nothing. Raises ProviderError."""
        async with aclosing(self.speak("Hello.", Voice("en-US"), L16_16K)) as sound:
            async for _ in sound:
                return

    async def _frames(self, stream: Any) -> AsyncIterator[bytes]:
        with failures(self.vendor):
            async for audio in stream:
                yield bytes(audio.frame.data)
