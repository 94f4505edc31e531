"""Recordings on a bad day: the process that makes them is killed, its disk fills, its folder cannot be written.

    .venv/bin/python -m benchmarks.recordings [--calls 50] [--json FILE]

Real media processes with real calls over sockets (as `benchmarks.media`). It passes (exit 0) if
  killed     every file is playable, and of no call more than two seconds are missing (kill -9 at a random moment)
  full       on a disk of 4 MB every call goes on, every file that was begun is playable, and every result says why
             the rest is missing
  read_only  the same where nothing can be written
Filling a disk needs a tmpfs, so root; anybody else's files are kept short by RLIMIT_FSIZE instead.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import soundfile
import uvloop

from benchmarks.media_callers import Crowd, Sounds

LOST_SECONDS = 2.0
DISK_BYTES = 4_000_000
TALK_SECONDS = 12.0
_RAMP_SECONDS = 2.0
_PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def server_on(
    calls: int, folder: Path, prepare: Callable[[], None] | None = None
) -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    command = [sys.executable, "-m", "benchmarks.media_server", "--calls", str(calls), "--recordings", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=-3, preexec_fn=prepare)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_PATIENCE_SECONDS):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def killed(calls: int, sounds: Sounds, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with server_on(calls, folder) as (process, opened):
            crowd = Crowd(opened["port"], opened["tokens"], sounds, seed)
            await crowd.come(_RAMP_SECONDS)
            await asyncio.sleep(random.Random(seed).uniform(4, 9))
            process.send_signal(signal.SIGKILL)
            at = monotonic()
            await process.wait()
        await crowd.leave()
        talked = {
            token: at - caller.connected_at for token, caller in zip(opened["tokens"], crowd.callers, strict=True)
        }
        heard = recorded(folder)
    lost = [talked[token] - seconds for token in talked if (seconds := heard.get(token))]
    return {
        "calls": calls,
        "playable": len(lost),
        "lost_seconds_most": round(max(lost, default=0.0), 2),
        "passed": len(lost) == calls and max(lost) <= LOST_SECONDS,
    }


async def unwritable(calls: int, sounds: Sounds, seed: int, folder: Path, limit: int | None) -> dict[str, Any]:
    """Calls on a folder that fills, or cannot be written at all."""

    def keep_short() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    async with server_on(calls, folder, keep_short) as (process, opened):
        assert process.stdin is not None
        assert process.stdout is not None
        crowd = Crowd(opened["port"], opened["tokens"], sounds, seed)
        await crowd.come(_RAMP_SECONDS)
        await asyncio.sleep(TALK_SECONDS)
        gone, at = crowd.noted.gone, monotonic()
        still_answered = sum(at - caller.last_heard_at < TALK_SECONDS for caller in crowd.callers)
        await crowd.leave()
        process.stdin.close()
        left = json.loads(await process.stdout.readline())
        await process.wait()
    files = recorded(folder)
    playable = sum(seconds is not None for seconds in files.values())
    went_on = gone == 0 and still_answered == calls and not left["errors"]
    return {
        "calls": calls,
        "cut_off": gone,
        "answered_to_the_end": still_answered,
        "files": len(files),
        "playable": playable,
        "faults": left["recording_faults"],
        "passed": went_on and playable == len(files) and left["recording_faults"] == calls,
    }


def recorded(folder: Path) -> dict[str, float | None]:
    """Call → seconds, of each file that was begun; None: it cannot be played."""
    begun = (path for path in folder.glob("*.wav") if path.stat().st_size)
    return {path.stem.replace("-", ""): _seconds(path) for path in begun}


def _seconds(path: Path) -> float | None:
    try:
        samples, rate = soundfile.read(path, dtype="int16")
    except soundfile.LibsndfileError:
        return None
    return float(len(samples) / rate)


@contextmanager
def small_disk(options: str) -> Iterator[Path | None]:
    """A tmpfs of its own; None for whoever may not mount one."""
    with tempfile.TemporaryDirectory() as name:
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", name]
        if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
            yield None
            return
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=False)


async def full(calls: int, sounds: Sounds, seed: int) -> dict[str, Any]:
    with small_disk(f"size={DISK_BYTES}") as disk:
        if disk is not None:
            return {"by": "tmpfs", **await unwritable(calls, sounds, seed, disk, None)}
        with tempfile.TemporaryDirectory() as name:
            limit = DISK_BYTES // calls
            return {"by": "RLIMIT_FSIZE", **await unwritable(calls, sounds, seed, Path(name), limit)}


async def read_only(calls: int, sounds: Sounds, seed: int) -> dict[str, Any]:
    with small_disk("size=100000,ro") as disk:
        if disk is not None:
            return {"by": "tmpfs", **await unwritable(calls, sounds, seed, disk, None)}
        with tempfile.TemporaryDirectory() as name:
            os.chmod(name, 0o555)  # noqa: PTH101
            return {"by": "mode 0555", **await unwritable(calls, sounds, seed, Path(name), None)}


async def run(calls: int, seed: int) -> dict[str, dict[str, Any]]:
    sounds = await Sounds.make(-50.0)
    return {
        "killed": await killed(calls, sounds, seed),
        "full": await full(calls, sounds, seed),
        "read_only": await read_only(calls, sounds, seed),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    told = uvloop.run(run(options.calls, options.seed))
    for name, figures in told.items():
        print(f"{name:10} " + "  ".join(f"{key} {value}" for key, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0 if all(figures["passed"] for figures in told.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
