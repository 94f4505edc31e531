"""How much of what callers say the embedded recognizer and the flow's interpreter take rightly.

    .venv/bin/python -m benchmarks.understanding [--json FILE] [--every N]

Speaks the development wordings with several synthetic voices over both kinds of line, and lets the demo's flow
answer.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import soxr

from benchmarks.wordings import ANSWERS, UNRELATED
from voiceera.demo.flow import APPOINTMENT
from voiceera.providers.protocols import Recognition
from voiceera.providers.speech.pocketsphinx import PocketsphinxSpeechToText
from voiceera.rules.answers import interpret
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat, Pcm, encode
from voiceera.rules.flows import AskStep
from voiceera.rules.intents import intent_of
from voiceera.rules.phrases import flow_phrases
from voiceera.rules.words import words_of
from voiceera.synthesis.client import Synthesizer

VOICES = (("en-us+klatt6", 155), ("en-us+m3", 165), ("en-gb+f2", 150), ("en-us+f4", 160))
LINES = {"l16_16k": L16_16K, "ulaw_8k": ULAW_8K}


def understood(step: str, text: str, today: date) -> str | None:
    meaning = intent_of(words_of(text))
    if meaning is not None:
        return meaning.value
    asked = APPOINTMENT.steps[step]
    assert isinstance(asked, AskStep)
    return interpret(asked.expect, text, today)


async def spoken(synthesizer: Synthesizer, text: str, voice: str, speed: int) -> Pcm:
    pieces = [piece async for piece in synthesizer.speak(text, voice, speed, sample_rate=16000)]
    pcm = np.frombuffer(b"".join(pieces), "<i2").astype(np.float64)
    pcm *= 3000 / max(1.0, float(np.sqrt(np.mean(pcm**2))))
    quiet = np.random.default_rng(0).normal(0, 8, 16000 // 4)
    return np.concatenate([quiet, pcm, quiet]).clip(-32768, 32767).astype(np.int16)


def on_line(pcm: Pcm, line: AudioFormat) -> bytes:
    if line.sample_rate != 16000:
        pcm = np.asarray(soxr.resample(pcm, 16000, line.sample_rate), np.int16)
    return encode(pcm, line)


async def measure(every: int) -> dict[str, object]:
    recognizer = PocketsphinxSpeechToText()
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    misses: list[str] = []
    seconds = tail = 0.0
    cases = [(s, r, w) for s, answers in ANSWERS.items() for r, wordings in answers.items() for w in wordings]
    cases += [("confirm", "", wording) for wording in UNRELATED]
    async with Synthesizer() as synthesizer:
        for index, (step, result, wording) in enumerate(cases):
            if index % every:
                continue
            voice, speed = VOICES[index % len(VOICES)]
            pcm = await spoken(synthesizer, wording, voice, speed)
            for name, line in LINES.items():
                stream = await recognizer.open(Recognition(line, "en-US", flow_phrases(APPOINTMENT)))
                stream.begin_utterance()
                stream.push(on_line(pcm, line))
                began = time.perf_counter()
                heard = await stream.end_utterance()
                tail += time.perf_counter() - began
                seconds += len(pcm) / 16000
                await stream.close()
                taken = understood(step, heard.text, date(2026, 6, 1)) if heard.text else None
                key = f"{name}/{'unrelated' if not result else 'in_domain'}"
                said[key] += 1
                good = taken is None if not result else taken == result
                right[key] += good
                if not good and name == "l16_16k":
                    misses.append(f"{step}/{result or '-'}: {wording!r} heard {heard.text!r} taken {taken}")
    await recognizer.close()
    return {
        "right": {key: f"{right[key]}/{said[key]}" for key in said},
        "share": {key: round(right[key] / said[key], 3) for key in said},
        "decode_seconds_per_second": round(tail / seconds, 3),
        "misses": misses,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every Nth wording")
    options = parser.parse_args()
    found = asyncio.run(measure(options.every))
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
