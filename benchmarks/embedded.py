"""How many calls one core holds with the full embedded stack: recognition and synthesis on the same CPU.

    .venv/bin/python -m benchmarks.embedded [--calls 4 8 12 16] [--seconds 30] [--json FILE]

The calls of `benchmarks.media`, with the embedded recognizer and voice in place of scripted vendors. The media
process, its recognizer and its voice may use one core, the callers another. A number of calls is held when nothing is
lost and 95 of 100 answers come within 2 s of the caller's last sample, the wait for the end of speech included.

  calls_on_one_core  the largest number that was held, of those tried
  answer_ms_p50/p95  from the caller's last frame to the agent's first, the endpointing silence included
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.media import ended, machine, measure, start
from benchmarks.media_server import AGENT
from benchmarks.media_stacks import Stack

LONGEST_ANSWER_MS = 2000.0


async def tried(calls: int, seconds: float) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:  # the callers keep off the measured core
        os.sched_setaffinity(0, set(cores[1:]))
    with tempfile.TemporaryDirectory() as folder:
        server = await start(calls, Path(folder), Stack.EMBEDDED, "", cores[0])
        try:
            figures = await measure(server, seconds, -66.0, 1)
        finally:
            await ended(server)
            os.sched_setaffinity(0, set(cores))
    silence = 1000 * AGENT.conversation.endpointing_silence
    answers = {point: figures[f"turn_ms_{point}"] for point in ("p50", "p95")}
    told = {f"answer_ms_{point}": None if ms is None else ms + silence for point, ms in answers.items()}
    slowest = told["answer_ms_p95"]
    held = (
        figures["sockets_lost"] == 0
        and not figures["errors"]
        and slowest is not None
        and slowest <= LONGEST_ANSWER_MS
    )
    kept = ("turns", "spoilt", "sockets_lost", "errors", "jitter_ms_p99", "rss_mb")
    return {"calls": calls, "held": held, **told, **{name: figures[name] for name in kept}}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    rounds = []
    for calls in options.calls:
        rounds.append(await tried(calls, options.seconds))
        print(json.dumps(rounds[-1]), flush=True)
        if not rounds[-1]["held"]:
            break
    held = [each["calls"] for each in rounds if each["held"]]
    return {"calls_on_one_core": max(held, default=0), "rounds": rounds, **machine()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[4, 8, 12, 16, 20, 24])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = uvloop.run(run(options))
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
