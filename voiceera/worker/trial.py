"""The job that has simulated people talk with an agent: `voiceera try` in a process of its own.

The people come over the public API and the voice WebSocket, like anybody; a worker only writes down what is told.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from voiceera.clock import utc_now
from voiceera.config import bare_environment
from voiceera.log import get_logger
from voiceera.processes import die_with_parent, module
from voiceera.rules.trial_callees import TrialCallee, TrialReply
from voiceera.rules.trials import TrialOutcome, TrialStatus
from voiceera.services import trials as service
from voiceera.services.trials import Task
from voiceera.store import trials
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind

log = get_logger("trial")

_TALK_AT_ONCE = 2
"""Few: real calls are held beside them."""
_LOOK_SECONDS = 5.0
_NICE = 5
_COULD_NOT_RUN = 2
_STOP_SECONDS = 5.0
_MOST_ERROR_BYTES = 4_000
_CUTS_IN_AFTER_SECONDS = 1.5
_SAID_AGAIN = 3
"""How often a callee says its last answer again before it hangs up."""


def trial(database: Database, url: str) -> Kind:
    """`url`: where the API is. One at a time in each worker: it recognizes and speaks for the callees."""

    async def handle(row: DueRow, now: datetime) -> None:
        task = await service.claim(database, row.organization_id, row.row_id, now)
        if task is None:
            return
        if task.tries > service.MOST_TRIES:  # whoever took it up died of it
            died = "the worker that held it ended, twice"
            await service.finish(database, task, TrialStatus.FAILED, max(now, utc_now()), died)
            return
        problem = await _hold(database, task, url)
        status = TrialStatus.DONE if problem is None else TrialStatus.FAILED
        await service.finish(database, task, status, max(now, utc_now()), problem)

    return Kind(service.KIND, handle, _due, at_once=1)


async def _due(connection: Connection, now: datetime) -> Sequence[DueRow]:
    return await trials.due(connection, now, SWEPT_AT_ONCE)


async def _hold(database: Database, task: Task, url: str) -> str | None:
    """None: everybody was talked with, or nobody wants it any more; else why not."""
    with TemporaryDirectory(prefix="voiceera-trial-") as directory:
        callees = Path(directory) / "callees.yaml"
        callees.write_text(as_yaml(task.callees), encoding="utf-8")
        async with service.passport(database, task, utc_now()) as key, _running(task, callees, url, key) as process:
            keeping = asyncio.create_task(_keep(database, task, process))
            aside = asyncio.create_task(_said(process))
            try:
                async with asyncio.timeout(service.LONGEST.total_seconds()):
                    await _note_all(database, task, process)
                    code, said = await process.wait(), await aside
            except TimeoutError:
                return f"it was not over after {service.LONGEST.total_seconds() / 60:.0f} minutes"
            finally:
                for each in (keeping, aside):
                    each.cancel()
                await asyncio.gather(keeping, aside, return_exceptions=True)
    if code in (0, 1):
        return None
    log.warning("trial_failed", trial_id=str(task.trial_id), code=code)
    lines = said.strip().splitlines()
    return (lines[-1] if lines else f"it ended with {code}").removeprefix("voiceera try: ")


@asynccontextmanager
async def _running(task: Task, callees: Path, url: str, key: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = ["try", str(task.agent_id), "--callees", str(callees), "--url", url, "--lines"]
    command += ["--at-once", str(_TALK_AT_ONCE), "--seed", str(task.seed)]
    ask_kernel = die_with_parent()

    def begin() -> None:
        os.nice(_NICE)
        ask_kernel()

    process = await asyncio.create_subprocess_exec(
        *module("voiceera"),
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=bare_environment() | {"VOICEERA_API_KEY": key},
        start_new_session=True,
        preexec_fn=begin,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asked first, so that its calls are hung up in order."""
    if process.returncode is not None:
        return
    process.terminate()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _note_all(database: Database, task: Task, process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        with suppress(ValueError):
            outcome = TrialOutcome.model_validate(json.loads(line))
            await service.note(database, task, outcome)


async def _said(process: asyncio.subprocess.Process) -> str:
    """The end of what it says aside."""
    assert process.stderr is not None
    kept = b""
    while chunk := await process.stderr.read(1_000):
        kept = (kept + chunk)[-_MOST_ERROR_BYTES:]
    return kept.decode("utf-8", "replace")


async def _keep(database: Database, task: Task, process: asyncio.subprocess.Process) -> None:
    """Until it is over, or canceled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if not await service.keep(database, task, utc_now()):
            process.terminate()
            return


# ── the lab's words for it (docs/lab.md) ─────────────────────────────────────────────────────────────────────────


def as_yaml(callees: Sequence[TrialCallee]) -> str:
    """Scripts by number, in the callees' order; nothing is dialled, a number only names one."""
    scripts = {f"+120255501{place:02d}": _script(callee) for place, callee in enumerate(callees)}
    return yaml.safe_dump(scripts, sort_keys=False, allow_unicode=True)


def _script(callee: TrialCallee) -> dict[str, Any]:
    script: dict[str, Any] = {"name": callee.name, "replies": [], "variables": callee.variables}
    if callee.voicemail:
        greeting = "You have reached my voicemail. Please leave a message after the tone."
        script["opening"] = [{"says": greeting}, {"pause": 0.4}, {"beep": 0.5}, {"record": 20}]
    elif callee.replies:
        again = [callee.replies[-1]] * _SAID_AGAIN
        script["replies"] = [*(_act(reply) for reply in (*callee.replies, *again)), {"hang_up": True}]
    if callee.interrupts:
        script["manner"] = {"interrupts": [{"after": _CUTS_IN_AFTER_SECONDS}]}
    demands = {"reaches": callee.reaches, "max_turns": callee.max_turns, "latency_p95_ms": callee.latency_p95_ms}
    script |= {name: value for name, value in demands.items() if value is not None}
    return script | ({"never_says": list(callee.never_says)} if callee.never_says else {})


def _act(reply: TrialReply) -> dict[str, str]:
    return {"press": reply.press} if reply.press else {"says": reply.says or ""}
