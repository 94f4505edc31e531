"""Trials of agents on simulated people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.rules.trial_callees import TrialCallee
from voiceera.rules.trials import OPEN, TrialOutcome, TrialStatus
from voiceera.store.base import Connection, metadata
from voiceera.store.conflicts import conflict_on
from voiceera.store.filters import Span, equal
from voiceera.store.jobs import DueRow
from voiceera.store.page import Page, PageRequest, page

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

trials = sa.Table(
    "trials",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("agent_id", _ID, nullable=False),
    sa.Column("agent_version", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("callees", JSONB, nullable=False),
    sa.Column("outcomes", JSONB, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("tries", sa.SmallInteger, nullable=False),
    sa.Column("due_at", _WHEN, nullable=False),
    sa.Column("created_by", _ID, nullable=False),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("started_at", _WHEN),
    sa.Column("finished_at", _WHEN),
)

SORTABLE = {name: trials.c[name] for name in ("created_at", "finished_at", "status")}

Trial = sa.Row[Any]


def _is(organization_id: UUID, trial_id: UUID) -> sa.ColumnElement[bool]:
    return (trials.c.organization_id == organization_id) & (trials.c.id == trial_id)


async def add(
    connection: Connection,
    organization_id: UUID,
    trial_id: UUID,
    *,
    agent_id: UUID,
    agent_version: int,
    callees: Sequence[TrialCallee],
    seed: int,
    created_by: UUID,
    now: datetime,
) -> Trial:
    """Raises Conflict while another trial of the agent is open."""
    values = {"organization_id": organization_id, "id": trial_id, "agent_id": agent_id, "seed": seed, "tries": 0}
    values |= {"agent_version": agent_version, "status": TrialStatus.QUEUED, "outcomes": [], "due_at": now}
    values |= {"callees": [each.model_dump(mode="json") for each in callees]}
    values |= {"created_by": created_by, "created_at": now}
    under_way = "The agent is being tried already: wait for the end of it, or cancel it."
    with conflict_on("trials_open", "TRIAL_002", under_way):
        return (await connection.execute(sa.insert(trials).values(**values).returning(*trials.c))).one()


async def get(connection: Connection, organization_id: UUID, trial_id: UUID) -> Trial | None:
    return (await connection.execute(sa.select(trials).where(_is(organization_id, trial_id)))).one_or_none()


async def find(
    connection: Connection,
    organization_id: UUID,
    agent_id: UUID,
    request: PageRequest,
    *,
    status: TrialStatus | None,
    span: Span,
) -> Page[Trial]:
    c = trials.c
    query = sa.select(trials).where(
        c.organization_id == organization_id,
        c.agent_id == agent_id,
        *span.of(c.created_at),
        *equal({c.status: status}),
    )
    return await page(connection, query, request, SORTABLE, c.id)


async def claim(
    connection: Connection, organization_id: UUID, trial_id: UUID, now: datetime, until: datetime
) -> Trial | None:
    """Take a trial that is due; nobody else does before `until`. None: it is not due, or somebody has it."""
    statement = (
        sa.update(trials)
        .where(_is(organization_id, trial_id), trials.c.status.in_(OPEN), trials.c.due_at <= now)
        .values(status=TrialStatus.RUNNING, tries=trials.c.tries + 1, due_at=until, started_at=now, outcomes=[])
    )
    return (await connection.execute(statement.returning(*trials.c))).one_or_none()


async def note(connection: Connection, organization_id: UUID, trial_id: UUID, outcome: TrialOutcome) -> None:
    """One more callee is through; of a trial that is over nothing is noted."""
    told = sa.cast([outcome.model_dump(mode="json")], JSONB)
    statement = sa.update(trials).where(_is(organization_id, trial_id), trials.c.status == TrialStatus.RUNNING)
    await connection.execute(statement.values(outcomes=trials.c.outcomes.op("||")(told)))


async def end(
    connection: Connection,
    organization_id: UUID,
    trial_id: UUID,
    now: datetime,
    status: TrialStatus,
    problem: str | None,
) -> Trial | None:
    """None: it was over already."""
    statement = (
        sa.update(trials)
        .where(_is(organization_id, trial_id), trials.c.status.in_(OPEN))
        .values(status=status, problem=problem, finished_at=now)
    )
    return (await connection.execute(statement.returning(*trials.c))).one_or_none()


async def keep(connection: Connection, organization_id: UUID, trial_id: UUID, until: datetime) -> bool:
    """It is nobody else's before `until`. False: it is over."""
    statement = sa.update(trials).where(_is(organization_id, trial_id), trials.c.status == TrialStatus.RUNNING)
    return (await connection.scalar(statement.values(due_at=until).returning(trials.c.id))) is not None


async def due(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Of all organizations, the longest due first; a platform's transaction."""
    told = trials.c.organization_id, trials.c.id, trials.c.due_at
    statement = sa.select(*told).where(trials.c.status.in_(OPEN), trials.c.due_at <= now)
    return [DueRow(*row) for row in await connection.execute(statement.order_by(trials.c.due_at).limit(limit))]
