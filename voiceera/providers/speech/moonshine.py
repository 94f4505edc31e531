"""The embedded recognizer: Moonshine tiny, drawn towards what the agent expects. English only.

It needs no key, no download and no network. docs/recognition.md says what it understands.
"""

from typing import ClassVar

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Recognition
from voiceera.providers.speech.local.client import LocalSpeechToText, LocalStream
from voiceera.providers.speech.neural.weights import folder


class MoonshineSpeechToText(LocalSpeechToText):
    LANGUAGES: ClassVar[tuple[str, ...]] = ("en",)
    vendor = "moonshine"
    module = "voiceera.providers.speech.neural.worker"

    async def open(self, recognition: Recognition) -> LocalStream:
        if folder() is None:
            raise ProviderError(
                self.vendor,
                "The package moonshine-voice 0.0.73, which carries the model, is not installed; "
                'install it, or set the agent\'s stt_provider to "pocketsphinx".',
                permanent=True,
            )
        return await super().open(recognition)
