"""The lab: a telephone network of its own, as a program.

It speaks the carriers' REST dialects side by side, rings callees that answer with real audio, calls back, opens media
sockets, and keeps a ledger of what really happened.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from voiceera.errors import Invalid, StartupError
from voiceera.lab.callbacks import Callbacks
from voiceera.lab.callees.directory import Directory, load_directory
from voiceera.lab.control import Control
from voiceera.lab.conversation import Conversations
from voiceera.lab.faults import FaultDraw, Faults
from voiceera.lab.ledger import Ledger
from voiceera.lab.network import Network
from voiceera.lab.telnyx.signatures import public_key
from voiceera.lab.vendors import apis, dialects

DEFAULT_PORT = 8090


@dataclass(frozen=True)
class LabOptions:
    """`port` 0 picks a free one. `callees`: a YAML file or a directory of them; `ledger`: a file to append to."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    auth_id: str = "MALABLABLABLABLABLAB"
    auth_token: str = field(default="lab", repr=False)
    callees: Path | None = None
    ledger: Path | None = None
    seed: int = 0
    scramble: bool = False
    """Play the audio of another intent than the ledger notes: a negative control."""
    calls_per_second: float = 100.0
    faults: Faults = field(default_factory=Faults)
    listener: socket.socket | None = None
    """Bound already; `host` and `port` are then not used."""


async def run_lab(options: LabOptions, stop: asyncio.Event, ready: Callable[[int], None]) -> None:
    """Serve until `stop`; `ready` is told the port. Raises StartupError: a port in use, bad callees."""
    with _bound(options) as listener:
        async with _network(options) as app:
            config = uvicorn.Config(
                app, ws="none", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1
            )
            server = _Server(config, lambda: ready(listener.getsockname()[1]))
            async with asyncio.TaskGroup() as tasks:
                stopping = tasks.create_task(_pass_on(stop, server))
                await server.serve(sockets=[listener])
                stopping.cancel()


@contextlib.asynccontextmanager
async def _network(options: LabOptions) -> AsyncIterator["_Aborting"]:
    directory = _directory(options)
    try:
        ledger = Ledger(options.ledger)
    except OSError as error:
        raise StartupError(f"The ledger {options.ledger} cannot be written ({error.strerror}).") from error
    faults = FaultDraw(options.faults)
    spoken = dialects(options.auth_id, options.auth_token)
    callbacks = Callbacks(spoken, ledger, faults)
    conversations = Conversations(spoken, ledger, faults, scramble=options.scramble)
    network = Network(
        spoken, directory, callbacks, ledger, faults, conversations.hold, options.calls_per_second, options.seed
    )
    vendors = apis(network, ledger, faults, options.auth_id, options.auth_token)
    control = Control(network, ledger, faults, public_key(options.auth_token))
    try:
        yield _Aborting(Starlette(routes=[*vendors, *control.routes()]))
    finally:
        await network.close()
        await conversations.close()
        await callbacks.close()
        ledger.close()


def _directory(options: LabOptions) -> Directory:
    if options.callees is None:
        return Directory(seed=options.seed)
    try:
        return load_directory(options.callees, options.seed)
    except Invalid as invalid:
        raise StartupError(invalid.message) from invalid


class _Aborting:
    """Lets an endpoint cut the connection: uvicorn's own send callable knows its transport."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["voiceera.abort"] = send.__self__.transport.abort
        await self._app(scope, receive, send)


def _bound(options: LabOptions) -> socket.socket:
    if options.listener is not None:
        return options.listener
    try:
        return socket.create_server((options.host, options.port), backlog=512)
    except OSError as error:
        raise StartupError(f"The lab cannot listen on {options.host}:{options.port}: {error.strerror}.") from error


async def _pass_on(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us and says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
