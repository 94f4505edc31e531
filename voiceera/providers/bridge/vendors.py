"""Each bridged vendor: what its integration says, and which of the plugin's options that is."""

from typing import Any, ClassVar
from xml.sax.saxutils import escape

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, field_validator

from voiceera.providers.bridge.hearing import RATE, BridgedEar
from voiceera.providers.bridge.models import BridgedModel
from voiceera.providers.bridge.plugins import plugin
from voiceera.providers.bridge.voices import BridgedVoice
from voiceera.providers.protocols import Voice
from voiceera.rules.languages import short

_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_REGION = r"^[a-z0-9-]{2,40}$"


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyCredentials(_Sent):
    api_key: SecretStr = Field(min_length=1, max_length=500, title="API key")

    @property
    def key(self) -> str:
        return self.api_key.get_secret_value()


class ModelSettings(_Sent):
    model: str | None = Field(
        None, min_length=1, max_length=200, title="Model", description="Empty: the plugin's own."
    )


class _AddressSettings(ModelSettings):
    base_url: HttpUrl | None = Field(None, title="API address", description="Empty: the vendor's.")


class VoiceSettings(_AddressSettings):
    voice: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        title="Voice",
        description="The vendor's id for it, unless an agent names one.",
    )


def _given(**options: Any) -> dict[str, Any]:
    """Those that are said; the plugin's defaults hold for the others."""
    return {name: value for name, value in options.items() if value is not None}


def _address(settings: _AddressSettings) -> str | None:
    return None if settings.base_url is None else str(settings.base_url).rstrip("/")


# ── Cartesia ─────────────────────────────────────────────────────────────────────────────────────────────────────


class CartesiaSpeechToText(BridgedEar[_AddressSettings, KeyCredentials]):
    vendor = "cartesia"
    Settings: ClassVar[type[_AddressSettings]] = _AddressSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, language: str) -> Any:
        options = _given(model=self._settings.model, base_url=_address(self._settings))
        return plugin("cartesia").STT(
            api_key=self._credentials.key,
            sample_rate=RATE,
            language=short(language),
            http_session=self._way_out.session,
            **{"model": "ink-whisper", **options},  # the other ends turns itself
        )


class CartesiaTextToSpeech(BridgedVoice[VoiceSettings, KeyCredentials]):
    vendor = "cartesia"
    Settings: ClassVar[type[VoiceSettings]] = VoiceSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, voice: Voice) -> Any:
        options = _given(
            model=self._settings.model,
            base_url=_address(self._settings),
            voice=voice.voice_id or self._settings.voice,
            speed=None if voice.speed == 1.0 else voice.speed,
        )
        language = short(voice.language)
        return plugin("cartesia").TTS(
            api_key=self._credentials.key, language=language, http_session=self._way_out.session, **options
        )


# ── ElevenLabs ───────────────────────────────────────────────────────────────────────────────────────────────────


class ElevenLabsTextToSpeech(BridgedVoice[VoiceSettings, KeyCredentials]):
    vendor = "elevenlabs"
    Settings: ClassVar[type[VoiceSettings]] = VoiceSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, voice: Voice) -> Any:
        options = _given(
            model=self._settings.model,
            base_url=_address(self._settings),
            voice_id=voice.voice_id or self._settings.voice,
        )
        return plugin("elevenlabs").TTS(
            api_key=self._credentials.key,
            encoding="pcm_16000",
            language=short(voice.language),
            http_session=self._way_out.session,
            **options,
        )


class ElevenLabsSpeechToText(BridgedEar[_AddressSettings, KeyCredentials]):
    vendor = "elevenlabs"
    Settings: ClassVar[type[_AddressSettings]] = _AddressSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, language: str) -> Any:
        options = _given(base_url=_address(self._settings))
        return plugin("elevenlabs").STT(
            api_key=self._credentials.key,
            model_id=self._settings.model or "scribe_v2_realtime",
            sample_rate=RATE,
            language_code=short(language),
            http_session=self._way_out.session,
            **options,
        )


# ── Azure ────────────────────────────────────────────────────────────────────────────────────────────────────────


class RegionSettings(_Sent):
    region: str = Field(pattern=_REGION, title="Region", description="Like westeurope.")


class RegionVoiceSettings(RegionSettings):
    voice: str | None = Field(
        None, min_length=1, max_length=200, title="Voice", description="Like en-US-JennyNeural."
    )


class AzureTextToSpeech(BridgedVoice[RegionVoiceSettings, KeyCredentials]):
    vendor = "azure"
    Settings: ClassVar[type[RegionVoiceSettings]] = RegionVoiceSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, voice: Voice) -> Any:
        return plugin("azure").TTS(
            speech_key=self._credentials.key,
            speech_region=self._settings.region,
            sample_rate=RATE,
            language=voice.language,
            http_session=self._way_out.session,
            **_given(voice=voice.voice_id or self._settings.voice),
        )

    def written(self, text: str) -> str:
        """It stands in XML, and the plugin puts it there as it is."""
        return escape(text)


class AzureSpeechToText(BridgedEar[RegionSettings, KeyCredentials]):
    vendor = "azure"
    Settings: ClassVar[type[RegionSettings]] = RegionSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, language: str) -> Any:
        return plugin("azure").STT(
            speech_key=self._credentials.key, speech_region=self._settings.region, sample_rate=RATE, language=language
        )


# ── Google ───────────────────────────────────────────────────────────────────────────────────────────────────────


class GoogleKey(_Sent):
    """A service account's key, as Google gives it out."""

    service_account: SecretStr = Field(
        min_length=2, max_length=10_000, title="Service account", description="The JSON of its key, whole."
    )

    @field_validator("service_account")
    @classmethod
    def _asks_google_alone(cls, value: SecretStr) -> SecretStr:
        """A key file says itself where its tokens come from: elsewhere nobody asks."""
        account = _Account.model_validate_json(value.get_secret_value())
        if account.token_uri != _GOOGLE_TOKENS:
            raise ValueError(f"its token_uri must be {_GOOGLE_TOKENS}")
        return value

    @property
    def account(self) -> dict[str, Any]:
        return _Account.model_validate_json(self.service_account.get_secret_value()).model_dump()


class _Account(BaseModel):
    """What is needed of the key; anything else in it is left out."""

    type: str = Field(pattern="^service_account$")
    project_id: str
    private_key_id: str
    private_key: str
    client_email: str
    client_id: str = ""
    token_uri: str


class GoogleSpeechToText(BridgedEar[ModelSettings, GoogleKey]):
    vendor = "google"
    Settings: ClassVar[type[ModelSettings]] = ModelSettings
    Credentials: ClassVar[type[GoogleKey]] = GoogleKey

    def make(self, language: str) -> Any:
        return plugin("google").STT(
            languages=language,
            detect_language=False,
            sample_rate=RATE,
            credentials_info=self._credentials.account,
            **_given(model=self._settings.model),
        )


class GoogleVoiceSettings(_Sent):
    voice: str | None = Field(None, min_length=1, max_length=200, title="Voice", description="Like en-US-Neural2-F.")


class GoogleTextToSpeech(BridgedVoice[GoogleVoiceSettings, GoogleKey]):
    vendor = "google"
    Settings: ClassVar[type[GoogleVoiceSettings]] = GoogleVoiceSettings
    Credentials: ClassVar[type[GoogleKey]] = GoogleKey

    def make(self, voice: Voice) -> Any:
        return plugin("google").TTS(
            language=voice.language,
            speaking_rate=voice.speed,
            sample_rate=RATE,
            credentials_info=self._credentials.account,
            use_streaming=False,
            **_given(voice_name=voice.voice_id or self._settings.voice),
        )


class GoogleLanguageModel(BridgedModel[ModelSettings, KeyCredentials]):
    vendor = "google"
    Settings: ClassVar[type[ModelSettings]] = ModelSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, model: str | None) -> Any:
        return plugin("google").LLM(
            api_key=self._credentials.key, vertexai=False, **_given(model=model or self._settings.model)
        )


# ── Anthropic ────────────────────────────────────────────────────────────────────────────────────────────────────


class AnthropicLanguageModel(BridgedModel[ModelSettings, KeyCredentials]):
    vendor = "anthropic"
    Settings: ClassVar[type[ModelSettings]] = ModelSettings
    Credentials: ClassVar[type[KeyCredentials]] = KeyCredentials

    def make(self, model: str | None) -> Any:
        return plugin("anthropic").LLM(api_key=self._credentials.key, **_given(model=model or self._settings.model))
