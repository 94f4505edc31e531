"""What live calls cost, and how soon they answer: N calls over real sockets, in real time.

    .venv/bin/python -m benchmarks.media [--calls 100] [--seconds 20] [--providers scripted|tls|bridge] [--json FILE]

One process is the platform's media process (`media_server.py`: sockets, voice activity, turn taking, playback, both
legs recorded; scripted vendors that take no time), this one is the carrier with N callers (`media_callers.py`). With
`--providers tls` the vendors are the adapters of Deepgram and OpenAI, against local TLS servers in a third process;
with `bridge` ear and voice are LiveKit's plugin for Cartesia (run it by `build/bridge/bin/python`: scripts/bridge).
µ-law at 8 kHz, frames of 20 ms, on 127.0.0.1. A caller speaks a sentence, interrupts the reply after about 1.5 s,
hears the next reply to its end, and so on.

  cpu_ms_per_call_second  user and system time of the server, all threads, over calls × seconds
  jitter_ms               of a frame from the agent: how much later it arrived than a 20 ms grid through the most
                          punctual frame of its spell; what a player would have to hold back
  turn_ms                 from sending the caller's last frame (speech ends with it) to the agent's first frame,
                          less the configured endpointing silence; so it holds what the model takes longer than that
                          to see that speech is over
  platform_ms             the same as the engine counts it for each turn (`TurnLatency`)
  barge_in_ms             from sending the frame that speech begins with to the message that clears the carrier's
                          buffer
All arrivals are taken in this process, so they hold its own delays, too: `callers_late_ms_p99` says how large.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import uvloop

from benchmarks.media_callers import Crowd, Noted, Sounds
from benchmarks.media_server import AGENT
from benchmarks.media_stacks import Stack

SETUP_SECONDS = 60.0
RAMP_SECONDS = 4.0
SETTLE_SECONDS = 8.0
"""From the last call's start until the window begins: by then the calls are at all stages of a conversation."""
CLOSING_SECONDS = 30.0
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Of a process, so far. Parts of `cpu_ms`: `kernel_ms`, and `loop_ms`, the main thread's."""

    cpu_ms: float
    kernel_ms: float
    loop_ms: float
    rss_mb: float


def usage(pid: int) -> Usage:
    rss = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    user, kernel = _cpu_ms(f"/proc/{pid}/stat")
    return Usage(user + kernel, kernel, sum(_cpu_ms(f"/proc/{pid}/task/{pid}/stat")), int(rss.split()[1]) / 1024)


def _cpu_ms(stat: str) -> tuple[float, float]:
    """proc(5): utime and stime are the 14th and 15th field; the second may hold blanks."""
    fields = Path(stat).read_text().rpartition(")")[2].split()
    return int(fields[11]) * _TICK_MS, int(fields[12]) * _TICK_MS


def percentiles(name: str, milliseconds: list[float], *points: int) -> dict[str, float | None]:
    return {
        f"{name}_p{point}": round(float(np.percentile(milliseconds, point)), 1) if milliseconds else None
        for point in points
    }


def jitter(noted: Noted) -> list[float]:
    late: list[float] = []
    for spell in noted.spells:
        against_grid = np.array(spell) - 0.020 * np.arange(len(spell))
        late += (1000 * (against_grid - against_grid.min())).tolist()
    return late


async def measure(server: Process, seconds: float, noise_dbfs: float, seed: int) -> dict[str, Any]:
    opened = await opened_by(server)
    figures = await watch(server, opened["port"], opened["tokens"], seconds, noise_dbfs, seed)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    async with asyncio.timeout(CLOSING_SECONDS):
        left = json.loads(await server.stdout.readline())
        await server.wait()
    return {**figures, **told(left)}


async def opened_by(server: Process) -> dict[str, Any]:
    """What the measured side says when it listens."""
    assert server.stdout is not None
    async with asyncio.timeout(SETUP_SECONDS):
        opened: dict[str, Any] = json.loads(await server.stdout.readline())
        return opened


async def watch(
    server: Process, port: int, tokens: list[str], seconds: float, noise_dbfs: float, seed: int
) -> dict[str, Any]:
    """A call for each token; what they cost the process that listens at `port`, and what the callers saw."""
    calls = len(tokens)
    async with asyncio.timeout(SETUP_SECONDS):
        sounds = await Sounds.make(noise_dbfs)
        idle = usage(server.pid)
        crowd = Crowd(port, tokens, sounds, seed)
        await crowd.come(RAMP_SECONDS)
    await asyncio.sleep(SETTLE_SECONDS)
    crowd.measure(True)
    before, own_before = usage(server.pid), process_time()
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    took = asyncio.get_running_loop().time() - began
    after, own_after = usage(server.pid), process_time()
    crowd.measure(False)
    await crowd.leave()
    call_seconds = calls * took
    return {
        "calls": calls,
        "seconds": round(took, 1),
        "noise_dbfs": noise_dbfs,
        "cpu_ms_per_call_second": round((after.cpu_ms - before.cpu_ms) / call_seconds, 2),
        "kernel_cpu_ms_per_call_second": round((after.kernel_ms - before.kernel_ms) / call_seconds, 2),
        "loop_cpu_ms_per_call_second": round((after.loop_ms - before.loop_ms) / call_seconds, 2),
        "rss_mb": round(after.rss_mb, 1),
        "rss_mb_idle": round(idle.rss_mb, 1),
        "rss_mb_per_call": round((after.rss_mb - idle.rss_mb) / calls, 3),
        **seen(crowd.noted, call_seconds),
        "callers_cpu_ms_per_call_second": round(1000 * (own_after - own_before) / call_seconds, 2),
    }


def seen(noted: Noted, call_seconds: float) -> dict[str, Any]:
    """What the callers saw."""
    silence_ms = 1000 * AGENT.conversation.endpointing_silence
    agent_frames = sum(map(len, noted.spells))
    return {
        **percentiles("jitter_ms", jitter(noted), 50, 99),
        **percentiles("turn_ms", [1000 * turn - silence_ms for turn in noted.turns], 50, 95, 99),
        **percentiles("barge_in_ms", [1000 * barge_in for barge_in in noted.barge_ins], 50, 95),
        "turns": len(noted.turns),
        "barge_ins": len(noted.barge_ins),
        "spoilt": noted.spoilt,
        "sockets_lost": noted.gone,
        "frames_in_per_call_second": round(noted.frames_sent / call_seconds, 1),
        "caller_speaks": round(noted.speech_frames / max(1, noted.frames_sent), 2),
        "agent_speaks": round(agent_frames * 0.020 / call_seconds, 2),
        **percentiles("callers_late_ms", [1000 * late for late in noted.late], 50, 99),
    }


def told(left: dict[str, Any]) -> dict[str, Any]:
    """What the server wrote down of the same calls, from their start to their end."""
    return {
        **percentiles("platform_ms", left["platform_ms"], 50, 99),
        **percentiles("stub_vendors_ms", left["stt_brain_tts_ms"], 50, 99),
        **{
            name: left[name] for name in ("causes", "errors", "interruptions", "recorded_seconds", "recording_faults")
        },
    }


def machine() -> dict[str, Any]:
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "machine": f"{model[0].partition(':')[2].strip() if model else platform.machine()}, {os.cpu_count()} cores",
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


async def run(options: argparse.Namespace) -> dict[str, Any]:
    before = machine()
    with tempfile.TemporaryDirectory(dir=options.recordings) as folder:
        async with vendors_of(options.providers, Path(folder)) as vendors:
            server = await start(options.calls, Path(folder), options.providers, vendors, options.core)
            try:
                figures = await measure(server, options.seconds, options.noise_dbfs, options.seed)
            finally:
                await ended(server)
    calls_a_core = round(1000 / figures["cpu_ms_per_call_second"], 1)
    figures = {"providers": options.providers, **figures, "calls_per_core": calls_a_core}
    return {**figures, **before, "load_average_after": round(os.getloadavg()[0], 2)}


async def start(calls: int, folder: Path, stack: Stack, vendors: str, core: int | None) -> Process:
    """The measured side; `core`: the only one that it and its children may use."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.media_server", "--providers", stack, "--vendors", vendors),
        *("--calls", str(calls), "--recordings", str(folder)),
        stdin=PIPE,
        stdout=PIPE,
        limit=1 << 24,
        env=os.environ | ({"SSL_CERT_FILE": str(folder / "vendors.pem")} if vendors else {}),
        preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
    )


@asynccontextmanager
async def vendors_of(stack: Stack, folder: Path) -> AsyncIterator[str]:
    """Where the vendors' servers are; "" for stacks without any."""
    if stack not in (Stack.TLS, Stack.BRIDGE):
        yield ""
        return
    command = (sys.executable, "-m", "benchmarks.media_vendors", "--folder", str(folder))
    vendors = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert vendors.stdout is not None
    try:
        yield json.loads(await vendors.stdout.readline())["url"]
    finally:
        await ended(vendors)


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0, help="the measured window; setting up takes 12 more")
    parser.add_argument("--noise-dbfs", type=float, default=-66.0, help="the lines' background, RMS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recordings", type=Path, help="a folder on the disk to record to")
    parser.add_argument("--providers", type=Stack, default=Stack.SCRIPTED, choices=list(Stack))
    parser.add_argument("--core", type=int, help="the only core that the measured side may use")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = uvloop.run(run(options))
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
