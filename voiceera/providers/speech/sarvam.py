"""Sarvam AI: speech in Indian languages (docs.sarvam.ai: speech-to-text/transcribe, text-to-speech/stream)."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.providers.speech.line_sound import from_pcm
from voiceera.providers.speech.uploads import UploadedUtterances
from voiceera.providers.speech.vendor_languages import known_code
from voiceera.providers.vendor_http import VendorHttp
from voiceera.rules.audio import AudioFormat, Encoding

VENDOR = "sarvam"
_BASE = HttpUrl("https://api.sarvam.ai")
SPOKEN = ("bn", "en", "gu", "hi", "kn", "ml", "mr", "or", "pa", "ta", "te")
HEARD = (*SPOKEN, "as", "brx", "doi", "kok", "ks", "mai", "mni", "ne", "sa", "sat", "sd", "ur")
_OWN_CODES = {"or": "od"}
"""The vendor's, where it is not ISO 639-1."""


class SarvamCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(min_length=1, max_length=500, title="API subscription key")


class SarvamHearingSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(_BASE, title="API address")
    model: str = Field("saaras:v3", min_length=1, max_length=100, title="Model")


class SarvamSpeechToText:
    Settings: ClassVar[type[SarvamHearingSettings]] = SarvamHearingSettings
    Credentials: ClassVar[type[SarvamCredentials]] = SarvamCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = HEARD

    def __init__(
        self, settings: SarvamHearingSettings, credentials: SarvamCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._model = settings.model
        self._http = _http(settings.base_url, credentials, allow)

    async def open(self, recognition: Recognition) -> UploadedUtterances:
        language = _code(recognition.language, HEARD)

        async def transcribe(wav: bytes, expected: tuple[str, ...]) -> Heard:
            answer = await self._http.upload("speech-to-text", {"model": self._model, "language_code": language}, wav)
            if not isinstance(answer, dict) or not isinstance(text := answer.get("transcript"), str):
                raise ProviderError(VENDOR, "answered no transcript")
            return Heard(text.strip(), final=True)

        return UploadedUtterances(recognition, transcribe)

    async def check(self) -> None:
        await _check(self._http)

    async def close(self) -> None:
        await self._http.close()


class SarvamSpeakingSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(_BASE, title="API address")
    model: str = Field("bulbul:v3", min_length=1, max_length=100, title="Model")
    speaker: str = Field(
        "shubh", min_length=1, max_length=100, title="Voice", description="Unless an agent names one."
    )


class SarvamTextToSpeech:
    Settings: ClassVar[type[SarvamSpeakingSettings]] = SarvamSpeakingSettings
    Credentials: ClassVar[type[SarvamCredentials]] = SarvamCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = SPOKEN

    def __init__(
        self, settings: SarvamSpeakingSettings, credentials: SarvamCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._settings = settings
        self._http = _http(settings.base_url, credentials, allow)

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        is_ulaw = audio_format.encoding is Encoding.ULAW
        body = {
            "text": text,
            "target_language_code": _code(voice.language, SPOKEN),
            "speaker": voice.voice_id or self._settings.speaker,
            "model": self._settings.model,
            "pace": voice.speed,
            "speech_sample_rate": audio_format.sample_rate,
            "output_audio_codec": "mulaw" if is_ulaw else "linear16",
        }
        async with aclosing(self._http.sound("text-to-speech/stream", body)) as sound:
            async for piece in sound if is_ulaw else from_pcm(sound, audio_format.sample_rate, audio_format):
                yield piece

    async def check(self) -> None:
        await _check(self._http)

    async def close(self) -> None:
        await self._http.close()


def _http(base_url: HttpUrl, credentials: SarvamCredentials, allow: tuple[Allowed, ...]) -> VendorHttp:
    return VendorHttp(VENDOR, str(base_url), {"api-subscription-key": credentials.api_key.get_secret_value()}, allow)


async def _check(http: VendorHttp) -> None:
    """Has five letters identified: the vendor lists nothing for free, and this costs least."""
    await http.post("text-lid", {"input": "hello"})


def _code(language: str, known: tuple[str, ...]) -> str:
    """ "hi-IN" for whatever names Hindi. Raises ProviderError for a language that the vendor does not know."""
    code = known_code(VENDOR, language, known)
    return f"{_OWN_CODES.get(code, code)}-IN"
