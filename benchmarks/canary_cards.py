"""Cards that are spoken and keyed into real calls, and then looked for everywhere.

    .venv/bin/python -m benchmarks.canary_cards [--calls 50] [--controls 4] [--seed 1] [--json FILE]

The whole platform and the lab, with the embedded recognizer and voice. Each callee says the card's sixteen digits in
groups of four, or presses them; the agent reads back what it understood and hides `card` and `digits` of its calls.
When all is encoded and analyzed, the cards are looked for in the text of all rows of all tables, in every byte of the
data directory (logs, recordings, the database's own files with its log of changes), in what the API answers, and in
the recordings' sound, by a recognizer: four digits in a row of a card are too many.

  found       "call: place" of everything that was; the command fails unless this is empty
  controls    the same calls with an agent that hides nothing: cards of theirs that were found in rows, and in sound;
              it fails unless both find some, since then it could find nothing anywhere
"""

import argparse
import asyncio
import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import text

from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.demo.stage import Person, calls_at_once, set_stage
from voiceera.lab.ledger import Event, read_ledger
from voiceera.providers.protocols import SpeechToText
from voiceera.providers.speech.moonshine import MoonshineSpeechToText
from voiceera.roles.serve import running_platform
from voiceera.rules.calls import Speaker
from voiceera.rules.private_speech import passes_luhn
from voiceera.store.base import Database
from voiceera.store.postgres import embedded_postgres
from voiceera.worker.hearing import Unusable, hear

WORDS = "zero one two three four five six seven eight nine".split()
_DIGIT_OF = {word: str(digit) for digit, word in enumerate(WORDS)} | {"oh": "0", "o": "0"}
TOO_MANY = 4
_PATIENCE_SECONDS = 600.0
_BETWEEN_REQUESTS_SECONDS = 0.15
"""Within the API's rate limit."""
_REDACTION = {"kinds": ["card", "digits"], "audio": True}


def card(chance: random.Random) -> str:
    body = "4" + "".join(chance.choice("0123456789") for _ in range(14))
    return next(body + check for check in "0123456789" if passes_luhn(body + check))


@dataclass(frozen=True)
class Canary:
    number: str
    digits: str
    keyed: bool
    hides: bool

    @property
    def script(self) -> dict[str, Any]:
        if self.keyed:
            reply: dict[str, Any] = {"press": self.digits}
        else:
            groups = [self.digits[at : at + 4] for at in range(0, 16, 4)]
            reply = {"says": " | ".join(" ".join(WORDS[int(digit)] for digit in group) for group in groups)}
        return {"replies": [reply], "ring_seconds": [0.3, 1.0]}

    def forms(self) -> Iterator[bytes]:
        """How it might be written down, whole or by halves."""
        for part in (self.digits[:8], self.digits[8:]):
            yield part.encode()
            yield f"{part[:4]} {part[4:]}".encode()
            yield f"{part[:4]}-{part[4:]}".encode()
            yield " ".join(part).encode()
            yield " ".join(WORDS[int(digit)] for digit in part).encode()


def cast(calls: int, controls: int, seed: int) -> list[Canary]:
    """Every other one presses keys."""
    chance = random.Random(seed)
    return [
        Canary(f"+1202555{1000 + index:04d}", card(chance), keyed=index % 2 == 1, hides=index < calls)
        for index in range(calls + controls)
    ]


def agent(name: str, redaction: dict[str, Any] | None) -> dict[str, Any]:
    steps = {
        "card": {
            "kind": "ask",
            "text": "Please tell me your card number, or key it in.",
            "expect": {"type": "digits", "digits": 16},
            "save_as": "card",
            "next": "thanks",
            "on_silence": "sorry",
            "on_unknown": "sorry",
        },
        "thanks": {"kind": "end", "text": "Thank you, I have {{card}}. Goodbye.", "disposition": "told"},
        "sorry": {"kind": "end", "text": "Sorry, I did not get that. Goodbye.", "disposition": "not_understood"},
    }
    return {
        "name": name,
        "flow": {"start": "card", "steps": steps},
        **({"redaction": redaction} if redaction else {}),
    }


async def hold_calls(api: ApiClient, canaries: Sequence[Canary]) -> dict[str, Canary]:
    """Ring all of them, a few at a time, until everything about each is done; by the calls' ids."""
    agents = {
        hides: (await api.post("/agents", agent(f"Hides: {hides}", _REDACTION if hides else None)))["id"]
        for hides in (True, False)
    }
    held: dict[str, Canary] = {}
    room = asyncio.Semaphore(calls_at_once())

    async def hold(canary: Canary) -> None:
        async with room:
            asked = await api.post("/calls", {"agent_id": agents[canary.hides], "to": canary.number})
            held[asked["id"]] = canary
            await _until_done(api, asked["id"])

    await asyncio.gather(*map(hold, canaries))
    return held


async def _until_done(api: ApiClient, call_id: str) -> None:
    until = monotonic() + _PATIENCE_SECONDS
    while monotonic() < until:
        call = await api.get(f"/call-logs/{call_id}")
        if call["ended_at"] is not None:
            recording = await api.get(f"/call-recordings/{call_id}")
            if call["analysis_state"] in ("done", "failed", None) and recording["encoding_state"] != "pending":
                return
        await asyncio.sleep(1.0)
    raise TimeoutError(f"call {call_id} is not done after {_PATIENCE_SECONDS:.0f} s")


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def all_rows(url: str) -> bytes:
    database = Database(url, pool_size=1)
    try:
        async with database.platform() as connection:
            of_ours = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            names = (await connection.execute(text(of_ours))).scalars().all()
            rows = [
                (await connection.execute(text(f"SELECT t::text FROM {name} t"))).scalars().all() for name in names
            ]
    finally:
        await database.close()
    return "\n".join(line for each in rows for line in each).encode()


def in_files(directory: Path, canaries: Sequence[Canary]) -> dict[str, set[str]]:
    """Card → the files that hold it."""
    found: dict[str, set[str]] = {}
    for path in sorted(each for each in directory.rglob("*") if each.is_file()):
        content = path.read_bytes()
        for canary in canaries:
            if any(form in content for form in canary.forms()):
                found.setdefault(canary.digits, set()).add(str(path.relative_to(directory)))
    return found


def longest_run(heard: str, digits: str) -> int:
    """The most digits in a row of the card that were heard one after the other."""
    said = "".join(_DIGIT_OF.get(word, word if word.isdigit() else "?") for word in re.findall(r"\w+", heard.lower()))
    return max(
        (
            end - start
            for start in range(len(digits))
            for end in range(start + 1, len(digits) + 1)
            if digits[start:end] in said
        ),
        default=0,
    )


async def in_sound(recognizer: SpeechToText, path: Path, digits: str) -> int:
    """Each channel as one text: pauses between groups are no mercy."""
    try:
        said = await hear(path, recognizer, "en-US", {})
    except Unusable:
        return 0
    return max(
        longest_run(" ".join(each.text for each in said if each.speaker is speaker), digits) for speaker in Speaker
    )


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def run(calls: int, controls: int, seed: int) -> dict[str, Any]:
    canaries = cast(calls, controls, seed)
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as name:
        lab_directory, directory = Path(ours), Path(name)
        callees = lab_directory / "callees.yaml"
        callees.write_text(json.dumps({each.number: each.script for each in canaries}), encoding="utf-8")
        async with running_lab(lab_directory, callees, seed=seed, scramble=False) as (lab, works):
            answers, held, sounds = await _call_all(lab, works, directory, canaries)
        told = [row for row in read_ledger(lab.ledger) if row.event in (Event.SAID, Event.PRESSED)]
        files = in_files(directory, canaries)
        async with embedded_postgres(directory) as postgres:
            rows = await all_rows(postgres.url)
        heard = await _listen(sounds, directory, held)
    return _verdict(canaries, held, {row.number for row in told}, files, rows, answers, heard)


async def _call_all(
    lab: LabProcess, works: Any, directory: Path, canaries: Sequence[Canary]
) -> tuple[dict[str, bytes], dict[str, Canary], dict[str, list[Path]]]:
    """What the API answers about each call, the calls, and their sound files."""
    settings = Settings(
        data_dir=directory, api_port=0, media_port=0, outbound_allow=f"127.0.0.1/32:{lab.port}", drain_seconds=0
    )
    async with running_platform(settings, output=directory / "platform.log") as platform:
        await works
        api = ApiClient(platform.api_url)
        try:
            people = [Person("Somebody", canaries[0].number, "card", {})]
            await set_stage(api, lab, people, "correct horse battery", [])
            held = await hold_calls(api, canaries)
            answers = {call_id: await _told(api, call_id) for call_id in held}
        finally:
            await api.close()
    sounds = {call_id: list((directory / "recordings").rglob(f"{call_id}.*")) for call_id in held}
    return answers, held, sounds


async def _told(api: ApiClient, call_id: str) -> bytes:
    paths = (f"/call-logs/{call_id}", f"/call-logs/{call_id}/transcript", f"/call-logs/{call_id}/analysis")
    told = []
    for path in paths:
        await asyncio.sleep(_BETWEEN_REQUESTS_SECONDS)
        told.append(await api.download(path))
    return b"\n".join(told)


async def _listen(sounds: dict[str, list[Path]], directory: Path, held: dict[str, Canary]) -> dict[str, int]:
    recognizer = MoonshineSpeechToText(processes=1)
    try:
        return {
            call_id: max([await in_sound(recognizer, path, held[call_id].digits) for path in paths], default=0)
            for call_id, paths in sounds.items()
        }
    finally:
        await recognizer.close()


def _verdict(
    canaries: Sequence[Canary],
    held: dict[str, Canary],
    told: set[str],
    files: dict[str, set[str]],
    rows: bytes,
    answers: dict[str, bytes],
    heard: dict[str, int],
) -> dict[str, Any]:
    found: list[str] = []
    in_rows = [canary for canary in canaries if any(form in rows for form in canary.forms())]
    found += [f"{canary.number}: rows" for canary in in_rows if canary.hides]
    found += [
        f"{canary.number}: {file}" for canary in canaries if canary.hides for file in files.get(canary.digits, ())
    ]
    for call_id, canary in held.items():
        if not canary.hides:
            continue
        if any(form in answers[call_id] for form in canary.forms()):
            found.append(f"{canary.number}: answers of the API")
        if heard[call_id] >= TOO_MANY:
            found.append(f"{canary.number}: {heard[call_id]} digits in the sound")
    of_sound = [heard[call_id] for call_id, canary in held.items() if not canary.hides]
    controls = {
        "calls": sum(not canary.hides for canary in canaries),
        "found_in_rows": sum(not canary.hides for canary in in_rows),
        "found_in_sound": sum(run >= TOO_MANY for run in of_sound),
    }
    marks = sum(b"[digits]" in answers[call_id] or b"[card]" in answers[call_id] for call_id in held)
    return {
        "calls": sum(canary.hides for canary in canaries),
        "spoken": sum(not canary.keyed for canary in canaries if canary.hides),
        "keyed": sum(canary.keyed for canary in canaries if canary.hides),
        "told_the_agent": sum(canary.number in told for canary in canaries if canary.hides),
        "with_a_mark": marks,
        "found": sorted(found),
        "controls": controls,
    }


def passed(result: dict[str, Any]) -> bool:
    controls = result["controls"]
    all_told = result["told_the_agent"] == result["calls"]
    return all_told and not result["found"] and controls["found_in_rows"] > 0 and controls["found_in_sound"] > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--controls", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(run(options.calls, options.controls, options.seed))
    written = json.dumps(result, indent=1)
    print(written)
    if options.json:
        options.json.write_text(written, encoding="utf-8")
    return 0 if passed(result) else 1


if __name__ == "__main__":
    raise SystemExit(main())
