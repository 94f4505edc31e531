"""Speech behind OpenAI's audio API: OpenAI, Groq, and local servers that speak it (speaches, LocalAI, vLLM).

Sources: platform.openai.com/docs/api-reference/audio (createTranscription, createSpeech).
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.providers.speech.line_sound import from_pcm
from voiceera.providers.speech.uploads import UploadedUtterances
from voiceera.providers.vendor_http import VendorHttp
from voiceera.rules.audio import AudioFormat
from voiceera.rules.languages import short

VENDOR = "openai"
_BASE = HttpUrl("https://api.openai.com/v1")
_PROMPT_PHRASES = 20


class OpenAISpeechCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(
        SecretStr("none"), max_length=500, title="API key", description="Local servers take any."
    )


class TranscriptionSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(_BASE, title="API address")
    model: str = Field("gpt-4o-mini-transcribe", min_length=1, max_length=200, title="Model")


class OpenAISpeechToText:
    Settings: ClassVar[type[TranscriptionSettings]] = TranscriptionSettings
    Credentials: ClassVar[type[OpenAISpeechCredentials]] = OpenAISpeechCredentials

    def __init__(
        self, settings: TranscriptionSettings, credentials: OpenAISpeechCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._model = settings.model
        self._http = _http(settings.base_url, credentials, allow)

    async def open(self, recognition: Recognition) -> UploadedUtterances:
        language = short(recognition.language)

        async def transcribe(wav: bytes, expected: tuple[str, ...]) -> Heard:
            fields = {"model": self._model, "language": language, "response_format": "json"}
            if expected:
                fields["prompt"] = ", ".join(expected[:_PROMPT_PHRASES])
            answer = await self._http.upload("audio/transcriptions", fields, wav)
            return Heard(_text(answer), final=True)

        return UploadedUtterances(recognition, transcribe)

    async def check(self) -> None:
        """Lists the models, which costs nothing. Raises ProviderError."""
        await self._http.get("models")

    async def close(self) -> None:
        await self._http.close()


class GroqTranscriptionSettings(TranscriptionSettings):
    base_url: HttpUrl = Field(HttpUrl("https://api.groq.com/openai/v1"), title="API address")
    model: str = Field("whisper-large-v3-turbo", min_length=1, max_length=200, title="Model")


class GroqSpeechToText(OpenAISpeechToText):
    """Groq speaks OpenAI's audio API (console.groq.com/docs/speech-to-text)."""

    Settings: ClassVar[type[TranscriptionSettings]] = GroqTranscriptionSettings


class SpeechSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(_BASE, title="API address")
    model: str = Field("gpt-4o-mini-tts", min_length=1, max_length=200, title="Model")
    voice: str = Field("alloy", min_length=1, max_length=200, title="Voice", description="Unless an agent names one.")
    sample_rate: int = Field(24_000, ge=8000, le=48_000, title="Sample rate of `pcm`")


class OpenAITextToSpeech:
    Settings: ClassVar[type[SpeechSettings]] = SpeechSettings
    Credentials: ClassVar[type[OpenAISpeechCredentials]] = OpenAISpeechCredentials
    VOICES: ClassVar[tuple[str, ...]] = tuple(
        "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()
    )

    def __init__(
        self, settings: SpeechSettings, credentials: OpenAISpeechCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._settings = settings
        self._http = _http(settings.base_url, credentials, allow)

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        body = {
            "model": self._settings.model,
            "input": text,
            "voice": voice.voice_id or self._settings.voice,
            "response_format": "pcm",
            "speed": voice.speed,
        }
        async with aclosing(self._http.sound("audio/speech", body)) as sound:
            async for piece in from_pcm(sound, self._settings.sample_rate, audio_format):
                yield piece

    async def check(self) -> None:
        """Lists the models, which costs nothing. Raises ProviderError."""
        await self._http.get("models")

    async def close(self) -> None:
        await self._http.close()


def _http(base_url: HttpUrl, credentials: OpenAISpeechCredentials, allow: tuple[Allowed, ...]) -> VendorHttp:
    key = credentials.api_key.get_secret_value()
    return VendorHttp(VENDOR, str(base_url), {"Authorization": f"Bearer {key}"}, allow)


def _text(answer: Any) -> str:
    if not isinstance(answer, dict) or not isinstance(text := answer.get("text"), str):
        raise ProviderError(VENDOR, "answered no transcript")
    return text.strip()
