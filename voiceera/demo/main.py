"""The demo: a whole platform and a phone network in a directory of their own, one campaign, and what came of it."""

import asyncio
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from voiceera import log
from voiceera.clock import monotonic
from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient, DemoFailed
from voiceera.demo.board import Board
from voiceera.demo.carriers import CARRIERS
from voiceera.demo.follow import follow
from voiceera.demo.gather import gather
from voiceera.demo.judge import UNDERSTOOD_AT_LEAST, judge
from voiceera.demo.keeping import keep_logs, keep_results, write_json
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.demo.outcome import Outcome, count_outcomes
from voiceera.demo.rings import rings_of
from voiceera.demo.screen import Screen, counted, screen_for
from voiceera.demo.stage import CAMPAIGN, EMAIL, Person, Stage, set_stage
from voiceera.demo.summary import show
from voiceera.errors import StartupError
from voiceera.ids import new_secret
from voiceera.lab.callees.cast import WIDEBAND_PREFIX, CastMember, demo_cast
from voiceera.lab.callees.directory import dump_directory
from voiceera.lab.ledger import read_ledger
from voiceera.processes import STOPPED_BY_SIGNAL, ending_signals
from voiceera.roles.serve import Platform, running_platform
from voiceera.store.base import Database

_PREFIX, _ALIVE = "voiceera-demo-", "alive"


@dataclass(frozen=True)
class DemoOptions:
    """`calls`: how many people. `output`: a directory for the report and the recordings; None: a new one, here.
    `carrier`: whose dialect is spoken with the lab."""

    calls: int = 12
    seed: int = 1
    json: Path | None = None
    output: Path | None = None
    keep: bool = False
    scramble: bool = False
    carrier: str = "plivo"


def run_demo(options: DemoOptions) -> int:
    """Run it until its end or a signal; the exit status: 0 only when the network's ledger agrees with the database
    and the answers were understood. Raises StartupError."""
    if options.carrier not in CARRIERS:
        raise StartupError(f"The lab does not play {options.carrier!r}; it plays: {', '.join(CARRIERS)}.")
    _refuse_unwritable(options)
    log.configure("demo", "ERROR")
    console = Console()
    with fresh_directory() as directory:
        try:
            return asyncio.run(_until_signal(options, directory, console))
        except (DemoFailed, StartupError) as problem:
            said = problem.message if isinstance(problem, StartupError) else str(problem)
            logs = keep_logs(directory, options.output)
            console.print(Text(f"The demo failed: {said}\nWhat its parts logged lies in {logs}", style="red"))
            return 1


def _refuse_unwritable(options: DemoOptions) -> None:
    """Before a minute of calls, not after it."""
    for directory in filter(None, (options.output or Path.cwd(), options.json and options.json.absolute().parent)):
        nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise StartupError(f"The demo cannot write to {directory}: choose another with --output and --json.")


@contextmanager
def fresh_directory() -> Iterator[Path]:
    """A new one, gone afterwards. The account that runs PostgreSQL when we are root has to pass through it."""
    _clear_killed()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as path:
        if os.geteuid() == 0:
            Path(path).chmod(0o711)
        with (Path(path) / _ALIVE).open("w") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)  # the kernel lets go of it when we end, however that is
            yield Path(path)


def _clear_killed() -> None:
    """What demos of ours left behind that were killed outright."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), (left / _ALIVE).open() as alive:
            if left.stat().st_uid == os.geteuid():
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)


async def _until_signal(options: DemoOptions, directory: Path, console: Console) -> int:
    work = asyncio.current_task()
    assert work is not None
    for number in ending_signals():
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await _run(options, directory, console)
    except asyncio.CancelledError:
        console.print(Text("Stopped; nothing is left running.", style="dim"))
        return STOPPED_BY_SIGNAL


async def _run(options: DemoOptions, directory: Path, console: Console) -> int:
    began = monotonic()
    cast = demo_cast(options.calls, options.seed)
    callees = directory / "callees.yaml"
    callees.write_text(dump_directory({member.number: member.script for member in cast}), encoding="utf-8")
    board = Board([(member.name, member.number) for member in cast])
    screen = screen_for(console, board)
    password = new_secret(9)
    async with AsyncExitStack() as running:
        with screen:
            screen.step("starting the phone network, PostgreSQL, API, media and worker")
            lab, lab_is_up = await running.enter_async_context(
                running_lab(directory, callees, seed=options.seed, scramble=options.scramble)
            )
            platform = await running.enter_async_context(
                running_platform(_settings(directory, lab), output=directory / "platform.log")
            )
            await lab_is_up
            stage = await _campaign(options.carrier, cast, password, platform, lab, board, screen)
        outcome = await _outcome(options, platform, stage, lab, cast, monotonic() - began)
        agrees = _tell(options, directory, console, outcome)
        _say_where(console, platform, password, keeps=options.keep)
        if options.keep:
            await asyncio.Event().wait()
    return 0 if agrees else 1


def _settings(directory: Path, lab: LabProcess) -> Settings:
    """Whatever the environment says: a demo has its own database, ports and keys, and reaches the lab alone."""
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
        outbound_allow=f"127.0.0.1/32:{lab.port}",
        drain_seconds=0,
        recording_format="wav",
    )


async def _campaign(
    carrier: str,
    cast: Sequence[CastMember],
    password: str,
    platform: Platform,
    lab: LabProcess,
    board: Board,
    screen: Screen,
) -> Stage:
    """Over the public API alone: set up, launched, followed to its end. Raises DemoFailed."""
    api = ApiClient(platform.api_url)
    try:
        people = [_person(member) for member in cast]
        everybody = counted(len(people), "person", "people")
        screen.step(f"the platform is up at {platform.api_url}; registering, uploading {everybody}")
        stage = await set_stage(api, lab, people, password, [WIDEBAND_PREFIX], carrier)
        await follow(api, f"/campaigns/{stage.campaign_id}", board, screen)
    finally:
        await api.close()
    return stage


def _person(member: CastMember) -> Person:
    spoken = {"name": member.name.split()[0], "day": member.day, "time": member.time}
    return Person(member.name, member.number, member.role, spoken)


async def _outcome(
    options: DemoOptions,
    platform: Platform,
    stage: Stage,
    lab: LabProcess,
    cast: Sequence[CastMember],
    wall_seconds: float,
) -> Outcome:
    database = Database(platform.database_url)
    try:
        recordings_dir = platform.settings.recordings_dir
        calls, contacts = await gather(database, stage.organization_id, stage.campaign_id, recordings_dir)
    finally:
        await database.close()
    rings = rings_of(read_ledger(lab.ledger), {member.number: member.role for member in cast})
    return Outcome(
        campaign=CAMPAIGN,
        contacts=contacts,
        calls=calls,
        verdict=judge(rings, calls, contacts),
        wall_seconds=wall_seconds,
        seed=options.seed,
        scrambled=options.scramble,
        outcomes=count_outcomes(calls),
    )


def _tell(options: DemoOptions, directory: Path, console: Console, outcome: Outcome) -> bool:
    """Keep the results, show them; whether all is well."""
    kept = keep_results(outcome, options.output)
    if options.json is not None:
        write_json(kept.outcome, options.json)
    show(console, kept.outcome, kept.report, kept.recordings)
    agrees = not outcome.verdict.problems and outcome.verdict.understanding.share >= UNDERSTOOD_AT_LEAST
    if not agrees:
        console.print(Text(f"  Logs and the network's ledger lie in {keep_logs(directory, kept.directory)}"))
    return agrees


def _say_where(console: Console, platform: Platform, password: str, *, keeps: bool) -> None:
    if keeps:
        lines = [
            f"  API      {platform.api_url}  (documentation: {platform.api_url}/docs)",
            f"  login    {EMAIL}  {password}",
            "  Ctrl-C ends everything.",
        ]
    else:
        lines = [
            f"  The API at {platform.api_url} stops now; --keep leaves it running, with a login to look around.",
        ]
    for line in lines:
        console.print(Text(line))
    sys.stdout.flush()
