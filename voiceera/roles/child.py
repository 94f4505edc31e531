"""One role as a child process: loaded, told its settings, heard when ready, started again when it dies, ended."""

import asyncio
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from voiceera.config import Settings, bare_environment
from voiceera.errors import StartupError
from voiceera.log import get_logger
from voiceera.processes import die_with_parent, ended, module
from voiceera.roles.readiness import hear_child, tell_settings

_SHORTEST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_LAST_WORDS_SECONDS = 5
_LONG_LIFE_SECONDS = 60
"""A role that lived this long gets its next start at once."""

log = get_logger("serve")


class Child:
    """`voiceera <role>`. Use on the main thread: see `die_with_parent`."""

    def __init__(self, role: str, output: Path | None, listener: socket.socket | None = None) -> None:
        """`output`: a file for what it prints and logs; None: ours. `listener`: a bound socket to hand down."""
        self.role = role
        self.port: int | None = None
        self._settings: Settings | None = None
        self._output = output
        self._listener = listener
        self._process: subprocess.Popen[bytes] | None = None
        self._pipes: tuple[int, int] | None = None
        """Of a process that has not been told yet: to hear that it is ready, to tell it its settings."""
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def load(self) -> None:
        """Start the process: it loads its code, which takes a second, and then waits to be told its settings."""
        heard, ready = os.pipe()
        told, tell = os.pipe()
        self._pipes = heard, tell
        try:
            self._process = self._spawn(ready, told)
        finally:
            os.close(ready)
            os.close(told)

    async def start(self, settings: Settings) -> None:
        """Let it work and wait until it is ready; from then on it is kept running. Raises StartupError."""
        self._settings = settings
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

    def tell(self, signal_number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal_number)

    def kill(self) -> None:
        """End it now."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._pipes is not None:
            for pipe in self._pipes:
                os.close(pipe)
            self._pipes = None
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
        if self._pipes is None:
            self.load()
        assert self._process is not None and self._pipes is not None and self._settings is not None
        (heard, tell), self._pipes = self._pipes, None
        tell_settings(tell, self._settings)
        readiness = await hear_child(heard)
        if readiness.problem is not None:
            with suppress(TimeoutError):  # what it has to say on its way out
                await asyncio.wait_for(ended(self._process), _LAST_WORDS_SECONDS)
            self.kill()
            raise StartupError(f"{self.role}: {readiness.problem}")
        self.port = readiness.port
        if self.role == "media" and readiness.port is not None:  # again where the others know it
            self._settings = self._settings.model_copy(update={"media_port": readiness.port})

    def _spawn(self, ready: int, told: int) -> subprocess.Popen[bytes]:
        handed_down = {"--ready-fd": ready, "--settings-fd": told}
        if self._listener is not None:
            handed_down["--listen-fd"] = self._listener.fileno()
        output = None if self._output is None else self._output.open("ab")
        try:
            return subprocess.Popen(
                [*module("voiceera"), self.role, *(str(part) for pair in handed_down.items() for part in pair)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=bare_environment(),
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
