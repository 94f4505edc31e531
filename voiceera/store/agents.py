"""Agents and their versions. A version never changes: a call keeps the one that it ran with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.rules.agents import AgentConfig
from voiceera.store.base import Connection, metadata

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


_AGENT = select(agents, agent_versions.c.config).join(
    agent_versions,
    (agent_versions.c.organization_id == agents.c.organization_id)
    & (agent_versions.c.agent_id == agents.c.id)
    & (agent_versions.c.version == agents.c.version),
)


async def get(connection: Connection, organization_id: UUID, agent_id: UUID) -> Agent | None:
    """The agent with its current version; None for one that was deleted, too."""
    row = (
        await connection.execute(
            _AGENT.where(
                agents.c.organization_id == organization_id,
                agents.c.id == agent_id,
                agents.c.deleted_at.is_(None),
            )
        )
    ).one_or_none()
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
    """A new agent, at version 1."""
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
    await add_version(connection, organization_id, agent_id, 1, config, created_by=created_by, now=now)


async def add_version(
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
