"""The phone network of a demo: `voiceera lab` as a process of its own, which ends with us."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from voiceera.config import bare_environment
from voiceera.demo.api_client import DemoFailed
from voiceera.ids import new_secret
from voiceera.processes import die_with_parent, ended, module
from voiceera.roles.ports import bound_socket
from voiceera.roles.readiness import hear_child

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class LabProcess:
    """A lab that runs, or soon will. `ledger` is written by it alone."""

    port: int
    auth_id: str
    auth_token: str
    ledger: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """Where the API of its first carrier, Plivo, begins."""
        return f"{self.url}/v1"


@asynccontextmanager
async def running_lab(
    directory: Path, callees: Path, *, seed: int, scramble: bool, calls_per_second: float = 100.0
) -> AsyncIterator[tuple[LabProcess, Awaitable[None]]]:
    """`directory` takes its ledger and its log. Its port is bound when this enters; the awaitable ends when it works,
    and raises DemoFailed. Main thread only."""
    with bound_socket("127.0.0.1", 0, "") as listener:
        lab = LabProcess(listener.getsockname()[1], "MADEMODEMODEMODEMODE", new_secret(), directory / "ledger.jsonl")
        command = ["--listen-fd", str(listener.fileno()), "--seed", str(seed), "--auth-id", lab.auth_id]
        command += ["--callees", str(callees), "--ledger", str(lab.ledger), *(["--scramble"] if scramble else [])]
        command += ["--calls-per-second", str(calls_per_second)]
        readable, writable = os.pipe()
        process = _spawn(command, lab.auth_token, directory / "lab.log", writable, listener.fileno())
    hearing = asyncio.create_task(_until_ready(readable))
    try:
        yield lab, hearing
    finally:
        hearing.cancel()
        with suppress(asyncio.CancelledError, DemoFailed):
            await hearing
        await _end(process)


async def _until_ready(readable: int) -> None:
    readiness = await hear_child(readable)
    if readiness.port is None:
        raise DemoFailed(f"the lab did not start: {readiness.problem}")


def _spawn(options: list[str], auth_token: str, log: Path, ready: int, listener: int) -> subprocess.Popen[bytes]:
    """`ready`: the pipe's end to tell its port on; closed here."""
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                [*module("voiceera"), "lab", "--ready-fd", str(ready), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=bare_environment() | {"VOICEERA_LAB_AUTH_TOKEN": auth_token},
                pass_fds=[ready, listener],
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
    finally:
        os.close(ready)


async def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended(process), _STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
