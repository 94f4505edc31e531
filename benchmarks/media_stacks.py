"""Whose ears, voice and model the calls of `benchmarks.media` have."""

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import HttpUrl, SecretStr

from voiceera.engine.session import CallProviders
from voiceera.providers.models.openai import OpenAICredentials, OpenAILanguageModel, OpenAISettings
from voiceera.providers.models.scripted import ScriptedLanguageModel
from voiceera.providers.outbound import allow_list
from voiceera.providers.registry import Kind, load
from voiceera.providers.speech.deepgram import (
    DeepgramCredentials,
    DeepgramHearingSettings,
    DeepgramSpeechToText,
    DeepgramTextToSpeech,
    DeepgramVoiceSettings,
)
from voiceera.providers.speech.espeak import EspeakTextToSpeech
from voiceera.providers.speech.moonshine import MoonshineSpeechToText
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedTextToSpeech


class Stack(StrEnum):
    SCRIPTED = "scripted"
    """Vendors that take no time and next to no work: what is left is the platform."""
    TLS = "tls"
    """The adapters of real vendors, against the servers of `media_vendors.py` over TLS."""
    BRIDGE = "bridge"
    """The same with an ear and a voice by LiveKit's plugin for Cartesia (the extra `cartesia`)."""
    EMBEDDED = "embedded"
    """Recognition and synthesis on this CPU."""


def providers_of(stack: Stack, vendors: str, words: str, reply: str) -> CallProviders:
    """`vendors`: where the servers of TLS are, "https://127.0.0.1:…"."""
    match stack:
        case Stack.SCRIPTED:
            ear, voice = ScriptedSpeechToText([words], repeat=True), ScriptedTextToSpeech()
            return CallProviders(ear, voice, ScriptedLanguageModel([reply]))
        case Stack.EMBEDDED:
            return CallProviders(
                MoonshineSpeechToText(processes=1), EspeakTextToSpeech(), ScriptedLanguageModel([reply])
            )
        case Stack.TLS | Stack.BRIDGE:
            allow, url, key = (
                allow_list(f"127.0.0.1/32:{urlsplit(vendors).port}"),
                HttpUrl(vendors),
                SecretStr("k" * 20),
            )
            model = OpenAILanguageModel(OpenAISettings(base_url=url), OpenAICredentials(api_key=key), allow)
            if stack is Stack.BRIDGE:
                ears, voices = load(Kind.SPEECH_TO_TEXT, "cartesia"), load(Kind.TEXT_TO_SPEECH, "cartesia")
                bridged = ears.Credentials(api_key=key)
                ear, voice = ears.Settings(base_url=url), voices.Settings(base_url=url, voice="v")
                return CallProviders(ears(ear, bridged, allow), voices(voice, bridged, allow), model)
            hearing, speaking = DeepgramHearingSettings(base_url=url), DeepgramVoiceSettings(base_url=url)
            account = DeepgramCredentials(api_key=key)
            return CallProviders(
                DeepgramSpeechToText(hearing, account, allow),
                DeepgramTextToSpeech(speaking, account, allow),
                model,
            )
