"""Trials of agents: asked for, held by a worker, noted callee by callee."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from voiceera.errors import Conflict
from voiceera.ids import new_id, new_secret
from voiceera.rules.preview import cannot_run
from voiceera.rules.trial_callees import TrialCallee, suggested
from voiceera.rules.trials import TrialOutcome, TrialStatus
from voiceera.store import api_keys, jobs, trials
from voiceera.store.agents import Agent
from voiceera.store.api_keys import ApiKey
from voiceera.store.base import Connection, Database
from voiceera.store.trials import Trial

KIND = "trial"
LEASE = timedelta(minutes=1)
"""A worker that has not been heard of for that long is taken for dead."""
LONGEST = timedelta(minutes=40)
"""Then a trial is broken off."""
MOST_TRIES = 2


async def request(
    connection: Connection,
    agent: Agent,
    callees: Sequence[TrialCallee] | None,
    *,
    seed: int,
    created_by: UUID,
    now: datetime,
) -> Trial:
    """Ask for a trial; without callees, of those that the agent's configuration suggests.

    Raises Conflict for an agent that cannot take a call, and while another trial of it is open.
    """
    if agent.status != "active":
        raise Conflict("CALL_002", "The agent is not active.", f"its status is {agent.status}; activate it first")
    if missing := list(cannot_run(agent.config)):
        raise Conflict("CALL_002", "The agent cannot run.", "; ".join(missing))
    trial = await trials.add(
        connection,
        agent.organization_id,
        new_id(),
        agent_id=agent.id,
        agent_version=agent.version,
        callees=suggested(agent.config) if callees is None else callees,
        seed=seed,
        created_by=created_by,
        now=now,
    )
    await jobs.enqueue(connection, KIND, agent.organization_id, trial.id, now)
    return trial


@dataclass(frozen=True)
class Task:
    """A claimed trial."""

    organization_id: UUID
    trial_id: UUID
    agent_id: UUID
    callees: tuple[TrialCallee, ...]
    seed: int
    created_by: UUID
    tries: int


async def claim(database: Database, organization_id: UUID, trial_id: UUID, now: datetime) -> Task | None:
    """Take up a trial that is due. None: there is nothing to do."""
    async with database.organization(organization_id) as connection:
        row = await trials.claim(connection, organization_id, trial_id, now, now + LEASE)
    if row is None:
        return None
    callees = tuple(TrialCallee.model_validate(each) for each in row.callees)
    return Task(organization_id, trial_id, row.agent_id, callees, row.seed, row.created_by, row.tries)


@asynccontextmanager
async def passport(database: Database, task: Task, now: datetime) -> AsyncIterator[str]:
    """An API key of whoever asked for the trial, good for as long as it lasts: it may what they may, and no more."""
    of = task.organization_id
    key = f"{api_keys.PREFIX}{of.hex}.{new_secret()}"
    made = ApiKey(
        organization_id=of,
        id=new_id(),
        user_id=task.created_by,
        name="A trial, while it lasts",
        scope="write",
        last_four=key[-4:],
        created_at=now,
        expires_at=now + LONGEST,
        last_used_at=None,
    )
    async with database.organization(of) as connection:
        await api_keys.add(connection, made, key)
    try:
        yield key
    finally:
        async with database.organization(of) as connection:
            await api_keys.revoke(connection, of, made.id, now)


async def note(database: Database, task: Task, outcome: TrialOutcome) -> None:
    async with database.organization(task.organization_id) as connection:
        await trials.note(connection, task.organization_id, task.trial_id, outcome)


async def keep(database: Database, task: Task, now: datetime) -> bool:
    """Say that it is still being held; False once somebody has canceled it."""
    async with database.organization(task.organization_id) as connection:
        return await trials.keep(connection, task.organization_id, task.trial_id, now + LEASE)


async def finish(
    database: Database, task: Task, status: TrialStatus, now: datetime, problem: str | None = None
) -> None:
    async with database.organization(task.organization_id) as connection:
        await trials.end(connection, task.organization_id, task.trial_id, now, status, problem)
