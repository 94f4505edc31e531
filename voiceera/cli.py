"""The command line: wires everything, decides nothing. Imports wait until a command needs them."""

import asyncio
import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voiceera import __version__
from voiceera.errors import StartupError, VoiceEraError

if TYPE_CHECKING:
    from voiceera.config import Settings
    from voiceera.roles.role import Work
    from voiceera.roles.serve import Platform

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataDir = Annotated[Path | None, typer.Option(help="Where everything lies that must survive. [VOICEERA_DATA_DIR]")]
_PORT = "The port to listen on, {} by default; 0 has one picked, and printed. [VOICEERA_{}_PORT]"
ApiPort = Annotated[int | None, typer.Option(help=_PORT.format(8000, "API"), min=0, max=65535)]
MediaPort = Annotated[int | None, typer.Option(help=_PORT.format(8001, "MEDIA"), min=0, max=65535)]
Host = Annotated[str | None, typer.Option(help="The address to listen on, 127.0.0.1 by default.")]
Fd = Annotated[int | None, typer.Option(hidden=True)]
"""A descriptor from the process that started us."""


@app.callback()
def root() -> None:
    """VoiceERA: AI phone agents on your own machine.

    Every setting is read from the environment as VOICEERA_<NAME>; docs/operating.md lists them.
    """


@app.command()
def serve(data_dir: DataDir = None, port: ApiPort = None, host: Host = None) -> None:
    """Run the whole platform: the database, the API, the media process and the worker.

    The first Ctrl-C lets live calls end, the second ends everything at once.
    """
    from voiceera.roles.serve import run_serve

    raise typer.Exit(run_serve(_settings(data_dir=data_dir, api_port=port, api_host=host), _announce))


@app.command()
def api(
    data_dir: DataDir = None,
    port: ApiPort = None,
    host: Host = None,
    ready_fd: Fd = None,
    listen_fd: Fd = None,
    settings_fd: Fd = None,
) -> None:
    """Run the API alone: REST, carrier callbacks, the documentation."""
    import socket

    from voiceera.roles.api import serve_api

    listener = None if listen_fd is None else socket.socket(fileno=listen_fd)
    settings = _told(settings_fd) or _settings(data_dir=data_dir, api_port=port, api_host=host)
    address = f"http://{settings.api_host}"
    _run_role("api", settings, functools.partial(serve_api, listener=listener), address, ready_fd)


@app.command()
def media(
    data_dir: DataDir = None, port: MediaPort = None, host: Host = None, ready_fd: Fd = None, settings_fd: Fd = None
) -> None:
    """Run one media process alone: the sockets that carriers open, and the conversations on them."""
    from voiceera.roles.media import serve_media

    settings = _told(settings_fd) or _settings(data_dir=data_dir, media_port=port, media_host=host)
    _run_role("media", settings, serve_media, f"ws://{settings.media_host}", ready_fd)


@app.command()
def worker(data_dir: DataDir = None, ready_fd: Fd = None, settings_fd: Fd = None) -> None:
    """Run one worker alone: the dialer and what else is due."""
    from voiceera.roles.worker import serve_worker

    settings = _told(settings_fd) or _settings(data_dir=data_dir)
    _run_role("worker", settings, serve_worker, "", ready_fd)


@app.command()
def lab(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 has one picked, and printed.", min=0, max=65535)] = 8090,
    auth_id: Annotated[str, typer.Option(help="The account that may dial.")] = "MALABLABLABLABLABLAB",
    auth_token: Annotated[
        str, typer.Option(envvar="VOICEERA_LAB_AUTH_TOKEN", help="Its secret, which signs callbacks too.")
    ] = "lab",
    callees: Annotated[
        Path | None, typer.Option(help="Who answers which number: a YAML file, or a directory of them.", exists=True)
    ] = None,
    ledger: Annotated[Path | None, typer.Option(help="A file for what really happened, a JSON line each.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and wordings.")] = 0,
    scramble: Annotated[
        bool, typer.Option("--scramble", help="Swap what callees say: nothing may be understood then.")
    ] = False,
    calls_per_second: Annotated[float, typer.Option(help="Dials past this are refused with 429.", min=0.1)] = 100.0,
    faults: Annotated[str, typer.Option(help='What goes wrong, as JSON: {"fail_after": 0.05, …}.')] = "{}",
    ready_fd: Fd = None,
    listen_fd: Fd = None,
) -> None:
    """Run the simulated telephone network alone: a carrier, and people who answer and talk."""
    import importlib
    import socket

    import msgspec

    from voiceera.roles.lab import run

    Faults = importlib.import_module("voiceera.lab.faults").Faults  # noqa: N806
    LabOptions = importlib.import_module("voiceera.lab.main").LabOptions  # noqa: N806

    try:
        drawn = msgspec.json.decode(faults, type=Faults)
    except msgspec.MsgspecError as problem:
        raise typer.BadParameter(str(problem), param_hint="--faults") from None
    listener = None if listen_fd is None else socket.socket(fileno=listen_fd)
    options = LabOptions(
        *(host, port, auth_id, auth_token, callees, ledger, seed, scramble, calls_per_second),
        faults=drawn,
        listener=listener,
    )
    with _ready("lab", f"http://{host}", ready_fd) as ready:
        raise typer.Exit(run(options, _settings().log_level, ready))


@app.command()
def demo(
    calls: Annotated[int, typer.Option(help="How many people to call.", min=1)] = 12,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and wordings.")] = 1,
    json: Annotated[Path | None, typer.Option(help="A file for the outcome as JSON.", dir_okay=False)] = None,
    output: Annotated[
        Path | None, typer.Option(help="A directory for the report and recordings.", file_okay=False)
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the platform running at the end, until Ctrl-C.")
    ] = False,
    scramble: Annotated[
        bool, typer.Option("--scramble", help="Swap what callees say: the demo must fail then.")
    ] = False,
    carrier: Annotated[
        str, typer.Option(help="Whose dialect to speak with the lab: plivo, vobiz, twilio, telnyx, exotel.")
    ] = "plivo",
) -> None:
    """Run a campaign of real, spoken phone calls on this machine, and show it. Needs nothing but this package.

    What stays is a directory with the report and the recordings; nothing is left running.
    """
    import importlib

    main = importlib.import_module("voiceera.demo.main")
    options = main.DemoOptions(
        calls=calls, seed=seed, json=json, output=output, keep=keep, scramble=scramble, carrier=carrier
    )
    raise typer.Exit(main.run_demo(options))


ApiUrl = Annotated[str, typer.Option(help="The API of a running platform.")]
ApiKey = Annotated[str | None, typer.Option(envvar="VOICEERA_API_KEY", help="Of the agent's organization.")]
API = "http://127.0.0.1:8000"


@app.command("try")
def try_agent(
    agent: Annotated[str, typer.Argument(help="An agent's id, or a JSON or YAML file with what POST /agents takes.")],
    callees: Annotated[
        Path, typer.Option(help="Whom it talks with: a YAML file, or a directory of them.", exists=True)
    ],
    url: ApiUrl = API,
    api_key: ApiKey = None,
    at_once: Annotated[
        int | None, typer.Option(help="Calls at a time; by default what the cores can take.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and wordings.")] = 0,
    junit: Annotated[Path | None, typer.Option(help="A file for the outcome as JUnit's XML.", dir_okay=False)] = None,
    json: Annotated[Path | None, typer.Option(help="A file for the outcome as JSON.", dir_okay=False)] = None,
    lines: Annotated[
        bool, typer.Option(help="Nothing but a line of JSON for each callee, as soon as it is through.")
    ] = False,
) -> None:
    """Let simulated people talk with an agent, and see how it does. docs/try.md tells how.

    An id is an agent of the platform at --url; a file is tried on a platform of its own, which ends with the trial.
    """
    import importlib

    main = importlib.import_module("voiceera.trial.main")
    files = {"junit": junit, "json": json}
    options = main.TrialOptions(
        agent=agent, callees=callees, url=url, api_key=api_key, seed=seed, at_once=at_once, lines=lines, **files
    )
    raise typer.Exit(main.run_trial(options))


@app.command()
def callee(
    call_id: Annotated[str, typer.Argument(help="A finished call with a recording.")],
    out: Annotated[Path, typer.Option(help="A directory for the script and its sounds.", file_okay=False)],
    url: ApiUrl = API,
    api_key: ApiKey = None,
) -> None:
    """Make a callee for `voiceera try` out of a finished call, in the caller's own voice."""
    import importlib

    from_call = importlib.import_module("voiceera.trial.from_call")
    path = from_call.make_callee(from_call.FromCall(call_id=call_id, out=out, url=url, api_key=api_key))
    print(f"{path}: try an agent on it with --callees {path}")


@app.command()
def doctor(
    url: ApiUrl = API,
    api_key: ApiKey = None,
    ring: Annotated[
        str | None, typer.Option(help="A number of yours to ring once the rest is well; asked for first: it costs.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Who rings it; by default the latest agent.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ring without asking.")] = False,
) -> None:
    """Say what stands between here and the first real call. docs/first-real-call.md goes along with it.

    The public address is VOICEERA_PUBLIC_URL's, so run it where the API's settings are.
    """
    import importlib

    main = importlib.import_module("voiceera.trial.doctor")
    settings = _settings()
    public_url = settings.public_url.rstrip("/") or url
    options = main.DoctorOptions(url=url, public_url=public_url, api_key=api_key, ring=ring, agent=agent)
    raise typer.Exit(main.run_doctor(options, lambda question: yes or typer.confirm(question)))


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema. Stop older versions of VoiceERA first."""
    from voiceera.roles.migrate import migrate

    before, after = asyncio.run(migrate(_settings(data_dir=data_dir)))
    print(f"The database is at revision {after}" + ("." if before == after else f" (it was at {before or 'none'})."))


admin = typer.Typer(no_args_is_help=True, help="The platform's administrators.")
app.add_typer(admin, name="admin")


@admin.command("create")
def create_admin(
    email: Annotated[str, typer.Argument(help="Where they sign in with.")],
    data_dir: DataDir = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Make an administrator of the platform. The password is asked for."""
    from voiceera.roles.admin import create_admin

    password = (
        sys.stdin.readline().rstrip("\n")
        if password_stdin
        else str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    )
    asyncio.run(create_admin(_settings(data_dir=data_dir), email, password))
    print(f"{email} is an administrator now.")


@app.command()
def openapi() -> None:
    """Print the API's OpenAPI document as JSON. Needs no database."""
    import json

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
    except VoiceEraError as problem:
        print(f"voiceera: {problem.message}", file=sys.stderr)
        sys.exit(1)


def _told(settings_fd: int | None) -> "Settings | None":
    """What the process that started us says, once it knows; None: nobody did, or nobody says."""
    if settings_fd is None:
        return None
    from voiceera.roles.readiness import hear_settings

    return hear_settings(settings_fd)


def _settings(**given: Any) -> "Settings":
    """From the environment, and over it what the command line gives. Raises StartupError."""
    from pydantic import ValidationError

    from voiceera.config import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as problem:
        first = problem.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        raise StartupError(f"VOICEERA_{str(first['loc'][0]).upper()}: {said}.") from None


def _run_role(name: str, settings: "Settings", work: "Work", address: str, ready_fd: int | None) -> None:
    from voiceera.roles.role import run_role

    with _ready(name, address, ready_fd) as ready:
        raise typer.Exit(run_role(name, settings, work, ready))


@contextmanager
def _ready(name: str, address: str, ready_fd: int | None) -> Iterator[Callable[[int | None], None]]:
    """Says that it is ready, or why not, to the terminal, or to the process that started us."""
    from voiceera.roles.readiness import Readiness, told

    def say(port: int | None) -> None:
        print(f"{name}: ready" + (f" on {address}:{port}" if port is not None else ""), flush=True)

    with told(ready_fd) as tell:
        yield say if ready_fd is None else lambda port: tell(Readiness(port))


def _announce(platform: "Platform") -> None:
    print(f"VoiceERA {__version__} is running; Ctrl-C ends it.")
    print(f"  API     {platform.settings.public_url}  (documentation: /docs)")
    for url in platform.media_urls:
        print(f"  media   {url}")
    print(f"  data    {platform.settings.data_dir}", flush=True)
