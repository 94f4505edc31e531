"""The command line: wires everything, decides nothing. Imports wait until a command needs them."""

import asyncio
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voiceera import __version__
from voiceera.errors import StartupError

if TYPE_CHECKING:
    from voiceera.config import Settings
    from voiceera.roles.role import Work
    from voiceera.roles.serve import Platform

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataDir = Annotated[Path | None, typer.Option(help="Where everything lies that must survive. [VOICEERA_DATA_DIR]")]
Port = Annotated[int | None, typer.Option(help="0 has one picked, and printed.", min=0, max=65535)]
Host = Annotated[str | None, typer.Option(help="The address to listen on.")]
ReadyFd = Annotated[int | None, typer.Option(hidden=True)]


@app.callback()
def root() -> None:
    """VoiceERA: AI phone agents on your own machine.

    Every setting is read from the environment as VOICEERA_<NAME>; docs/operating.md lists them.
    """


@app.command()
def serve(data_dir: DataDir = None, port: Port = None, host: Host = None) -> None:
    """Run the whole platform: the database, the API, the media process and the worker.

    The first Ctrl-C lets live calls end, the second ends everything at once.
    """
    from voiceera.roles.serve import run_serve

    raise typer.Exit(run_serve(_settings(data_dir=data_dir, api_port=port, api_host=host), _announce))


@app.command()
def api(
    data_dir: DataDir = None,
    port: Port = None,
    host: Host = None,
    ready_fd: ReadyFd = None,
    listen_fd: ReadyFd = None,
) -> None:
    """Run the API alone: REST, carrier callbacks, the documentation."""
    import socket

    from voiceera.roles.api import serve_api

    listener = None if listen_fd is None else socket.socket(fileno=listen_fd)
    settings = _settings(data_dir=data_dir, api_port=port, api_host=host)
    address = f"http://{settings.api_host}"
    _run_role("api", settings, functools.partial(serve_api, listener=listener), address, ready_fd)


@app.command()
def media(data_dir: DataDir = None, port: Port = None, host: Host = None, ready_fd: ReadyFd = None) -> None:
    """Run one media process alone: the sockets that carriers open, and the conversations on them."""
    from voiceera.roles.media import serve_media

    settings = _settings(data_dir=data_dir, media_port=port, media_host=host)
    _run_role("media", settings, serve_media, f"ws://{settings.media_host}", ready_fd)


@app.command()
def worker(data_dir: DataDir = None, ready_fd: ReadyFd = None) -> None:
    """Run one worker alone: the dialer and what else is due."""
    from voiceera.roles.worker import serve_worker

    _run_role("worker", _settings(data_dir=data_dir), serve_worker, "", ready_fd)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema. Stop older versions of VoiceERA first."""
    from voiceera.roles.migrate import migrate

    before, after = asyncio.run(migrate(_settings(data_dir=data_dir)))
    print(f"The database is at revision {after}" + ("." if before == after else f" (it was at {before or 'none'})."))


@app.command()
def openapi() -> None:
    """Print the API's OpenAPI document as JSON. Needs no database."""
    from voiceera.roles.api import openapi_document

    print(json.dumps(openapi_document(_settings()), indent=2))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """The program `voiceera`: what keeps it from starting is said in one line."""
    try:
        app(prog_name="voiceera")
    except StartupError as problem:
        print(f"voiceera: {problem.message}", file=sys.stderr)
        sys.exit(1)


def _settings(**given: Any) -> "Settings":
    """From the environment, and over it what the command line gives. Raises StartupError."""
    from pydantic import ValidationError

    from voiceera.config import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as problem:
        first = problem.errors()[0]
        raise StartupError(f"VOICEERA_{str(first['loc'][0]).upper()}: {first['msg']}.") from None


def _run_role(name: str, settings: "Settings", work: "Work", address: str, ready_fd: int | None) -> None:
    """Say that it is ready, or why not, to the terminal, or to the `serve` that started us."""
    from voiceera.roles.readiness import Readiness, told
    from voiceera.roles.role import run_role

    with told(ready_fd) as tell:
        ready = _say_ready(name, address) if ready_fd is None else lambda port: tell(Readiness(port))
        raise typer.Exit(run_role(name, settings, work, ready))


def _say_ready(name: str, address: str) -> Callable[[int | None], None]:
    return lambda port: print(f"{name}: ready" + (f" on {address}:{port}" if port is not None else ""), flush=True)


def _announce(platform: "Platform") -> None:
    print(f"VoiceERA {__version__} is running; Ctrl-C ends it.")
    print(f"  API     {platform.settings.public_url}  (documentation: /docs)")
    for url in platform.media_urls:
        print(f"  media   {url}")
    print(f"  data    {platform.settings.data_dir}", flush=True)
