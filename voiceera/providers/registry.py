"""(kind, name) → where a provider lives. Adding a vendor is one file and one line here.

A provider from another package registers in the entry-point group `voiceera.providers` as "kind.name".
"""

import importlib
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from pydantic import BaseModel

from voiceera.errors import FieldProblem, Invalid
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import Carrier


class Kind(StrEnum):
    CARRIER = "carrier"
    SPEECH_TO_TEXT = "stt"
    TEXT_TO_SPEECH = "tts"
    LANGUAGE_MODEL = "llm"
    STORAGE = "storage"
    TOOL = "tool"
    BRAIN = "brain"


PROVIDERS: dict[tuple[Kind, str], str] = {
    (Kind.CARRIER, "plivo"): "voiceera.providers.carriers.plivo:Plivo",
    (Kind.CARRIER, "vobiz"): "voiceera.providers.carriers.plivo:Vobiz",
    (Kind.CARRIER, "exotel"): "voiceera.providers.carriers.exotel:Exotel",
    (Kind.CARRIER, "telnyx"): "voiceera.providers.carriers.telnyx:Telnyx",
    (Kind.CARRIER, "twilio"): "voiceera.providers.carriers.twilio:Twilio",
    (Kind.CARRIER, "scripted"): "voiceera.providers.carriers.scripted:ScriptedCarrier",
    (Kind.SPEECH_TO_TEXT, "scripted"): "voiceera.providers.speech.scripted:ScriptedSpeechToText",
    (Kind.TEXT_TO_SPEECH, "scripted"): "voiceera.providers.speech.scripted:ScriptedTextToSpeech",
    (Kind.LANGUAGE_MODEL, "openai"): "voiceera.providers.models.openai:OpenAILanguageModel",
    (Kind.LANGUAGE_MODEL, "scripted"): "voiceera.providers.models.scripted:ScriptedLanguageModel",
    (Kind.SPEECH_TO_TEXT, "moonshine"): "voiceera.providers.speech.moonshine:MoonshineSpeechToText",
    (Kind.SPEECH_TO_TEXT, "pocketsphinx"): "voiceera.providers.speech.pocketsphinx:PocketsphinxSpeechToText",
    (Kind.SPEECH_TO_TEXT, "openai"): "voiceera.providers.speech.openai_speech:OpenAISpeechToText",
    (Kind.TEXT_TO_SPEECH, "openai"): "voiceera.providers.speech.openai_speech:OpenAITextToSpeech",
    (Kind.SPEECH_TO_TEXT, "deepgram"): "voiceera.providers.speech.deepgram:DeepgramSpeechToText",
    (Kind.TEXT_TO_SPEECH, "deepgram"): "voiceera.providers.speech.deepgram:DeepgramTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "sarvam"): "voiceera.providers.speech.sarvam:SarvamSpeechToText",
    (Kind.TEXT_TO_SPEECH, "sarvam"): "voiceera.providers.speech.sarvam:SarvamTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "bhashini"): "voiceera.providers.speech.bhashini:BhashiniSpeechToText",
    (Kind.TEXT_TO_SPEECH, "bhashini"): "voiceera.providers.speech.bhashini:BhashiniTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "ai4bharat"): "voiceera.providers.speech.ai4bharat:AI4BharatSpeechToText",
    (Kind.TEXT_TO_SPEECH, "ai4bharat"): "voiceera.providers.speech.ai4bharat:AI4BharatTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "cartesia"): "voiceera.providers.bridge.vendors:CartesiaSpeechToText",
    (Kind.TEXT_TO_SPEECH, "cartesia"): "voiceera.providers.bridge.vendors:CartesiaTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "elevenlabs"): "voiceera.providers.bridge.vendors:ElevenLabsSpeechToText",
    (Kind.TEXT_TO_SPEECH, "elevenlabs"): "voiceera.providers.bridge.vendors:ElevenLabsTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "azure"): "voiceera.providers.bridge.vendors:AzureSpeechToText",
    (Kind.TEXT_TO_SPEECH, "azure"): "voiceera.providers.bridge.vendors:AzureTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "google"): "voiceera.providers.bridge.vendors:GoogleSpeechToText",
    (Kind.TEXT_TO_SPEECH, "google"): "voiceera.providers.bridge.vendors:GoogleTextToSpeech",
    (Kind.LANGUAGE_MODEL, "google"): "voiceera.providers.bridge.vendors:GoogleLanguageModel",
    (Kind.LANGUAGE_MODEL, "anthropic"): "voiceera.providers.bridge.vendors:AnthropicLanguageModel",
    (Kind.LANGUAGE_MODEL, "groq"): "voiceera.providers.models.openai:GroqLanguageModel",
    (Kind.SPEECH_TO_TEXT, "groq"): "voiceera.providers.speech.openai_speech:GroqSpeechToText",
    (Kind.BRAIN, "external"): "voiceera.providers.models.outside:OutsideBrain",
    (Kind.TOOL, "http"): "voiceera.providers.http_tool:HttpEndpoints",
    (Kind.TEXT_TO_SPEECH, "espeak"): "voiceera.providers.speech.espeak:EspeakTextToSpeech",
    (Kind.SPEECH_TO_TEXT, "vosk"): "voiceera.providers.speech.vosk:VoskSpeechToText",
    (Kind.SPEECH_TO_TEXT, "sherpa-onnx"): "voiceera.providers.speech.sherpa_onnx:SherpaOnnxSpeechToText",
    (Kind.SPEECH_TO_TEXT, "faster-whisper"): "voiceera.providers.speech.faster_whisper:FasterWhisperSpeechToText",
    (Kind.TEXT_TO_SPEECH, "piper"): "voiceera.providers.speech.piper:PiperTextToSpeech",
    (Kind.STORAGE, "objects"): "voiceera.providers.storage.objects:ObjectStorage",
}


EMBEDDED = {Kind.SPEECH_TO_TEXT: ("moonshine", "pocketsphinx"), Kind.TEXT_TO_SPEECH: ("espeak",)}
"""What needs no integration: it runs inside the platform."""
BROUGHT = {Kind.SPEECH_TO_TEXT: ("vosk", "sherpa-onnx", "faster-whisper"), Kind.TEXT_TO_SPEECH: ("piper",)}
"""What needs none either, but models that the operator brings."""


class CarrierFactory(Protocol):
    """What a carrier's line in the registry points at: its class."""

    Settings: type[BaseModel]
    """Validates the integration's `config`; its JSON schema draws the form."""
    Credentials: type[BaseModel]

    def __call__(self, settings: Any, credentials: Any, allow: tuple[Allowed, ...]) -> Carrier: ...


def names(kind: Kind) -> list[str]:
    """Every provider of a kind, installed or registered by another package, sorted."""
    plugged = {point.name.partition(".")[2] for point in _plugged(kind)}
    return sorted({name for of, name in PROVIDERS if of is kind} | plugged)


def load(kind: Kind, name: str) -> Any:
    """The provider's class. Raises Invalid for a name that nobody registered."""
    if (path := PROVIDERS.get((kind, name))) is not None:
        module, _, attribute = path.partition(":")
        return getattr(importlib.import_module(module), attribute)
    for point in _plugged(kind):
        if point.name == f"{kind}.{name}":
            return point.load()
    known = ", ".join(names(kind))
    message = f"there is no {kind} provider {name!r}; there are: {known}"
    raise Invalid(message, FieldProblem("provider", message))


def carrier_factory(name: str) -> CarrierFactory:
    """Raises Invalid for an unknown carrier."""
    return cast(CarrierFactory, load(Kind.CARRIER, name))


def _plugged(kind: Kind) -> list[Any]:
    return [point for point in entry_points(group="voiceera.providers") if point.name.startswith(f"{kind}.")]
