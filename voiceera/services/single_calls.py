"""One call by itself: asked for by a person or a program, and ended by one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.errors import Conflict, FieldProblem, Invalid
from voiceera.rules.attempts import OVER, Verdict
from voiceera.rules.calls import AttemptState, Outcome
from voiceera.rules.phones import facts
from voiceera.rules.preview import cannot_run
from voiceera.services import calls
from voiceera.services.call_logs import no_call
from voiceera.services.live import CallState
from voiceera.services.settle import end
from voiceera.services.trunks import Trunk
from voiceera.store import agents, attempts
from voiceera.store import calls as store
from voiceera.store.base import Connection


async def ask(
    connection: Connection,
    organization_id: UUID,
    trunk: Trunk,
    *,
    agent_id: UUID,
    to: str,
    caller_id: str | None,
    variables: dict[str, str],
    created_by: UUID,
    now: datetime,
) -> UUID:
    """`calls.place`, which also says at once what the gate would refuse for good when the call is dialled.

    Raises what `place` raises, Invalid for a number that the trunk may not ring or a caller id that it does not own,
    and Conflict for an agent that cannot run or a trunk without a number.
    """
    call_id = await calls.place(
        connection,
        organization_id,
        agent_id=agent_id,
        to=to,
        now=now,
        variables=variables,
        caller_id=caller_id,
        created_by=created_by,
    )
    agent = await agents.get(connection, organization_id, agent_id)
    if agent is not None and (missing := list(cannot_run(agent.config))):
        raise Conflict("CALL_002", "The agent cannot run.", "; ".join(missing))
    placed = await attempts.get(connection, organization_id, call_id)
    if placed is not None:
        _check(trunk, placed.phone_number, caller_id)
    return call_id


def _check(trunk: Trunk, number: str, caller_id: str | None) -> None:
    told = facts(number)
    if told.is_premium:
        raise _cannot_dial("to", "is a premium-rate number, which is never dialled")
    if told.country is None or told.country not in trunk.allowed_countries:
        allowed = ", ".join(trunk.allowed_countries) or "no country"
        raise _cannot_dial(
            "to", f"lies in {told.country or 'no country'}; the carrier's integration allows {allowed}"
        )
    if not trunk.caller_ids:
        raise Conflict("CALL_002", "The carrier's integration has no number to call from.", "set its caller_ids")
    if caller_id is not None and caller_id not in trunk.caller_ids:
        raise _cannot_dial("from", f"is none of the carrier's numbers: {', '.join(trunk.caller_ids)}")


def _cannot_dial(field: str, message: str) -> Invalid:
    return Invalid("The number cannot be dialled.", FieldProblem(field, message))


async def held_by(connection: Connection, organization_id: UUID, call_id: UUID) -> UUID | None:
    """The media process that holds a call which no carrier carries, and which alone can end it; None for any other.
    Raises NotFound, and Conflict for one that is over."""
    call = await store.get(connection, organization_id, call_id)
    if call is None:
        raise no_call()
    if call.media_node_id is not None and call.ended_at is not None:
        raise Conflict("CALL_002", "The call is over.")
    node_id: UUID | None = call.media_node_id
    return node_id


@dataclass(frozen=True)
class HungUp:
    """`ended`: a call that is over with the commit, to be told then. `node_id`: the media process that holds the
    conversation, to be told too: what the carrier ends from outside looks to it like a line that was lost."""

    ended: CallState | None = None
    node_id: UUID | None = None


async def hang_up(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> HungUp:
    """End a call: one that waits at once, one that rings or talks as soon as the carrier has hung up, which the
    worker sees to, whatever became of the media process.

    Raises NotFound, and Conflict for a call that is over or is a campaign's that has not been dialled: its contact
    would be rung again.
    """
    attempt = await attempts.lock(connection, organization_id, call_id)
    if attempt is None:
        raise no_call()
    if attempt.state in OVER or attempt.carrier_ended_at is not None:
        raise Conflict("CALL_002", "The call is over.")
    if attempt.state not in (AttemptState.QUEUED, AttemptState.CLAIMED):
        await attempts.change(connection, attempt, hangup_requested=True)
        is_held = attempt.conversation_started_at is not None and attempt.conversation_ended_at is None
        return HungUp(node_id=attempt.media_node_id if is_held else None)
    if attempt.campaign_id is not None:
        raise Conflict("CALL_002", "The call has not been dialled.", "pause or stop its campaign instead")
    return HungUp(await end(connection, attempt, Verdict(Outcome.CANCELED, fault=True, reason="requested"), now))
