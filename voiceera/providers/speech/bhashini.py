"""Bhashini (the Government of India's language platform), by its Dhruva pipeline: one request an utterance.

Source: bhashini.gitbook.io/bhashini-apis, "Pipeline Compute Call". AI4Bharat's models run behind the same API.
"""

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.providers.speech.line_sound import from_pcm
from voiceera.providers.speech.uploads import UploadedUtterances
from voiceera.providers.speech.vendor_languages import known_code
from voiceera.providers.vendor_http import VendorHttp
from voiceera.rules.audio import AudioFormat

VENDOR = "bhashini"
LANGUAGES = tuple("as bn brx doi en gu hi kn kok ks mai ml mni mr ne or pa sa sat sd ta te ur".split())
_PATH = "services/inference/pipeline"


class BhashiniSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(HttpUrl("https://dhruva-api.bhashini.gov.in"), title="API address")
    service_id: str = Field(
        "", max_length=200, title="Service", description="A model's serviceId, by the pipeline's configuration."
    )


class BhashiniVoiceSettings(BhashiniSettings):
    gender: str = Field("female", pattern="^(female|male)$", title="Voice", description="Unless an agent names one.")


class BhashiniCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    inference_key: SecretStr = Field(min_length=1, max_length=500, title="Inference API key")


class BhashiniSpeechToText:
    Settings: ClassVar[type[BhashiniSettings]] = BhashiniSettings
    Credentials: ClassVar[type[BhashiniCredentials]] = BhashiniCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = LANGUAGES

    def __init__(
        self, settings: BhashiniSettings, credentials: BhashiniCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._service_id = settings.service_id
        self._http = _http(settings, credentials, allow)

    async def open(self, recognition: Recognition) -> UploadedUtterances:
        config = {
            "language": {"sourceLanguage": known_code(VENDOR, recognition.language, LANGUAGES)},
            "serviceId": self._service_id,
            "audioFormat": "wav",
            "samplingRate": recognition.audio_format.sample_rate,
        }

        async def transcribe(wav: bytes, expected: tuple[str, ...]) -> Heard:
            sound = {"audio": [{"audioContent": base64.b64encode(wav).decode()}]}
            answer = await self._http.post(_PATH, _request("asr", config, sound))
            return Heard(_at(answer, "output", "source").strip(), final=True)

        return UploadedUtterances(recognition, transcribe)

    async def check(self) -> None:
        await _check(self._http)

    async def close(self) -> None:
        await self._http.close()


class BhashiniTextToSpeech:
    Settings: ClassVar[type[BhashiniVoiceSettings]] = BhashiniVoiceSettings
    Credentials: ClassVar[type[BhashiniCredentials]] = BhashiniCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = LANGUAGES
    VOICES: ClassVar[tuple[str, ...]] = ("female", "male")

    def __init__(
        self, settings: BhashiniVoiceSettings, credentials: BhashiniCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._settings = settings
        self._http = _http(settings, credentials, allow)

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        config = {
            "language": {"sourceLanguage": known_code(VENDOR, voice.language, LANGUAGES)},
            "serviceId": self._settings.service_id,
            "gender": voice.voice_id or self._settings.gender,
            "samplingRate": audio_format.sample_rate,
        }
        answer = await self._http.post(_PATH, _request("tts", config, {"input": [{"source": text}]}))
        try:
            wav = base64.b64decode(_at(answer, "audio", "audioContent"), validate=True)
        except binascii.Error:
            raise ProviderError(VENDOR, "sent no sound") from None
        rate = int.from_bytes(wav[24:28], "little") if wav[:4] == b"RIFF" else audio_format.sample_rate
        if not 8000 <= rate <= 48_000:
            raise ProviderError(VENDOR, "sent no sound")
        async for piece in from_pcm(_once(wav), rate, audio_format):
            yield piece

    async def check(self) -> None:
        await _check(self._http)

    async def close(self) -> None:
        await self._http.close()


def _http(settings: BhashiniSettings, credentials: BhashiniCredentials, allow: tuple[Allowed, ...]) -> VendorHttp:
    key = credentials.inference_key.get_secret_value()
    return VendorHttp(VENDOR, str(settings.base_url), {"Authorization": key}, allow)


async def _check(http: VendorHttp) -> None:
    """Has one word translated, which is the cheapest task."""
    config = {"language": {"sourceLanguage": "en", "targetLanguage": "hi"}}
    await http.post(_PATH, _request("translation", config, {"input": [{"source": "hello"}]}))


async def _once(sound: bytes) -> AsyncIterator[bytes]:
    yield sound


def _request(task: str, config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {"pipelineTasks": [{"taskType": task, "config": config}], "inputData": given}


def _at(answer: Any, part: str, field: str) -> str:
    """The one text that a pipeline of one task answers."""
    try:
        value = answer["pipelineResponse"][0][part][0][field]
    except (KeyError, IndexError, TypeError):
        value = None
    if not isinstance(value, str):
        raise ProviderError(VENDOR, "answered nothing that it should")
    return value
