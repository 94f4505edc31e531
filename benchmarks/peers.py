"""The same calls carried by livekit-agents, by pipecat and by ours, side by side.

    .venv/bin/python -m benchmarks.peers [--calls 10] [--ours 100] [--seconds 20] [--json FILE]

Each server has one core to itself and the same callers as in `benchmarks.media` (µ-law at 8 kHz, frames of 20 ms, a
turn, an interruption, a reply heard out); each finds speech by Silero, waits as long for silence, has vendors that
take no time and records both legs. The peers come from the registry into environments of their own
(`--environments`, made the first time: 1 GB), never into ours; theirs are `peer_livekit.py` and `peer_pipecat.py`. Of
the peers more calls than they can carry say little: they are asked for `--calls`, ours for as many and for `--ours`.

Rows as in `benchmarks.media`; `turn_ms` is from the caller's last sample to the agent's first, without the silence
that all wait for.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.media import CLOSING_SECONDS, ended, machine, measure, opened_by, start, watch
from benchmarks.media_server import AGENT
from benchmarks.media_stacks import Stack
from benchmarks.rows import default_data

REPLY_SECONDS = 5.5
"""As long as our scripted voice takes for its reply."""
CORE = 0
PAUSE_SECONDS = 5.0
ROWS = (
    *("calls", "cpu_ms_per_call_second", "calls_per_core", "rss_mb_per_call"),
    *("jitter_ms_p50", "jitter_ms_p99", "turn_ms_p50", "turn_ms_p95", "turn_ms_p99"),
    *("barge_in_ms_p50", "barge_in_ms_p95", "turns", "barge_ins", "spoilt", "sockets_lost", "agent_speaks"),
    "callers_late_ms_p99",
)


@dataclass(frozen=True)
class Peer:
    """`distribution` is whose version is told."""

    name: str
    module: str
    distribution: str
    requirements: tuple[str, ...]


LIVEKIT = Peer(
    "livekit",
    "benchmarks.peer_livekit",
    "livekit-agents",
    ("livekit-agents>=1.8,<1.9", "livekit-plugins-silero>=1.8,<1.9", "picows", "uvloop", "numpy"),
)
PIPECAT = Peer(
    "pipecat",
    "benchmarks.peer_pipecat",
    "pipecat-ai",
    ("pipecat-ai[silero,websocket]>=1.14,<1.15", "fastapi", "uvicorn", "websockets", "uvloop", "numpy"),
)


def interpreter(peer: Peer, environments: Path) -> Path:
    """Of the peer's own environment, made now if it is not there."""
    python = environments / peer.name / "bin" / "python"
    marker = environments / peer.name / "complete"
    if not marker.exists():
        print(f"  installing {peer.distribution} below {environments} …", flush=True)
        subprocess.run((sys.executable, "-m", "venv", "--clear", str(environments / peer.name)), check=True)
        subprocess.run((str(python), "-m", "pip", "install", "--quiet", *peer.requirements), check=True)
        marker.touch()
    return python


def version(peer: Peer, python: Path) -> str:
    asked = f"from importlib.metadata import version; print(version({peer.distribution!r}))"
    told = subprocess.run((str(python), "-c", asked), check=True, capture_output=True, text=True)
    return f"{peer.distribution} {told.stdout.strip()}"


async def of_peer(peer: Peer, python: Path, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        server = await _started(peer, python, Path(folder))
        try:
            port = (await opened_by(server))["port"]
            tokens = [f"call{number}" for number in range(options.calls)]
            figures = await watch(server, port, tokens, options.seconds, options.noise_dbfs, options.seed)
            await _closed(server)
        finally:
            await ended(server)
    return figures


async def _started(peer: Peer, python: Path, folder: Path) -> Process:
    silence = str(AGENT.conversation.endpointing_silence)
    return await asyncio.create_subprocess_exec(
        *(str(python), "-m", peer.module, "--silence", silence, "--reply-seconds", str(REPLY_SECONDS)),
        *("--recordings", str(folder)),
        stdin=PIPE,
        stdout=PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),
    )


async def _closed(server: Process) -> None:
    assert server.stdin is not None
    server.stdin.close()
    try:
        await asyncio.wait_for(server.wait(), CLOSING_SECONDS)
    except TimeoutError:
        print("  it did not end by itself", flush=True)


async def of_ours(calls: int, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        server = await start(calls, Path(folder), Stack.SCRIPTED, "", CORE)
        try:
            return await measure(server, options.seconds, options.noise_dbfs, options.seed)
        finally:
            await ended(server)


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Name of a column → its figures."""
    others = os.sched_getaffinity(0) - {CORE}
    if others:  # the callers keep off the measured core
        os.sched_setaffinity(0, others)
    columns: dict[str, dict[str, Any]] = {}
    for peer in (LIVEKIT, PIPECAT):
        python = interpreter(peer, options.environments)
        columns[version(peer, python)] = await of_peer(peer, python, options)
        await asyncio.sleep(PAUSE_SECONDS)
    for calls in (options.calls, options.ours):
        columns[f"ours, {calls}"] = await of_ours(calls, options)
        await asyncio.sleep(PAUSE_SECONDS)
    for figures in columns.values():
        figures["calls_per_core"] = round(1000 / figures["cpu_ms_per_call_second"], 1)
    return {**columns, "machine": machine()}


def table(figures: dict[str, Any]) -> str:
    columns = {name: of for name, of in figures.items() if name != "machine"}
    lines = ["".join([f"{'':24}", *(f"{name:>26}" for name in columns)])]
    for row in ROWS:
        cells = ["–" if of[row] is None else str(of[row]) for of in columns.values()]
        lines.append("".join([f"{row:24}", *(f"{cell:>26}" for cell in cells)]))
    return "\n".join([*lines, str(figures["machine"])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--ours", type=int, default=100, help="how many calls ours carries beside")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--noise-dbfs", type=float, default=-66.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--environments", type=Path, default=default_data() / "peers")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = uvloop.run(run(options))
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
