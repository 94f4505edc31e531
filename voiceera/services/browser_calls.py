"""Calls that nobody dialled: a browser, or a program, talks with an agent over the voice WebSocket.

Such a call has no attempt and no carrier. It belongs to the media process that holds it: when that has gone without
closing it, the call is lost.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from voiceera.errors import Conflict, Forbidden, NotFound, TooMany
from voiceera.ids import new_id
from voiceera.rules.attempts import ENDS_AS
from voiceera.rules.calls import CallBrief, CallStatus, Direction, Outcome
from voiceera.rules.permissions import Access, Role, allows
from voiceera.rules.preview import cannot_run
from voiceera.rules.sound_files import recording_key
from voiceera.rules.webhooks import Event
from voiceera.services import analyses
from voiceera.services.credentials import Bearer, bearer_of, organization_of
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState
from voiceera.services.maintenance import MaintenanceWatch
from voiceera.services.salvage import salvage
from voiceera.services.tokens import Tokens
from voiceera.store import agents, calls
from voiceera.store.agents import Agent
from voiceera.store.base import Connection, Database

LOST_AFTER = timedelta(seconds=30)
"""How long a media process may be silent until its calls are given up."""


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for. `as_if_rung`: the agent behaves as if it had rung them."""

    token: str = field(repr=False)
    agent_id: UUID
    variables: dict[str, str] = field(default_factory=dict)
    as_if_rung: bool = False


async def begin(
    database: Database,
    tokens: Tokens,
    maintenance: MaintenanceWatch,
    wanted: Wanted,
    node_id: UUID,
    now: datetime,
    recordings_dir: Path,
    most_each: int,
) -> tuple[CallBrief, CallState]:
    """Make the call; it is talked on from now. Raises Unauthenticated, Forbidden, NotFound (the agent), Conflict for
    one that cannot take calls, TooMany beyond `most_each` calls of one user at a time, Unavailable in maintenance."""
    organization_id = organization_of(tokens, wanted.token, now)
    async with database.organization(organization_id) as connection:
        bearer = await bearer_of(connection, tokens, wanted.token, now)
        role = Role(bearer.user.role)
        if role is not Role.ADMIN:
            maintenance.refuse(now)
        if not allows(Access.WRITE, role, read_only=bearer.read_only):
            raise Forbidden()
        agent = await _agent(connection, organization_id, wanted.agent_id)
        if await calls.count_held(connection, organization_id, bearer.user.id) >= most_each:
            raise TooMany(f"You hold {most_each} calls already; end one first.", 10)
        call_id = await _add(connection, bearer, agent, wanted, node_id, now)
    path = recordings_dir / recording_key(organization_id, call_id, now)
    path.parent.mkdir(parents=True, exist_ok=True)
    brief = CallBrief(
        organization_id=organization_id,
        call_id=call_id,
        agent_id=agent.id,
        agent_version=agent.version,
        agent=agent.config,
        direction=Direction.OUTBOUND if wanted.as_if_rung else Direction.BROWSER,
        variables=wanted.variables,
        recording_path=str(path),
    )
    return brief, CallState(call_id, None, None, wanted.variables.get("name"), CallStatus.IN_PROGRESS)


async def _agent(connection: Connection, organization_id: UUID, agent_id: UUID) -> Agent:
    agent = await agents.get(connection, organization_id, agent_id)
    if agent is None:
        raise NotFound("AGENT_001", "No such agent.")
    if agent.status != "active":
        raise Conflict("CALL_002", "The agent is not active.", f"its status is {agent.status}; activate it first")
    if missing := list(cannot_run(agent.config)):
        raise Conflict("CALL_002", "The agent cannot run.", "; ".join(missing))
    return agent


async def _add(
    connection: Connection, bearer: Bearer, agent: Agent, wanted: Wanted, node_id: UUID, now: datetime
) -> UUID:
    organization_id, call_id = agent.organization_id, new_id()
    row = {
        "organization_id": organization_id,
        "id": call_id,
        "direction": Direction.BROWSER,
        "status": CallStatus.IN_PROGRESS,
        "agent_id": agent.id,
        "agent_version": agent.version,
        "contact_name": wanted.variables.get("name"),
        "variables": wanted.variables,
        "media_node_id": node_id,
        "created_by": bearer.user.id,
        "created_at": now,
        "answered_at": now,
    }
    await calls.add(connection, row)
    for event in (Event.CALL_STARTED, Event.CALL_ANSWERED):
        await emit_of_call(connection, organization_id, call_id, event, now)
    return call_id


async def note_metadata(database: Database, brief: CallBrief, values: dict[str, str]) -> None:
    """What the client tells of itself joins the call's variables; the agent's texts do not change by it."""
    async with database.organization(brief.organization_id) as connection:
        call = await calls.hold(connection, brief.organization_id, brief.call_id)
        if call is not None:
            merged = {**call.variables, **values}
            await calls.change(connection, brief.organization_id, brief.call_id, variables=merged)


async def give_up(database: Database, organization_id: UUID, call_id: UUID, now: datetime) -> CallState | None:
    """End a call whose media process has gone. Its turns were kept as they came."""
    async with database.organization(organization_id) as connection:
        call = await calls.hold(connection, organization_id, call_id)
        if call is None or call.ended_at is not None:
            return None
        await calls.change(
            connection,
            organization_id,
            call_id,
            status=ENDS_AS[Outcome.FAILED],
            outcome=Outcome.FAILED,
            ended_at=now,
            duration_seconds=(now - call.created_at).total_seconds(),
            error="conversation_lost",
        )
        await emit_of_call(connection, organization_id, call_id, Event.CALL_ENDED, now)
        await analyses.make_due(connection, organization_id, call_id, now)
        await salvage(connection, organization_id, call_id, now)
    name, status = call.contact_name, ENDS_AS[Outcome.FAILED]
    return CallState(call_id, None, None, name, status, Outcome.FAILED, call.disposition)
