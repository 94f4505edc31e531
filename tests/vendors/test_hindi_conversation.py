"""A whole conversation in Hindi: the real engine, and servers that speak the ways of three vendors."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.small_world import SmallWorld, agent
from tests.vendors.http_vendor import Answer, Asked, http_vendor, streamed, whole
from tests.vendors.test_speech_vendors import connected, cut
from voiceera.providers.registry import Kind
from voiceera.providers.speech.line_sound import as_wav
from voiceera.rules.audio import L16_8K, ULAW_8K, encode
from voiceera.rules.calls import CallResult, HangupCause

FLOW: dict[str, Any] = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "नमस्ते {{name}}। क्या आप कल आ सकते हैं?",
            "expect": {"type": "yes_no"},
            "save_as": "comes",
            "branches": {"yes": "when", "no": "bad"},
        },
        "when": {
            "kind": "ask",
            "text": "सुबह या शाम?",
            "expect": {"type": "choice", "choices": {"morning": ["सुबह", "सवेरे"], "evening": ["शाम"]}},
            "save_as": "when",
            "next": "code",
        },
        "code": {
            "kind": "ask",
            "text": "आपका चार अंकों का कोड?",
            "expect": {"type": "digits", "digits": 4},
            "save_as": "code",
            "next": "good",
        },
        "good": {"kind": "end", "text": "धन्यवाद।", "disposition": "confirmed"},
        "bad": {"kind": "end", "text": "कोई बात नहीं।", "disposition": "declined"},
    },
}
HEARD = ("हाँ जी, मैं आ जाऊँगी", "शाम को", "चार डबल एक दो")
TONE = (8000 * np.sin(2 * np.pi * 300 * np.arange(4_000) / 8_000)).astype("<i2")
"""Half a second: every sentence."""


def sarvam(asked: Asked, text: str) -> Answer:
    if asked.path.startswith("/text-to-speech"):
        return streamed(*cut(encode(TONE, ULAW_8K)), content_type="audio/basic")
    return whole(200, {"request_id": "r", "transcript": text, "language_code": "hi-IN"})


def bhashini(asked: Asked, text: str) -> Answer:
    [task] = asked.json()["pipelineTasks"]
    if task["taskType"] == "tts":
        sound = base64.b64encode(as_wav(TONE.tobytes(), L16_8K)).decode()
        return whole(200, {"pipelineResponse": [{"audio": [{"audioContent": sound}]}]})
    return whole(200, {"pipelineResponse": [{"taskType": "asr", "output": [{"source": text}]}]})


def ai4bharat(asked: Asked, text: str) -> Answer:
    if asked.path == "/tts/stream":
        sound = base64.b64encode(TONE.tobytes()).decode()
        lines = [{"audio": sound, "sample_rate": 8000, "samples": len(TONE)}, {"done": True}]
        pieces = cut(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        return streamed(*pieces, content_type="application/x-ndjson")
    return whole(200, {"text": text})


async def conversation(folder: Path, name: str, speaks: Any) -> tuple[CallResult, list[Asked]]:
    heard = iter(HEARD)

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        is_speech = any(each in asked.path for each in ("speech-to-text", "transcribe")) or b'"asr"' in asked.body
        await speaks(asked, next(heard) if is_speech else "")(asked, writer)

    async with http_vendor(answer) as vendor:
        ear, voice = connected(Kind.SPEECH_TO_TEXT, name, vendor), connected(Kind.TEXT_TO_SPEECH, name, vendor)
        world = SmallWorld(folder, hears=ear, speaks=voice)
        try:
            spoken = agent(flow=FLOW, language="hi-IN")
            result = await world.call(spoken, [(2.5, 0.7), (5.5, 0.7), (8.5, 0.7)], hangs_up_at=20)
        finally:
            world.close()
            await ear.close()
            await voice.close()
        return result, vendor.asked


@pytest.mark.slow
@pytest.mark.parametrize(("name", "speaks"), [("sarvam", sarvam), ("bhashini", bhashini), ("ai4bharat", ai4bharat)])
async def test_an_agent_asks_and_understands_in_hindi(tmp_path: Path, name: str, speaks: Any) -> None:
    result, asked = await conversation(tmp_path, name, speaks)
    assert [turn.text for turn in result.turns] == [
        "नमस्ते Maria। क्या आप कल आ सकते हैं?",
        HEARD[0],
        "सुबह या शाम?",
        HEARD[1],
        "आपका चार अंकों का कोड?",
        HEARD[2],
        "धन्यवाद।",
    ]
    assert result.results == {"comes": "yes", "when": "evening", "code": "4112"}
    assert (result.cause, result.disposition, result.error) == (HangupCause.AGENT_ENDED, "confirmed", None)
    assert len(asked) >= 7
