"""Agents: the AI that speaks, in immutable versions."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import StringConstraints

from voiceera import ids
from voiceera.api.changes import changes, merged, partial, validated
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import Conflict, NotFound
from voiceera.rules.agents import AgentConfig, AgentStatus, Brain
from voiceera.services import agents as service
from voiceera.store import agents, campaigns, phone_numbers
from voiceera.store.agents import Agent
from voiceera.store.base import Connection

routes = router("Agents")

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class AgentNew(AgentConfig):
    name: Name
    status: AgentStatus = "active"


class AgentShown(AgentConfig):
    id: UUID
    organization_id: UUID
    status: AgentStatus
    version: int
    brain: Brain
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant


if TYPE_CHECKING:
    AgentChange = Body
else:
    AgentChange = partial("AgentChange", AgentShown, AgentNew)


class Clone(Body):
    name: Name | None = None


class MissingShown(Shown):
    field: str
    message: str


class AgentConfigShown(Shown):
    """The whole configuration that a call would run with, and what keeps one from running."""

    agent_id: UUID
    version: int
    brain: Brain
    config: AgentConfig
    is_ready: bool
    missing: list[MissingShown]


class AgentsQuery(DatedQuery):
    status: AgentStatus | None = None
    language: Annotated[str | None, Query(max_length=35)] = None


_WRITABLE = frozenset(AgentNew.model_fields)


def agent_shown(agent: Agent) -> AgentShown:
    values: dict[str, Any] = dict(agent.config)
    return AgentShown(
        **{**values, "brain": agent.config.resolved_brain},
        id=agent.id,
        organization_id=agent.organization_id,
        status=agent.status,
        version=agent.version,
        created_by=agent.created_by,
        created_at=agent.created_at,
        updated_at=agent.updated_at,
    )


async def agent_of(work: Work, agent_id: UUID, *, lock: bool = False) -> Agent:
    agent = await agents.get(work.connection, work.organization_id, agent_id, lock=lock)
    if agent is None:
        raise NotFound("AGENT_001", "No such agent.")
    return agent


@routes.get("/agents")
async def list_agents(work: Reading, query: Annotated[AgentsQuery, Query()]) -> Success[Items[AgentShown]]:
    """The organization's agents."""
    return await found_agents(work.connection, work.organization_id, query)


async def found_agents(
    connection: Connection, organization_id: UUID, query: AgentsQuery, *, created_by: UUID | None = None
) -> Success[Items[AgentShown]]:
    """One page of the agents that fit the query."""
    found = await agents.find(
        connection,
        organization_id,
        query.page(),
        created_by=created_by,
        status=query.status,
        language=query.language,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(agent_shown))


@routes.post("/agents", status_code=201)
async def create_agent(work: Writing, body: AgentNew) -> Created[AgentShown]:
    """Create an agent. Only its name is required; `/agents/{agent_id}/config` says what it lacks to run."""
    config = AgentConfig.model_validate(body.model_dump(exclude={"status"}))
    service.check(config)
    agent_id = ids.new_id()
    await agents.add(
        work.connection,
        work.organization_id,
        agent_id,
        config,
        status=body.status,
        created_by=work.caller.user.id,
        now=work.now,
    )
    return created(agent_shown(await agent_of(work, agent_id)))


@routes.get("/agents/{agent_id}")
async def get_agent(
    work: Reading,
    agent_id: UUID,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="An earlier version.")] = None,
) -> Success[AgentShown]:
    """One agent, as it is or as it was in an earlier version."""
    agent = await agent_of(work, agent_id)
    if version is None:
        return success(agent_shown(agent))
    config = await agents.get_version(work.connection, work.organization_id, agent_id, version)
    if config is None:
        raise NotFound("AGENT_001", "No such version of the agent.")
    return success(agent_shown(Agent(**{**agent.__dict__, "version": version, "config": config})))


@routes.put("/agents/{agent_id}")
async def update_agent(work: Writing, agent_id: UUID, body: AgentChange) -> Success[AgentShown]:
    """Change the fields given, as a new version: the next call uses it, a call under way keeps its own."""
    before = await agent_of(work, agent_id, lock=True)
    given = changes(agent_shown(before), body, _WRITABLE)
    kept = before.config.model_dump(mode="json") | {"status": before.status}
    if given.get("brain") == before.config.resolved_brain:
        del given["brain"]
    after = validated(AgentNew, merged(kept, given, "voice_parameters", "conversation"))
    config = AgentConfig.model_validate(after.model_dump(exclude={"status"}))
    service.check(config)
    await agents.change(work.connection, before, config, status=after.status, by=work.caller.user.id, now=work.now)
    return success(agent_shown(await agent_of(work, agent_id)))


@routes.delete("/agents/{agent_id}", status_code=204)
async def delete_agent(work: Writing, agent_id: UUID) -> None:
    """Hide an agent; its calls keep the versions that they ran with, and calls to its numbers are turned away."""
    agent = await agent_of(work, agent_id, lock=True)
    used_by = await campaigns.active_of_agent(work.connection, work.organization_id, agent_id)
    if used_by is not None:
        raise Conflict("AGENT_002", "An active campaign uses this agent.", f"campaign {used_by}; pause or stop it")
    await agents.delete(work.connection, work.organization_id, agent.id, work.now)
    released = await phone_numbers.release(work.connection, work.organization_id, agent.id, work.now)
    await work.note("agent.deleted", "agent", agent.id, numbers_released=released)


@routes.get("/agents/{agent_id}/config")
async def get_agent_config(work: Reading, agent_id: UUID) -> Success[AgentConfigShown]:
    """The whole configuration that a call would run with, and what is missing for it to run."""
    agent = await agent_of(work, agent_id)
    missing = await service.missing(work.connection, agent, work.backend.settings.models_folder)
    return success(
        AgentConfigShown(
            agent_id=agent.id,
            version=agent.version,
            brain=agent.config.resolved_brain,
            config=agent.config,
            is_ready=not missing,
            missing=[MissingShown.model_validate(each) for each in missing],
        )
    )


@routes.post("/agents/{agent_id}/clone", status_code=201)
async def clone_agent(work: Writing, agent_id: UUID, body: Clone | None = None) -> Created[AgentShown]:
    """A new agent with all of this one but the name."""
    agent = await agent_of(work, agent_id)
    name = None if body is None else body.name
    copy_id = await service.clone(work.connection, agent, name, work.caller.user.id, work.now)
    return created(agent_shown(await agent_of(work, copy_id)))
