"""How much of what callers say the embedded recognizer and the flow's interpreter take rightly.

    .venv/bin/python -m benchmarks.understanding [--set wordings|lab|held_out] [--voices shipped|others]
        [--recognizer moonshine|pocketsphinx] [--text] [--every N] [--json FILE]

Speaks a set of wordings over both kinds of line, as the lab's callees do, and lets the demo's flow answer. `wordings`
is there to learn from, `held_out` to measure by; `lab` are the callees' own. `--text` leaves the sound out: what the
interpreter makes of the true words. Times are CPU time of the worker.
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil

from benchmarks import held_out, wordings
from voiceera.demo.flow import APPOINTMENT
from voiceera.lab.callees.cast import VOICES as SHIPPED
from voiceera.lab.callees.script import Manner, VoiceSettings
from voiceera.lab.callees.wordings import wordings as lab_wordings
from voiceera.lab.speech import Speech, silence
from voiceera.providers.protocols import Recognition
from voiceera.providers.registry import Kind, load
from voiceera.rules.answers import interpret
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat
from voiceera.rules.flows import AskStep
from voiceera.rules.intents import intent_of
from voiceera.rules.phrases import expected_phrases, flow_phrases
from voiceera.rules.words import words_of

OTHERS = tuple(
    VoiceSettings(name=name, words_per_minute=speed)
    for name, speed in (("en-us+klatt6", 155), ("en-us+m3", 165), ("en-gb+f2", 150), ("en-us+f4", 160))
)
VOICES = {"shipped": SHIPPED, "others": OTHERS}
LINES = {"l16_16k": L16_16K, "ulaw_8k": ULAW_8K}
TODAY = date(2026, 6, 1)
_BEFORE, _AFTER = 0.4, 0.3
"""Seconds of the line around an utterance that the engine hands over with it."""
_STEPS = {
    **dict.fromkeys(("monday", "wednesday", "friday"), "which_day"),
    **dict.fromkeys(("morning", "afternoon"), "which_part"),
    **dict.fromkeys(("yes", "no"), "read_back"),
    **dict.fromkeys(("confirm", "reschedule", "opt_out", "unrelated"), "confirm"),
}


@dataclass(frozen=True)
class Case:
    """`result`: what it means as an answer to `step`; empty: it is no answer."""

    step: str
    result: str
    words: str


def cases(name: str) -> list[Case]:
    if name == "lab":
        said = lab_wordings()
        return [
            Case(step, "" if intent == "unrelated" else intent, words)
            for intent, step in _STEPS.items()
            for words in said[intent]
        ]
    told = {"wordings": wordings, "held_out": held_out}[name]
    answers = [
        Case(step, result, words)
        for step, results in told.ANSWERS.items()
        for result, ways in results.items()
        for words in ways
    ]
    return [*answers, *(Case("confirm", "", words) for words in told.UNRELATED)]


def asked(step: str) -> AskStep:
    found = APPOINTMENT.steps[step]
    assert isinstance(found, AskStep)
    return found


def understood(step: str, text: str, today: date) -> str | None:
    meaning = intent_of(words_of(text))
    return meaning.value if meaning is not None else interpret(asked(step).expect, text, today)


class Ears:
    """The recognizer, and what it heard in so many seconds of sound and of CPU time."""

    def __init__(self, recognizer: str) -> None:
        self._recognizer = load(Kind.SPEECH_TO_TEXT, recognizer)()
        self.spoken = self.worked = 0.0

    async def hear(self, audio: bytes, line: AudioFormat, step: str) -> str:
        stream = await self._recognizer.open(Recognition(line, "en-US", flow_phrases(APPOINTMENT)))
        worker = psutil.Process(stream.worker_process_id)
        before = worker.cpu_times()
        stream.begin_utterance(expected_phrases(asked(step).expect))
        stream.push(audio)
        heard = await stream.end_utterance()
        after = worker.cpu_times()
        self.worked += after.user - before.user + after.system - before.system
        self.spoken += len(audio) / line.bytes_per_sample / line.sample_rate
        await stream.close()
        return str(heard.text)

    async def close(self) -> None:
        await self._recognizer.close()


def voices_of(index: int, voices: tuple[VoiceSettings, ...]) -> Iterator[VoiceSettings]:
    """Two for each wording, going round."""
    yield from (voices[(2 * index + turn) % len(voices)] for turn in range(2))


async def measure(chosen: list[Case], voices: tuple[VoiceSettings, ...], recognizer: str) -> dict[str, object]:
    ears, speech = Ears(recognizer), Speech()
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    misses: list[str] = []
    for index, case in enumerate(chosen):
        for voice in voices_of(index, voices):
            for name, line in LINES.items():
                words = await speech.say(case.words, voice, Manner(), line)
                before, after = (silence(seconds, Manner().noise_dbfs, line) for seconds in (_BEFORE, _AFTER))
                text = await ears.hear(before + words + after, line, case.step)
                taken = understood(case.step, text, TODAY)
                key = f"{name}/{case.step if case.result else 'unrelated'}"
                said[key] += 1
                right[key] += (taken or "") == case.result
                if (taken or "") != case.result:
                    misses.append(f"{name} {voice.name} {case.step}/{case.result}: {case.words!r} {text!r} {taken}")
    await ears.close()
    await speech.close()
    return {
        "understood": {line: _share(right, said, line, "unrelated", of_key=False) for line in LINES},
        "unrelated_refused": {line: _share(right, said, line, "unrelated", of_key=True) for line in LINES},
        "by_step": {key: f"{right[key]}/{said[key]}" for key in sorted(said)},
        "cpu_seconds_per_second": round(ears.worked / ears.spoken, 3),
        "misses": misses,
    }


def _share(right: Counter[str], said: Counter[str], line: str, key: str, *, of_key: bool) -> str:
    counted = [each for each in said if each.startswith(line) and each.endswith(key) == of_key]
    good, all_of_them = sum(right[each] for each in counted), sum(said[each] for each in counted)
    return f"{good}/{all_of_them} = {100 * good / max(1, all_of_them):.1f} %"


def by_text(chosen: list[Case]) -> dict[str, object]:
    taken = {case: understood(case.step, case.words, TODAY) or "" for case in chosen}
    misses = [
        f"{case.step}/{case.result}: {case.words!r} {took}" for case, took in taken.items() if took != case.result
    ]
    return {"understood": f"{len(taken) - len(misses)}/{len(taken)}", "misses": misses}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("wordings", "lab", "held_out"), default="wordings")
    parser.add_argument("--voices", choices=tuple(VOICES), default="shipped")
    parser.add_argument("--recognizer", default="moonshine")
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every Nth wording")
    options = parser.parse_args()
    chosen = cases(options.set)[:: options.every]
    found = (
        by_text(chosen) if options.text else asyncio.run(measure(chosen, VOICES[options.voices], options.recognizer))
    )
    if options.set == "held_out":
        found["misses"] = "not shown: this set is to measure by"
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
