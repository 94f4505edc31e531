"""LiveKit's plugins as providers, against servers that speak the vendors' protocols: a breaking upgrade fails."""

import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from tests.bridge.vendors import WORDS, Vendors, serve_vendors
from voiceera.errors import ProviderError
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import Heard, Message, Recognition, TokensUsed, ToolRequest, ToolSpec, Voice
from voiceera.providers.registry import Kind, load
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat, decode

pytestmark = pytest.mark.filterwarnings("default")

KEY = "secret-key-0123456789"
ENGLISH = Voice("en-US")


@pytest_asyncio.fixture
async def vendors() -> AsyncIterator[Vendors]:
    async with serve_vendors() as running:
        yield running


def provider(kind: Kind, name: str, vendors: Vendors | None, **settings: Any) -> Any:
    factory = load(kind, name)
    allow = () if vendors is None else allow_list(f"127.0.0.1/32:{vendors.port}")
    if vendors is not None:
        settings["base_url"] = vendors.url
    return factory(factory.Settings(**settings), factory.Credentials(api_key=SecretStr(KEY)), allow)


async def spoken(voice: Any, audio_format: AudioFormat, text: str = "Good morning.") -> bytes:
    return b"".join([piece async for piece in voice.speak(text, ENGLISH, audio_format)])


@pytest.mark.parametrize("audio_format", [ULAW_8K, L16_16K], ids=["8k", "16k"])
@pytest.mark.parametrize("name", ["cartesia", "elevenlabs"])
async def test_a_voice_is_heard_in_the_lines_own_format(
    vendors: Vendors, name: str, audio_format: AudioFormat
) -> None:
    voice = provider(Kind.TEXT_TO_SPEECH, name, vendors, voice="v1")
    sound = decode(await spoken(voice, audio_format), audio_format)
    assert len(sound) / audio_format.sample_rate == pytest.approx(0.5, abs=0.06)
    strongest = np.argmax(np.abs(np.fft.rfft(sound.astype(float)))) * audio_format.sample_rate / len(sound)
    assert strongest == pytest.approx(440, abs=5)
    [(path, headers, body)] = vendors.asked
    assert KEY in headers.values()
    assert "Good morning." in json.dumps(body)
    assert "v1" in path + json.dumps(body)
    await voice.close()


@pytest.mark.parametrize("name", ["cartesia", "elevenlabs"])
async def test_an_ear_hears_utterance_by_utterance(vendors: Vendors, name: str) -> None:
    ear = provider(Kind.SPEECH_TO_TEXT, name, vendors)
    stream = await ear.open(Recognition(ULAW_8K, "en-US"))
    partials: list[Heard] = []
    for count in (1, 2):
        stream.begin_utterance()
        for _ in range(50):
            stream.push(b"\x80" * 160)
        heard = await stream.end_utterance()
        assert (heard.text, heard.final) == (WORDS, True)
        assert len(vendors.asked) == count
    stream.begin_utterance()
    stream.push(b"\x80" * 160)
    stream.abandon_utterance()
    async for partial in stream.partials():
        partials.append(partial)
        break
    assert partials[0].text in WORDS and not partials[0].final
    assert vendors.heard_seconds == pytest.approx(2.0, abs=0.4)
    await stream.close()
    await ear.close()


async def test_a_model_answers_and_counts(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
    model = provider(Kind.LANGUAGE_MODEL, "anthropic", None, model="claude-x")
    history = (
        Message("assistant", "Hello."),
        Message("user", "Where is order 7?"),
        Message("assistant", "", (ToolRequest("t1", "look_up", '{"order": "7"}'),)),
        Message("tool", "on its way", answers="t1"),
    )
    pieces = [piece async for piece in model.reply("You are kind.", history)]
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == "Good morning."
    assert [piece for piece in pieces if isinstance(piece, TokensUsed)] == [TokensUsed(12, 5)]
    [(_, headers, body)] = vendors.asked
    assert (headers["X-Api-Key"], body["model"]) == (KEY, "claude-x")
    assert "You are kind." in json.dumps(body["system"])
    kinds = [part["type"] for message in body["messages"] for part in message["content"]]
    assert "tool_use" in kinds and "tool_result" in kinds
    await model.close()


async def test_a_model_asks_for_a_tool_and_runs_none(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
    model = provider(Kind.LANGUAGE_MODEL, "anthropic", None)
    tool = ToolSpec(
        "look_up", "The state of an order.", {"type": "object", "properties": {"order": {"type": "string"}}}
    )
    pieces = [piece async for piece in model.reply("x", (Message("user", "Where is it?"),), (tool,), "claude-y")]
    [asked] = [piece for piece in pieces if isinstance(piece, ToolRequest)]
    assert (asked.name, json.loads(asked.arguments)) == ("look_up", {"order": "7"})
    [(_, _, body)] = vendors.asked
    assert body["model"] == "claude-y"
    assert body["tools"][0]["name"] == "look_up"
    await model.close()


@pytest.mark.parametrize(("status", "permanent"), [(401, True), (429, False), (500, False)])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.TEXT_TO_SPEECH, "cartesia"),
        (Kind.TEXT_TO_SPEECH, "elevenlabs"),
        (Kind.SPEECH_TO_TEXT, "cartesia"),
        (Kind.SPEECH_TO_TEXT, "elevenlabs"),
        (Kind.LANGUAGE_MODEL, "anthropic"),
    ],
)
async def test_refusals_are_provider_errors_that_quote_nothing(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch, kind: Kind, name: str, status: int, permanent: bool
) -> None:
    vendors.status = status
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
    made = provider(kind, name, None if kind is Kind.LANGUAGE_MODEL else vendors)
    with pytest.raises(ProviderError) as refused:
        await used(kind, made)
    assert refused.value.vendor == name
    assert "secret" not in f"{refused.value} {refused.value.details}"
    if kind is not Kind.SPEECH_TO_TEXT:  # what refuses a socket is told by no plugin
        assert refused.value.permanent is permanent
    await made.close()


async def used(kind: Kind, made: Any) -> None:
    if kind is Kind.TEXT_TO_SPEECH:
        await spoken(made, ULAW_8K)
    elif kind is Kind.LANGUAGE_MODEL:
        _ = [piece async for piece in made.reply("x", (Message("user", "hello"),))]
    else:
        stream = await made.open(Recognition(ULAW_8K, "en-US"))
        stream.begin_utterance()
        stream.push(b"\x80" * 1600)
        try:
            await stream.end_utterance()
        finally:
            await stream.close()


@pytest.mark.parametrize(("kind", "name"), [(Kind.TEXT_TO_SPEECH, "elevenlabs"), (Kind.SPEECH_TO_TEXT, "elevenlabs")])
async def test_inside_addresses_are_not_reached(vendors: Vendors, kind: Kind, name: str) -> None:
    factory = load(kind, name)
    made = factory(factory.Settings(base_url=vendors.url), factory.Credentials(api_key=SecretStr(KEY)), ())
    with pytest.raises(ProviderError):
        await used(kind, made)
    assert vendors.asked == []
    await made.close()


def account(token_uri: str = "https://oauth2.googleapis.com/token") -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kept = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    told = {"type": "service_account", "project_id": "p", "private_key_id": "1", "client_email": "a@example.com"}
    return json.dumps({**told, "private_key": key.private_bytes(*kept).decode(), "token_uri": token_uri})


async def test_those_without_an_address_of_ours_can_be_made() -> None:
    """Azure and Google cannot be led to a server here: do their plugins still take what we give?"""
    for kind in (Kind.TEXT_TO_SPEECH, Kind.SPEECH_TO_TEXT):
        azure, google = load(kind, "azure"), load(kind, "google")
        made = (
            azure(azure.Settings(region="westeurope"), azure.Credentials(api_key=SecretStr(KEY))),
            google(google.Settings(), google.Credentials(service_account=SecretStr(account()))),
        )
        for each in made:
            assert each.make(ENGLISH if kind is Kind.TEXT_TO_SPEECH else "en-US") is not None
            await each.close()
    assert load(Kind.TEXT_TO_SPEECH, "azure").written(None, "a < b & c") == "a &lt; b &amp; c"
    gemini = load(Kind.LANGUAGE_MODEL, "google")
    assert gemini(gemini.Settings(), gemini.Credentials(api_key=SecretStr(KEY))).make("gemini-x") is not None


@pytest.mark.parametrize(("kind", "name"), [(Kind.TEXT_TO_SPEECH, "cartesia"), (Kind.SPEECH_TO_TEXT, "elevenlabs")])
async def test_an_account_is_tried_out(vendors: Vendors, kind: Kind, name: str) -> None:
    made = provider(kind, name, vendors)
    await made.check()
    vendors.status = 401
    with pytest.raises(ProviderError):
        await made.check()
    await made.close()


@pytest.mark.parametrize("text", ["no JSON", "{}", account.__name__])
def test_a_google_key_that_is_none_is_refused(text: str) -> None:
    credentials = load(Kind.TEXT_TO_SPEECH, "google").Credentials
    with pytest.raises(ValidationError):
        credentials(service_account=SecretStr(text if text != "account" else account("http://169.254.169.254/token")))
