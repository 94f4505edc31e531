"""One role as a child process: started, heard when ready, started again when it dies, ended."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from voiceera.config import Settings
from voiceera.errors import StartupError
from voiceera.log import get_logger
from voiceera.processes import die_with_parent, ended
from voiceera.roles.readiness import hear_child

_SHORTEST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_LAST_WORDS_SECONDS = 5
_LONG_LIFE_SECONDS = 60
"""A role that lived this long gets its next start at once."""

log = get_logger("serve")


class Child:
    """`voiceera <role>` with `settings` in its environment. Use on the main thread: see `die_with_parent`."""

    def __init__(
        self, role: str, settings: Settings, output: Path | None, listener: socket.socket | None = None
    ) -> None:
        """`output`: a file for what it prints and logs; None: ours. `listener`: a bound socket to hand down."""
        self.role = role
        self.port: int | None = None
        self._settings = settings
        self._output = output
        self._listener = listener
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it and wait until it is ready; from then on it is kept running. Raises StartupError."""
        await self._launch()
        self._keeper = asyncio.create_task(self._keep_running())

    async def drain(self, seconds: float) -> None:
        """Ask it to end and wait for that; after `seconds` it is killed."""
        await self._stop_keeping()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended(self._process), seconds)
        self.kill()

    def kill(self) -> None:
        """End it now."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def _stop_keeping(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def _launch(self) -> None:
        readable, writable = os.pipe()
        try:
            self._process = self._spawn(writable)
        finally:
            os.close(writable)
        readiness = await hear_child(readable)
        if readiness.problem is not None:
            with suppress(TimeoutError):  # what it has to say on its way out
                await asyncio.wait_for(ended(self._process), _LAST_WORDS_SECONDS)
            self.kill()
            raise StartupError(f"{self.role}: {readiness.problem}")
        self.port = readiness.port
        if self.role == "media" and readiness.port is not None:  # again where the others know it
            self._settings = self._settings.model_copy(update={"media_port": readiness.port})

    def _spawn(self, descriptor: int) -> subprocess.Popen[bytes]:
        handed_down = {"--ready-fd": descriptor}
        if self._listener is not None:
            handed_down["--listen-fd"] = self._listener.fileno()
        output = None if self._output is None else self._output.open("ab")
        try:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "voiceera",
                    self.role,
                    *(str(part) for pair in handed_down.items() for part in pair),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._settings.environment(),
                pass_fds=list(handed_down.values()),
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        finally:
            if output is not None:
                output.close()

    async def _keep_running(self) -> None:
        pause = _SHORTEST_PAUSE_SECONDS
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            assert self._process is not None
            code = await ended(self._process)
            log.warning("role_died", died=self.role, returncode=code)
            pause = _SHORTEST_PAUSE_SECONDS if clock() - started > _LONG_LIFE_SECONDS else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            try:
                await self._launch()
            except StartupError as problem:
                log.error("role_restart_failed", died=self.role, problem=problem.message)
            else:
                log.info("role_restarted", restarted=self.role, pid=self.pid)
