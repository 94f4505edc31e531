"""AI4Bharat's models for Indian languages (IndicConformer, Indic Parler-TTS), on a server of the operator's.

Their protocol, as COSS-India/voicera_mono_repository has it (ai4bharat_stt_server, ai4bharat_tts_server): `POST
/transcribe` takes an utterance as base64 of 16-bit PCM at 16 kHz; `POST /tts/stream` answers lines of JSON, each with
a piece of sound and its rate, then one that says `done`. They ask for no key; one may be set for a proxy before them.
"""

import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.providers.speech.line_sound import as_pcm, from_pcm
from voiceera.providers.speech.uploads import UploadedUtterances
from voiceera.providers.speech.vendor_languages import known_code
from voiceera.providers.vendor_http import VendorHttp
from voiceera.rules.audio import AudioFormat

VENDOR = "ai4bharat"
BHILI = "bhb"
"""Heard by a model of its own."""
HEARD = tuple("as bhb bn brx doi gu hi kn kok ks mai ml mni mr ne or pa sa sat sd ta te ur".split())
SPOKEN = tuple("as bn brx doi en gu hi kn kok mai ml mni mr ne or pa sa sat sd ta te ur".split())
_RATE = 16_000


class AI4BharatHearingSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(title="Server", description="Such as http://10.0.0.5:8001.")


class AI4BharatSpeakingSettings(AI4BharatHearingSettings):
    base_url: HttpUrl = Field(title="Server", description="Such as http://10.0.0.5:8002.")
    speaker: str = Field(
        "Divya", min_length=1, max_length=100, title="Voice", description="Unless an agent names one."
    )
    description: str = Field(
        "A clear, natural voice with good audio quality.",
        min_length=1,
        max_length=1000,
        title="How it speaks",
        description="In English words: pace, pitch, mood.",
    )


class AI4BharatCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr | None = Field(None, max_length=500, title="Key", description="Sent as a bearer token.")


class AI4BharatSpeechToText:
    Settings: ClassVar[type[AI4BharatHearingSettings]] = AI4BharatHearingSettings
    Credentials: ClassVar[type[AI4BharatCredentials]] = AI4BharatCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = HEARD

    def __init__(
        self, settings: AI4BharatHearingSettings, credentials: AI4BharatCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._http = _http(settings, credentials, allow)

    async def open(self, recognition: Recognition) -> UploadedUtterances:
        language = known_code(VENDOR, recognition.language, HEARD)
        path = "transcribe/bhili" if language == BHILI else "transcribe"

        async def transcribe(wav: bytes, expected: tuple[str, ...]) -> Heard:
            sound = base64.b64encode(as_pcm(wav, _RATE)).decode()
            answer = await self._http.post(path, {"audio_b64": sound, "language_id": language})
            if not isinstance(answer, dict) or not isinstance(text := answer.get("text"), str):
                raise ProviderError(VENDOR, "answered no text")
            return Heard(text.strip(), final=True)

        return UploadedUtterances(recognition, transcribe)

    async def check(self) -> None:
        await self._http.get("health")

    async def close(self) -> None:
        await self._http.close()


class AI4BharatTextToSpeech:
    Settings: ClassVar[type[AI4BharatSpeakingSettings]] = AI4BharatSpeakingSettings
    Credentials: ClassVar[type[AI4BharatCredentials]] = AI4BharatCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = SPOKEN

    def __init__(
        self, settings: AI4BharatSpeakingSettings, credentials: AI4BharatCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._settings = settings
        self._http = _http(settings, credentials, allow)

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        known_code(VENDOR, voice.language, SPOKEN)  # the model sees by the text which one it is
        body = {
            "text": text,
            "speaker": voice.voice_id or self._settings.speaker,
            "description": self._settings.description,
        }
        async with aclosing(self._http.lines("tts/stream", body)) as lines:
            async for piece in _in_line_format(lines, audio_format):
                yield piece

    async def check(self) -> None:
        await self._http.get("health")

    async def close(self) -> None:
        await self._http.close()


async def _in_line_format(lines: AsyncIterator[Any], audio_format: AudioFormat) -> AsyncIterator[bytes]:
    """Raises ProviderError for lines that are not the server's, and for sound that ends before its end was told."""
    first, rate = _sound(await anext(lines, None))

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        async for line in lines:
            if isinstance(line, dict) and line.get("done") is True:
                return
            yield _sound(line)[0]
        raise ProviderError(VENDOR, "broke off in the middle of a sentence")

    async for piece in from_pcm(pieces(), rate, audio_format):
        yield piece


def _sound(line: Any) -> tuple[bytes, int]:
    """(16-bit PCM, its rate) of one line."""
    try:
        sound, rate = base64.b64decode(line["audio"], validate=True), int(line["sample_rate"])
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise ProviderError(VENDOR, "sent no sound") from None
    if not 8000 <= rate <= 48_000:
        raise ProviderError(VENDOR, "sent no sound")
    return sound, rate


def _http(
    settings: AI4BharatHearingSettings, credentials: AI4BharatCredentials, allow: tuple[Allowed, ...]
) -> VendorHttp:
    key = credentials.api_key.get_secret_value() if credentials.api_key else ""
    return VendorHttp(VENDOR, str(settings.base_url), {"Authorization": f"Bearer {key}"} if key else {}, allow)
