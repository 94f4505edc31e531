"""Agents and their versions. A version never changes: a call keeps the one that it ran with."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid, func, select, update
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.rules.agents import AgentConfig
from voiceera.store.base import Connection, metadata
from voiceera.store.conflicts import conflict_on
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page

agents = Table(
    "agents",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)

agent_versions = Table(
    "agent_versions",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("agent_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("config", JSONB, nullable=False),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class Agent:
    id: UUID
    organization_id: UUID
    status: str
    version: int
    config: AgentConfig
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


SORTABLE = {name: agents.c[name] for name in ("created_at", "updated_at", "name", "status")}

_AGENT = select(agents, agent_versions.c.config).join(
    agent_versions,
    (agent_versions.c.organization_id == agents.c.organization_id)
    & (agent_versions.c.agent_id == agents.c.id)
    & (agent_versions.c.version == agents.c.version),
)


async def get(connection: Connection, organization_id: UUID, agent_id: UUID, *, lock: bool = False) -> Agent | None:
    """The agent with its current version; None for one that was deleted, too. `lock`: until the transaction ends."""
    query = _AGENT.where(
        agents.c.organization_id == organization_id,
        agents.c.id == agent_id,
        agents.c.deleted_at.is_(None),
    )
    if lock:
        query = query.with_for_update(of=agents, key_share=True)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _agent(row._mapping)


async def get_version(
    connection: Connection, organization_id: UUID, agent_id: UUID, version: int
) -> AgentConfig | None:
    """What a call ran with, also when the agent has since changed or been deleted."""
    config = await connection.scalar(
        select(agent_versions.c.config).where(
            agent_versions.c.organization_id == organization_id,
            agent_versions.c.agent_id == agent_id,
            agent_versions.c.version == version,
        )
    )
    return None if config is None else AgentConfig.model_validate(config)


async def add(
    connection: Connection,
    organization_id: UUID,
    agent_id: UUID,
    config: AgentConfig,
    *,
    status: str,
    created_by: UUID | None,
    now: datetime,
) -> None:
    """A new agent, at version 1. Raises Conflict for a name that another has."""
    with _one_name(config.name):
        await connection.execute(
            agents.insert().values(
                organization_id=organization_id,
                id=agent_id,
                name=config.name,
                description=config.description,
                status=status,
                version=1,
                created_by=created_by,
                created_at=now,
                updated_at=now,
            )
        )
    await _add_version(connection, organization_id, agent_id, 1, config, created_by=created_by, now=now)


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    status: str | None = None,
    language: str | None = None,
    created_by: UUID | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Agent]:
    query = _AGENT.where(
        agents.c.organization_id == organization_id,
        agents.c.deleted_at.is_(None),
        *equal({agents.c.status: status, agents.c.created_by: created_by}),
        *matching(search, agents.c.name, agents.c.description),
        *span.of(agents.c.created_at),
    )
    if language is not None:
        query = query.where(agent_versions.c.config["language"].astext == language)
    return (await page(connection, query, request, SORTABLE, agents.c.id)).map(lambda row: _agent(row._mapping))


async def names(connection: Connection, organization_id: UUID) -> dict[UUID, tuple[str, bool]]:
    """Of every agent: its name, and whether it was deleted; in the order of the names."""
    columns = agents.c.id, agents.c.name, agents.c.deleted_at.is_not(None)
    statement = select(*columns).where(agents.c.organization_id == organization_id)
    rows = await connection.execute(statement.order_by(func.lower(agents.c.name), agents.c.id))
    return {agent_id: (name, is_deleted) for agent_id, name, is_deleted in rows}


async def change(
    connection: Connection, before: Agent, config: AgentConfig, *, status: str, by: UUID | None, now: datetime
) -> None:
    """Make `config` the agent's next version, if it differs. Raises Conflict for a name that another has."""
    version = before.version if config == before.config else before.version + 1
    with _one_name(config.name):
        await connection.execute(
            update(agents)
            .where(agents.c.organization_id == before.organization_id, agents.c.id == before.id)
            .values(
                name=config.name,
                description=config.description,
                status=status,
                version=version,
                updated_at=now,
            )
        )
    if version != before.version:
        await _add_version(connection, before.organization_id, before.id, version, config, created_by=by, now=now)


async def delete(connection: Connection, organization_id: UUID, agent_id: UUID, now: datetime) -> None:
    """Hide it; its versions stay for the calls that ran with them."""
    await connection.execute(
        update(agents)
        .where(agents.c.organization_id == organization_id, agents.c.id == agent_id)
        .values(deleted_at=now, updated_at=now)
    )


async def names_beginning(connection: Connection, organization_id: UUID, prefix: str) -> set[str]:
    """The names in use that begin so, in lower case."""
    names = await connection.scalars(
        select(agents.c.name).where(
            agents.c.organization_id == organization_id,
            agents.c.deleted_at.is_(None),
            agents.c.name.istartswith(prefix, autoescape=True),
        )
    )
    return {name.lower() for name in names}


def _one_name(name: str) -> AbstractContextManager[None]:
    return conflict_on("agents_name_key", "AGENT_002", f"An agent named {name!r} exists.")


async def _add_version(
    connection: Connection,
    organization_id: UUID,
    agent_id: UUID,
    version: int,
    config: AgentConfig,
    *,
    created_by: UUID | None,
    now: datetime,
) -> None:
    await connection.execute(
        agent_versions.insert().values(
            organization_id=organization_id,
            agent_id=agent_id,
            version=version,
            config=config.model_dump(mode="json"),
            created_by=created_by,
            created_at=now,
        )
    )


def _agent(row: Any) -> Agent:
    fields = ("id", "organization_id", "status", "version", "created_by", "created_at", "updated_at")
    return Agent(config=AgentConfig.model_validate(row["config"]), **{field: row[field] for field in fields})
