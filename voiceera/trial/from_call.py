"""`voiceera callee`: a finished call becomes a callee that says what the caller said, with the caller's own voice."""

import asyncio
import io
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from voiceera.demo.api_client import ApiClient, DemoFailed
from voiceera.errors import StartupError
from voiceera.lab.callees.directory import dump_directory
from voiceera.lab.callees.script import Act, Manner, Reply, Script
from voiceera.rules.calls import Speaker

_AROUND_MS = 150
"""Kept before and after what was recognized: words begin softly."""
_SPARE_TURNS = 4
_SHORTEST_DELAY, _LONGEST_DELAY = 0.2, 3.0

Sound = npt.NDArray[np.int16]


@dataclass(frozen=True)
class FromCall:
    call_id: str
    out: Path
    url: str
    api_key: str | None = field(default=None, repr=False)


def make_callee(options: FromCall) -> Path:
    """Write the script and its sounds; answers the script's path. Raises StartupError."""
    if options.api_key is None:
        raise StartupError("Give an API key of the call's organization: --api-key, or VOICEERA_API_KEY.")
    try:
        return asyncio.run(_make(options, options.api_key))
    except DemoFailed as problem:
        raise StartupError(f"The call cannot be had: {problem}") from problem


async def _make(options: FromCall, api_key: str) -> Path:
    api = ApiClient(options.url)
    try:
        api.carry(api_key)
        call = await api.get(f"/call-logs/{options.call_id}")
        transcript = await api.get(f"/call-logs/{options.call_id}/transcript")
        recording = await api.download(f"/call-recordings/{options.call_id}/download")
    finally:
        await api.close()
    caller, rate = caller_of(recording)
    name = f"call-{options.call_id}"
    options.out.mkdir(parents=True, exist_ok=True)
    script = script_of(call, transcript["segments"], name)
    for number, segment in enumerate(_callers(transcript["segments"]), 1):
        piece = cut(caller, rate, segment["start_ms"], segment["end_ms"])
        soundfile.write(options.out / f"{name}-{number}.wav", piece, rate, subtype="PCM_16")
    path = options.out / f"{name}.yaml"
    path.write_text(dump_directory({number_for(options.call_id): script}), encoding="utf-8")
    return path


def caller_of(recording: bytes) -> tuple[Sound, int]:
    """The caller's channel of a recording, and its rate. Raises DemoFailed."""
    try:
        sound, rate = soundfile.read(io.BytesIO(recording), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise DemoFailed(f"its recording cannot be read: {error}") from error
    return np.ascontiguousarray(sound[:, 0]), rate


def cut(sound: Sound, rate: int, start_ms: int, end_ms: int) -> Sound:
    """What lies there, and a little around it."""
    start = max(0, start_ms - _AROUND_MS) * rate // 1000
    return sound[start : (end_ms + _AROUND_MS) * rate // 1000]


def number_for(call_id: str) -> str:
    """A number that nobody has (555-01xx is kept for fiction), always the same for one call."""
    return f"+120255501{int(call_id.replace('-', ''), 16) % 100:02d}"


def script_of(call: dict[str, Any], segments: list[dict[str, Any]], name: str) -> Script:
    """The callee: opens with what was said before the agent spoke, then answers turn by turn in the same order, and
    wants the agent to get as far as it did then."""
    sayings = [
        (segment, {"wav": f"{name}-{number}.wav", "says": segment["text"] or "(not understood)"})
        for number, segment in enumerate(_callers(segments), 1)
    ]
    spoke = next((each["start_ms"] for each in segments if each["speaker"] == Speaker.AGENT), 0)
    opening = [Act(**saying) for segment, saying in sayings if segment["start_ms"] < spoke]
    replies = [Reply(**saying, again=False) for segment, saying in sayings if segment["start_ms"] >= spoke]
    return Script(
        name=f"caller of {str(call['created_at'])[:10]}",
        ring_seconds=(0.0, 0.0),
        manner=Manner(delay=_delay(segments)),
        opening=tuple(opening),
        replies=tuple(replies),
        variables={str(key): str(value) for key, value in call["variables"].items()},
        reaches=call["disposition"],
        max_turns=len(segments) + _SPARE_TURNS,
    )


def _callers(segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [segment for segment in segments if segment["speaker"] == Speaker.CALLER]


def _delay(segments: list[dict[str, Any]]) -> tuple[float, float]:
    """How long the caller took to answer, mostly."""
    gaps = [
        (later["start_ms"] - earlier["end_ms"]) / 1000
        for earlier, later in pairwise(segments)
        if earlier["speaker"] == Speaker.AGENT and later["speaker"] == Speaker.CALLER
    ]
    usual = min(_LONGEST_DELAY, max(_SHORTEST_DELAY, median(gaps))) if gaps else 0.5
    return round(0.8 * usual, 2), round(1.2 * usual, 2)
