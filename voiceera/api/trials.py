"""Trials: an agent talks with simulated people before it rings real ones."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from voiceera.api.agents import agent_of
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Nothing, Shown, Success
from voiceera.errors import Conflict, NotFound
from voiceera.rules.trial_callees import MOST_CALLEES, TrialCallee, suggested
from voiceera.rules.trials import TrialOutcome, TrialStatus
from voiceera.services import trials as service
from voiceera.store import trials
from voiceera.store.trials import Trial

routes = router("Agents")


class TrialNew(Body):
    """`callees`: unset, those of `GET /agents/{agent_id}/trial-callees`. The same `seed` gives the same people."""

    callees: Annotated[tuple[TrialCallee, ...], Field(min_length=1, max_length=MOST_CALLEES)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class TrialShown(Shown):
    """`outcomes` come one by one, in the order in which the callees are through; `problem` says why it failed."""

    id: UUID
    organization_id: UUID
    agent_id: UUID
    agent_version: int
    status: TrialStatus
    callees: list[TrialCallee]
    outcomes: list[TrialOutcome]
    seed: int
    problem: str | None
    created_by: UUID
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


class TrialsQuery(DatedQuery):
    status: TrialStatus | None = None


async def _trial_of(work: Work, trial_id: UUID) -> Trial:
    found = await trials.get(work.connection, work.organization_id, trial_id)
    if found is None:
        raise NotFound("TRIAL_001", "No such trial.")
    return found


@routes.get("/agents/{agent_id}/trial-callees")
async def suggest_trial_callees(work: Reading, agent_id: UUID) -> Success[list[TrialCallee]]:
    """Simulated people whom the agent should be tried on: of a flow, one for each ending that answers lead to."""
    agent = await agent_of(work, agent_id)
    return success(suggested(agent.config))


@routes.get("/agents/{agent_id}/trials")
async def list_trials(
    work: Reading, agent_id: UUID, query: Annotated[TrialsQuery, Query()]
) -> Success[Items[TrialShown]]:
    """The agent's trials, the newest first."""
    await agent_of(work, agent_id)
    found = await trials.find(
        work.connection, work.organization_id, agent_id, query.page(), status=query.status, span=query.span()
    )
    return listed(found.map(TrialShown.model_validate))


@routes.post("/agents/{agent_id}/trials", status_code=201)
async def try_agent(work: Writing, agent_id: UUID, body: TrialNew) -> Created[TrialShown]:
    """Have simulated people talk with the agent, with real sound both ways. Its calls stand in the call logs."""
    agent = await agent_of(work, agent_id)
    trial = await service.request(
        work.connection, agent, body.callees, seed=body.seed, created_by=work.caller.user.id, now=work.now
    )
    await work.note("trial.asked", "trial", trial.id, agent_id=agent_id)
    return created(TrialShown.model_validate(trial))


@routes.get("/trials/{trial_id}")
async def get_trial(work: Reading, trial_id: UUID) -> Success[TrialShown]:
    """One trial, as far as it is."""
    return success(TrialShown.model_validate(await _trial_of(work, trial_id)))


@routes.post("/trials/{trial_id}/cancel")
async def cancel_trial(work: Writing, trial_id: UUID, body: Nothing) -> Success[TrialShown]:
    """Break it off within seconds; the calls under way are hung up."""
    await _trial_of(work, trial_id)
    ended = await trials.end(work.connection, work.organization_id, trial_id, work.now, TrialStatus.CANCELED, None)
    if ended is None:
        raise Conflict("TRIAL_003", "The trial is over.")
    await work.note("trial.canceled", "trial", trial_id)
    return success(TrialShown.model_validate(ended))
