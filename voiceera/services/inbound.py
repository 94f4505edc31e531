"""Calls that come in: the number that was rung says which agent answers; who is not answered is not lost either.

A call that comes in is an attempt of its own direction, so that it holds a place on the line, is looked after when
its media process dies, and can be hung up like any other. Its number is not dialled meanwhile, and a person who is
being rung at this moment hears that the line is busy: it is us who ring.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from voiceera.ids import new_id
from voiceera.log import get_logger
from voiceera.providers.protocols import CarrierEvent, RungIn
from voiceera.rules.attempts import OVER
from voiceera.rules.calls import AttemptState, CallStatus, Direction, Outcome
from voiceera.rules.preview import cannot_run
from voiceera.rules.webhooks import Event
from voiceera.services.calls import MediaInvitation, invite
from voiceera.services.carrier_news import Proof, refuse_replay, take_in
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState, tell
from voiceera.services.missed_calls import call_back
from voiceera.services.settle import LIVE_CHECK
from voiceera.services.trunks import Trunk
from voiceera.store import agents, attempts, calls, phone_numbers
from voiceera.store.agents import Agent
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus
from voiceera.store.phone_numbers import PhoneNumber

log = get_logger("inbound")


class NotAnswered(StrEnum):
    """Why nobody answers. The call's log names it as its `hangup_cause`."""

    UNKNOWN_NUMBER = "unknown_number"
    NO_AGENT = "no_agent"
    NO_ROOM = "no_room"
    NUMBER_BUSY = "number_busy"
    """The person is being rung by us at this moment, or rings us already."""
    OVER = "over"

    @property
    def is_busy(self) -> bool:
        """Whether calling again later may help: then the person hears a busy line, not a refusal."""
        return self in (NotAnswered.NO_ROOM, NotAnswered.NUMBER_BUSY)


async def number_rung(database: Database, organization_id: UUID, phone_number: str) -> PhoneNumber | None:
    """The organization's number, if it is in use."""
    async with database.organization(organization_id) as connection:
        return await phone_numbers.in_use(connection, organization_id, phone_number)


async def ring(
    database: Database,
    number: PhoneNumber,
    trunk: Trunk,
    rung_in: RungIn,
    now: datetime,
    *,
    proof: Proof = Proof(),
    bus: Bus | None = None,
) -> MediaInvitation | NotAnswered:
    """Somebody rings `number`, and its carrier has proved it: a media socket for its agent, or why there is none.

    Told again of the same call (its answer was lost), the carrier gets another socket's token as long as the first
    was not used. A call that nobody answers ends as `no_answer`, with its event. Raises Replayed.
    """
    async with database.platform() as connection:
        await refuse_replay(connection, number.organization_id, proof, now)
        known = await attempts.lock_rung_in(
            connection, number.organization_id, trunk.provider, rung_in.carrier_call_id
        )
        if known is not None:
            return await _again(connection, known, trunk, now)
        agent = await _agent(connection, number)
        if agent is None:
            log.warning("nobody_answers", organization_id=str(number.organization_id), reason=NotAnswered.NO_AGENT)
            return NotAnswered.NO_AGENT
        call = _Call(number, trunk, rung_in, agent, new_id())
        answer = await _answer(connection, call, now)
    if isinstance(answer, MediaInvitation):
        await tell(bus, CallState(call.id, None, None, None, CallStatus.IN_PROGRESS))
    else:
        await tell(bus, CallState(call.id, None, None, None, CallStatus.NO_ANSWER, Outcome.NO_ANSWER))
    return answer


async def ended(
    database: Database,
    organization_id: UUID,
    provider: str,
    event: CarrierEvent,
    now: datetime,
    *,
    proof: Proof = Proof(),
    bus: Bus | None = None,
) -> bool:
    """What the carrier says of a call that came in. False: it is none of ours. Raises Replayed."""
    async with database.organization(organization_id) as connection:
        await refuse_replay(connection, organization_id, proof, now)
        name = event.carrier_call_id or ""
        attempt = await attempts.lock_rung_in(connection, organization_id, provider, name)
        if attempt is None:
            return False
        state = await take_in(connection, attempt, event, now, proof)
    await tell(bus, state)
    return True


@dataclass(frozen=True)
class _Call:
    number: PhoneNumber
    trunk: Trunk
    rung_in: RungIn
    agent: Agent
    id: UUID


async def _agent(connection: Connection, number: PhoneNumber) -> Agent | None:
    """Who answers, if they can."""
    if number.agent_id is None:
        return None
    agent = await agents.get(connection, number.organization_id, number.agent_id)
    return agent if agent is not None and agent.status == "active" and not list(cannot_run(agent.config)) else None


async def _again(
    connection: Connection, attempt: Attempt, trunk: Trunk, now: datetime
) -> MediaInvitation | NotAnswered:
    if attempt.state in OVER or attempt.carrier_ended_at or attempt.conversation_started_at:
        return NotAnswered.OVER
    return await invite(connection, attempt, trunk, now) or NotAnswered.NO_ROOM


async def _answer(connection: Connection, call: _Call, now: datetime) -> MediaInvitation | NotAnswered:
    if not await attempts.add_rung_in(connection, _attempt_row(call, now)):
        await _miss(connection, call, NotAnswered.NUMBER_BUSY, now)
        return NotAnswered.NUMBER_BUSY
    attempt = await attempts.lock(connection, call.number.organization_id, call.id)
    assert attempt is not None
    await calls.add(connection, _call_row(call, CallStatus.IN_PROGRESS, now) | {"answered_at": now})
    invitation = await invite(connection, attempt, call.trunk, now)
    if invitation is None:
        await calls.remove(connection, call.number.organization_id, call.id)
        await attempts.remove(connection, attempt)
        await _miss(connection, call, NotAnswered.NO_ROOM, now)
        return NotAnswered.NO_ROOM
    for event in (Event.CALL_STARTED, Event.CALL_ANSWERED):
        await emit_of_call(connection, call.number.organization_id, call.id, event, now)
    return invitation


async def _miss(connection: Connection, call: _Call, why: NotAnswered, now: datetime) -> None:
    """A call in the log that nobody answered; in the same transaction, if the number is set so, a call back."""
    missed = {"outcome": Outcome.NO_ANSWER, "hangup_cause": why, "ended_at": now, "duration_seconds": 0}
    await calls.add(connection, _call_row(call, CallStatus.NO_ANSWER, now) | missed)
    await emit_of_call(connection, call.number.organization_id, call.id, Event.CALL_ENDED, now)
    log.warning("nobody_answers", call_id=str(call.id), reason=why)
    await call_back(connection, call.number, call.rung_in.person, _variables(call), now)


def _attempt_row(call: _Call, now: datetime) -> dict[str, object]:
    return {
        "organization_id": call.number.organization_id,
        "id": call.id,
        "agent_id": call.agent.id,
        # One number is in one call at a time; those who withhold theirs are told apart by the call.
        "phone_number": call.rung_in.person or f"withheld:{call.id}",
        "variables": _variables(call),
        "state": AttemptState.IN_PROGRESS,
        "due_at": now,
        "caller_id": call.number.phone_number,
        "provider": call.trunk.provider,
        "carrier_call_id": call.rung_in.carrier_call_id,
        "accepted_at": now,
        "ringing_at": now,
        "answered_at": now,
        "check_at": now + LIVE_CHECK,
        "created_at": now,
    }


def _call_row(call: _Call, status: CallStatus, now: datetime) -> dict[str, object]:
    return {
        "organization_id": call.number.organization_id,
        "id": call.id,
        "direction": Direction.INBOUND,
        "status": status,
        "agent_id": call.agent.id,
        "agent_version": call.agent.version,
        "phone_number": call.rung_in.person,
        "caller_id": call.number.phone_number,
        "provider": call.trunk.provider,
        "carrier_call_id": call.rung_in.carrier_call_id,
        "variables": _variables(call),
        "created_at": now,
        "ringing_at": now,
    }


def _variables(call: _Call) -> dict[str, str]:
    """What the agent's texts may name of a call that comes in."""
    return {"caller_number": call.rung_in.person or "", "called_number": call.number.phone_number}
