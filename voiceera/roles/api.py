"""The role `api`: uvicorn around the application."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from voiceera import clock
from voiceera.api.app import create_app
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.errors import StartupError
from voiceera.ids import new_secret
from voiceera.roles.ports import bound_socket
from voiceera.roles.role import Ready
from voiceera.services.administrators import make_first
from voiceera.store.base import Database
from voiceera.store.bus import Bus, PostgresBus

_LAST_ANSWERS_SECONDS = 5
"""How long open requests and event streams may take once we stop."""


async def serve_api(
    settings: Settings,
    database: Database,
    bus: Bus,
    stop: asyncio.Event,
    ready: Ready,
    listener: socket.socket | None = None,
) -> None:
    """Answer requests until `stop`, on `listener` if it is given. Raises StartupError when the port is taken."""
    with listener or bound_socket(settings.api_host, settings.api_port, "VOICEERA_API_PORT") as bound:
        port = bound.getsockname()[1]
        app = create_app(settings.with_public_url(port), database, bus)
        await make_first(database, app.state.backend.accounts.passwords, settings, clock.utc_now())
        await _answer(app, bound, stop, lambda: ready(port))


async def _answer(app: FastAPI, bound: socket.socket, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )
    server = _Server(config, ready)
    async with asyncio.TaskGroup() as tasks:
        backend: Backend = app.state.backend
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, backend.draining.set)
        stopping = tasks.create_task(_pass_on(stop, server, backend))
        await server.serve(sockets=[bound])
        stopping.cancel()
    if not server.started:
        raise StartupError("The API did not start; the lines above say why.")


async def _pass_on(stop: asyncio.Event, server: uvicorn.Server, backend: Backend) -> None:
    """Say at /readiness that this process drains, and end once who asks there has had time to hear it."""
    await stop.wait()
    backend.draining.set()
    await asyncio.sleep(backend.settings.api_drain_seconds)
    backend.streams.end()
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


def openapi_document(settings: Settings) -> dict[str, Any]:
    """What `/openapi.json` answers. Opens no database and writes no file."""
    settings = settings.model_copy(update={"secret_key": SecretStr(new_secret())})
    nowhere = "postgresql://127.0.0.1/none"
    document: dict[str, Any] = create_app(settings, Database(nowhere), PostgresBus(nowhere)).openapi()
    return document
