"""Speech vendors that speak HTTP, each against a server that answers as its documentation says, well and badly."""

import base64
import io
import json
import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.vendors.http_vendor import Answer, Asked, HttpVendor, http_vendor, never, streamed, whole
from voiceera.errors import ProviderError
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import Recognition, SpeechToText, TextToSpeech, Voice
from voiceera.providers.registry import Kind, load
from voiceera.providers.speech.line_sound import as_wav, from_pcm
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat, decode, encode

KEY = "key-of-the-test-0000"


def connected(kind: Kind, name: str, vendor: HttpVendor, **credentials: str) -> Any:
    factory = load(kind, name)
    settings = factory.Settings.model_validate({"base_url": vendor.url})
    given = credentials or {next(iter(factory.Credentials.model_fields)): KEY}
    return factory(settings, factory.Credentials.model_validate(given), allow_list(f"127.0.0.1/32:{vendor.port}"))


# ── recognition ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ear:
    name: str
    answer: object
    path: str
    check: Callable[[Asked], None]


def parts_of(asked: Asked) -> dict[str, bytes]:
    boundary = asked.headers["content-type"].partition("boundary=")[2].encode()
    parts = {}
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        parts[head.partition(b'name="')[2].partition(b'"')[0].decode()] = content.removesuffix(b"\r\n")
    return parts


def check_wav(content: bytes) -> None:
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        assert sound.getnframes() == 8000


def check_openai(asked: Asked) -> None:
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    parts = parts_of(asked)
    assert (parts["model"], parts["language"], parts["prompt"]) == (b"gpt-4o-mini-transcribe", b"hi", b"haan, nahin")
    check_wav(parts["file"])


def check_sarvam(asked: Asked) -> None:
    assert asked.headers["api-subscription-key"] == KEY
    parts = parts_of(asked)
    assert (parts["model"], parts["language_code"]) == (b"saaras:v3", b"hi-IN")
    check_wav(parts["file"])


def check_bhashini(asked: Asked) -> None:
    assert asked.headers["authorization"] == KEY
    sent = asked.json()
    [task] = sent["pipelineTasks"]
    assert (task["taskType"], task["config"]["language"]) == ("asr", {"sourceLanguage": "hi"})
    assert task["config"]["samplingRate"] == 8000
    check_wav(base64.b64decode(sent["inputData"]["audio"][0]["audioContent"]))


def check_ai4bharat(asked: Asked) -> None:
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    sent = asked.json()
    assert sent["language_id"] == "hi"
    assert len(base64.b64decode(sent["audio_b64"], validate=True)) == 2 * 16_000


HEARD = "हाँ, मैं आऊँगा"
EARS = (
    Ear("openai", {"text": HEARD}, "/audio/transcriptions", check_openai),
    Ear(
        "sarvam", {"request_id": "r", "transcript": HEARD, "language_code": "hi-IN"}, "/speech-to-text", check_sarvam
    ),
    Ear(
        "bhashini",
        {"pipelineResponse": [{"taskType": "asr", "output": [{"source": HEARD}]}]},
        "/services/inference/pipeline",
        check_bhashini,
    ),
    Ear("ai4bharat", {"text": HEARD}, "/transcribe", check_ai4bharat),
)
ears = pytest.mark.parametrize("ear", EARS, ids=lambda ear: ear.name)


async def heard_by(speech_to_text: SpeechToText, language: str = "hi-IN") -> str:
    stream = await speech_to_text.open(Recognition(ULAW_8K, language))
    try:
        stream.begin_utterance(("haan", "nahin"))
        for _ in range(50):
            stream.push(ULAW_8K.silence)
        return (await stream.end_utterance()).text
    finally:
        await stream.close()


@ears
async def test_an_utterance_is_uploaded_and_its_words_come_back(ear: Ear) -> None:
    async with http_vendor(whole(200, ear.answer)) as vendor:
        provider = connected(Kind.SPEECH_TO_TEXT, ear.name, vendor)
        assert await heard_by(provider) == HEARD
        await provider.close()
    assert (vendor.asked[0].method, vendor.asked[0].path) == ("POST", ear.path)
    ear.check(vendor.asked[0])


BAD: list[tuple[Answer, bool]] = [
    (whole(401, {"error": KEY}), True),
    (whole(403, {"error": {"message": KEY}}), True),
    (whole(429, {"error": "slow down"}), False),
    (whole(500, b"oops"), False),
    (whole(200, b"<html>a proxy</html>", "text/html"), False),
    (whole(200, b"{"), False),
    (whole(200, ["no", "object"]), False),
    (whole(200, {"pipelineResponse": [{"output": []}]}), False),
    (streamed(b'{"te', content_type="application/json", ends=False), False),
    (whole(302, b""), False),
]


@ears
@pytest.mark.parametrize(("answer", "permanent"), BAD)
async def test_what_goes_wrong_with_an_upload_is_the_vendors_error(ear: Ear, answer: Answer, permanent: bool) -> None:
    async with http_vendor(answer) as vendor:
        provider = connected(Kind.SPEECH_TO_TEXT, ear.name, vendor)
        with pytest.raises(ProviderError) as failed:
            await heard_by(provider)
        await provider.close()
    assert (failed.value.vendor, failed.value.permanent) == (ear.name, permanent)
    assert KEY not in failed.value.message + str(failed.value.details)


async def test_bhili_has_a_model_of_its_own() -> None:
    async with http_vendor(whole(200, {"text": "राम राम"})) as vendor:
        provider = connected(Kind.SPEECH_TO_TEXT, "ai4bharat", vendor)
        assert await heard_by(provider, "bhb-IN") == "राम राम"
        await provider.close()
    assert (vendor.asked[0].path, vendor.asked[0].json()["language_id"]) == ("/transcribe/bhili", "bhb")


@pytest.mark.parametrize("name", ["sarvam", "bhashini", "ai4bharat"])
async def test_a_language_that_a_vendor_does_not_know_is_refused_at_once(name: str) -> None:
    async with http_vendor(never) as vendor:
        provider = connected(Kind.SPEECH_TO_TEXT, name, vendor)
        with pytest.raises(ProviderError) as failed:
            await heard_by(provider, "fi-FI")
        await provider.close()
    assert failed.value.permanent and vendor.asked == []


async def test_a_cough_is_not_uploaded() -> None:
    async with http_vendor(never) as vendor:
        provider = connected(Kind.SPEECH_TO_TEXT, "openai", vendor)
        stream = await provider.open(Recognition(ULAW_8K, "en-US"))
        stream.begin_utterance()
        stream.push(ULAW_8K.silence)
        stream.abandon_utterance()
        assert (await stream.end_utterance()).text == ""
        await provider.close()
    assert vendor.asked == []


# ── voices ───────────────────────────────────────────────────────────────────────────────────────────────────────


TONE = (8000 * np.sin(2 * np.pi * 300 * np.arange(8000) / 8000)).astype("<i2")
"""One second at 8 kHz."""


@dataclass(frozen=True)
class Mouth:
    name: str
    answer: Answer
    path: str
    sent: dict[str, Any]


def cut(sound: bytes, size: int = 777) -> list[bytes]:
    """Odd pieces: a sample may be cut in two."""
    return [sound[start : start + size] for start in range(0, len(sound), size)]


def in_24_khz() -> bytes:
    return (8000 * np.sin(2 * np.pi * 300 * np.arange(24_000) / 24_000)).astype("<i2").tobytes()


def in_json_lines(pcm: bytes, done: bool = True) -> bytes:
    """As AI4Bharat's server sends sound."""
    said: list[dict[str, Any]] = [
        {"audio": base64.b64encode(piece).decode(), "sample_rate": 24_000, "samples": len(piece) // 2}
        for piece in cut(pcm, 7200)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*said, *([{"done": True}] if done else [])])


MOUTHS = (
    Mouth(
        "openai",
        streamed(*cut(in_24_khz()), content_type="audio/pcm"),
        "/audio/speech",
        {"input": "नमस्ते", "voice": "alloy", "response_format": "pcm", "speed": 1.0},
    ),
    Mouth(
        "sarvam",
        streamed(*cut(encode(TONE, ULAW_8K)), content_type="audio/basic"),
        "/text-to-speech/stream",
        {
            "text": "नमस्ते",
            "target_language_code": "hi-IN",
            "speaker": "shubh",
            "speech_sample_rate": 8000,
            "output_audio_codec": "mulaw",
        },
    ),
    Mouth(
        "deepgram",
        streamed(*cut(encode(TONE, ULAW_8K)), content_type="audio/mulaw"),
        "/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000&container=none",
        {"text": "नमस्ते"},
    ),
    Mouth(
        "bhashini",
        whole(
            200,
            {
                "pipelineResponse": [
                    {"audio": [{"audioContent": base64.b64encode(as_wav(TONE.tobytes(), L16_8K)).decode()}]}
                ]
            },
        ),
        "/services/inference/pipeline",
        {"inputData": {"input": [{"source": "नमस्ते"}]}},
    ),
    Mouth(
        "ai4bharat",
        streamed(*cut(in_json_lines(in_24_khz())), content_type="application/x-ndjson"),
        "/tts/stream",
        {
            "text": "नमस्ते",
            "speaker": "Divya",
            "description": "A clear, natural voice with good audio quality.",
        },
    ),
)
mouths = pytest.mark.parametrize("mouth", MOUTHS, ids=lambda mouth: mouth.name)


async def spoken_by(text_to_speech: TextToSpeech, audio_format: AudioFormat = ULAW_8K) -> bytes:
    pieces = [piece async for piece in text_to_speech.speak("नमस्ते", Voice("hi-IN"), audio_format)]
    return b"".join(pieces)


@mouths
async def test_a_sentence_comes_back_as_sound_in_the_lines_own_format(mouth: Mouth) -> None:
    async with http_vendor(mouth.answer) as vendor:
        provider = connected(Kind.TEXT_TO_SPEECH, mouth.name, vendor)
        sound = await spoken_by(provider)
        await provider.close()
    assert vendor.asked[0].path == mouth.path
    assert mouth.sent.items() <= vendor.asked[0].json().items()
    pcm = decode(sound, ULAW_8K).astype(float)
    assert len(pcm) == pytest.approx(8000, abs=80)
    spectrum = np.abs(np.fft.rfft(pcm[1000:7000] * np.hanning(6000)))
    assert np.argmax(spectrum) * 8000 / 6000 == pytest.approx(300, abs=3)


@mouths
@pytest.mark.parametrize(
    "answer",
    [
        whole(401, {"error": KEY}),
        whole(429),
        whole(500, b"oops"),
        whole(200, {"error": "as JSON"}),
        whole(200, b"<html>a proxy</html>", "text/html"),
        streamed(b"\x01\x02" * 50, content_type="audio/pcm", ends=False),
    ],
)
async def test_what_goes_wrong_with_a_voice_is_the_vendors_error(mouth: Mouth, answer: Answer) -> None:
    async with http_vendor(answer) as vendor:
        provider = connected(Kind.TEXT_TO_SPEECH, mouth.name, vendor)
        with pytest.raises(ProviderError) as failed:
            await spoken_by(provider)
        await provider.close()
    assert failed.value.vendor == mouth.name
    assert KEY not in failed.value.message


async def test_sound_that_ends_before_its_end_is_told_is_a_fault() -> None:
    half = in_json_lines(in_24_khz(), done=False)
    async with http_vendor(streamed(half, content_type="application/x-ndjson")) as vendor:
        provider = connected(Kind.TEXT_TO_SPEECH, "ai4bharat", vendor)
        with pytest.raises(ProviderError, match="broke off"):
            await spoken_by(provider)
        await provider.close()


@pytest.mark.parametrize("size", [1, 43, 44, 45, 777, 100_000])
async def test_a_header_and_odd_pieces_are_no_sound(size: int) -> None:
    async def pieces() -> Any:
        for piece in cut(as_wav(TONE.tobytes(), L16_8K), size):
            yield piece

    sound = b"".join([piece async for piece in from_pcm(pieces(), 8000, L16_8K)])
    assert sound == TONE.tobytes()


async def test_sound_is_brought_to_the_lines_rate_whole() -> None:
    async def pieces() -> Any:
        for piece in cut(TONE.tobytes()):
            yield piece

    sound = b"".join([piece async for piece in from_pcm(pieces(), 8000, L16_16K)])
    assert len(sound) / 2 == pytest.approx(16_000, abs=10)


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "name", "asked"),
    [
        (Kind.SPEECH_TO_TEXT, "openai", "GET /models"),
        (Kind.TEXT_TO_SPEECH, "openai", "GET /models"),
        (Kind.SPEECH_TO_TEXT, "deepgram", "GET /projects"),
        (Kind.TEXT_TO_SPEECH, "deepgram", "GET /projects"),
        (Kind.SPEECH_TO_TEXT, "sarvam", "POST /text-lid"),
        (Kind.TEXT_TO_SPEECH, "bhashini", "POST /services/inference/pipeline"),
        (Kind.SPEECH_TO_TEXT, "ai4bharat", "GET /health"),
        (Kind.TEXT_TO_SPEECH, "ai4bharat", "GET /health"),
    ],
)
async def test_a_check_asks_for_what_costs_least(kind: Kind, name: str, asked: str) -> None:
    async with http_vendor(whole(200, {}), whole(401, {})) as vendor:
        provider = connected(kind, name, vendor)
        await provider.check()
        with pytest.raises(ProviderError):
            await provider.check()
        await provider.close()
    assert f"{vendor.asked[0].method} {vendor.asked[0].path}" == asked
    assert "audio" not in json.dumps(vendor.asked[0].body.decode())
