"""`voiceera try`: an agent of a running platform, or one from a file on a platform of the trial's own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from voiceera import log
from voiceera.clock import monotonic
from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient, DemoFailed
from voiceera.demo.main import fresh_directory
from voiceera.demo.stage import calls_at_once
from voiceera.errors import Invalid, StartupError
from voiceera.ids import new_secret
from voiceera.lab.callees.directory import Directory, load_directory
from voiceera.processes import STOPPED_BY_SIGNAL, ending_signals
from voiceera.roles.serve import running_platform
from voiceera.trial.outcome import Trial, Tried
from voiceera.trial.report import line_of, outcome_of, show, write_json, write_junit
from voiceera.trial.run import Runner

COULD_NOT_RUN = 2
_EMAIL = "trial@example.com"


@dataclass(frozen=True)
class TrialOptions:
    """`agent`: an id on the platform at `url`, or a JSON or YAML file with what `POST /agents` takes."""

    agent: str
    callees: Path
    url: str
    api_key: str | None = field(default=None, repr=False)
    seed: int = 0
    at_once: int | None = None
    junit: Path | None = None
    json: Path | None = None
    lines: bool = False


def run_trial(options: TrialOptions) -> int:
    """The exit status: 0 if every callee got what its script wants, 1 if not, 2 if it could not be run.
    Raises StartupError."""
    log.configure("try", "ERROR")
    console = Console(stderr=options.lines)
    try:
        return asyncio.run(_until_signal(options, console))
    except* DemoFailed as failures:
        console.print(f"voiceera try: {failures.exceptions[0]}", style="red", markup=False, soft_wrap=True)
    return COULD_NOT_RUN


async def _until_signal(options: TrialOptions, console: Console) -> int:
    work = asyncio.current_task()
    assert work is not None
    for number in ending_signals():
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        trial = await _run(options, console)
    except asyncio.CancelledError:
        return STOPPED_BY_SIGNAL
    if not options.lines:
        show(console, trial)
    if options.junit is not None:
        write_junit(options.junit, trial)
    if options.json is not None:
        write_json(options.json, trial)
    return 0 if trial.has_passed else 1


async def _run(options: TrialOptions, console: Console) -> Trial:
    directory = _callees(options)
    config = _config(options.agent)
    began = monotonic()
    async with _signed_in(options, config, console) as (api, token, agent_id):
        agent = await api.get(f"/agents/{agent_id}")
        console.print(f"Calling {len(directory.scripts)} callees as {agent['name']}", highlight=False, markup=False)

        places = {number: place for place, number in enumerate(sorted(directory.scripts))}

        def told(tried: Tried) -> None:
            if options.lines:
                sys.stdout.write(outcome_of(tried, places[tried.number]).model_dump_json() + "\n")
                sys.stdout.flush()
            else:
                console.print(line_of(tried), highlight=False, soft_wrap=True)

        runner = Runner(api, token, agent_id, directory, told)
        tried = await runner.run(options.at_once or calls_at_once())
    return Trial(str(agent["name"]), tried, round(monotonic() - began, 1))


def _callees(options: TrialOptions) -> Directory:
    try:
        directory = load_directory(options.callees, options.seed)
    except Invalid as invalid:
        raise StartupError(invalid.message) from invalid
    if not directory.scripts:
        raise StartupError(f"There are no callees in {options.callees}: give each a number and a script.")
    return directory


@asynccontextmanager
async def _signed_in(
    options: TrialOptions, config: dict[str, Any] | None, console: Console
) -> AsyncIterator[tuple[ApiClient, str, str]]:
    """The API, the token that it is called with, and the agent's id."""
    if config is not None:
        async with _platform_of_its_own(config, console) as found:
            yield found
        return
    if options.api_key is None:
        raise StartupError(
            f"{options.agent} is no file; to try an agent of the platform at {options.url} by its id, "
            "give an API key: --api-key, or VOICEERA_API_KEY."
        )
    async with _client(options.url) as api:
        api.carry(options.api_key)
        yield api, options.api_key, options.agent


@asynccontextmanager
async def _platform_of_its_own(config: dict[str, Any], console: Console) -> AsyncIterator[tuple[ApiClient, str, str]]:
    console.print("Starting a platform for the trial", style="dim")
    with fresh_directory() as directory:
        settings = _settings(directory)
        async with (
            running_platform(settings, output=directory / "platform.log") as platform,
            _client(platform.api_url) as api,
        ):
            token = await api.register(_EMAIL, new_secret(9), "Trial", "Trial")
            agent = await api.post("/agents", config)
            yield api, token, agent["id"]


def _config(agent: str) -> dict[str, Any] | None:
    """What the file of this name holds; None: there is no such file."""
    file = Path(agent)
    if not file.is_file():
        return None
    try:
        text = file.read_text(encoding="utf-8")
        config = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StartupError(f"{file}: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise StartupError(f"{file}: an agent is a mapping, with what POST /agents takes")
    return config


def _settings(directory: Path) -> Settings:
    """Whatever the environment says: the trial has its own database, ports and keys."""
    return Settings(
        data_dir=directory,
        database_url=None,
        secret_key=None,
        api_host="127.0.0.1",
        api_port=0,
        media_host="127.0.0.1",
        media_port=0,
        media_processes=1,
        public_url="",
        media_url="",
        rate_limit_requests=10_000,
        drain_seconds=0,
    )


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[ApiClient]:
    api = ApiClient(url)
    try:
        yield api
    finally:
        await api.close()
