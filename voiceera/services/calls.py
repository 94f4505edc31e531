"""A call's life outside the engine: asked for, answered, opened, recorded, closed.

Others say what happened to it in any order and more than once; whatever comes first, the state is right in the end.
`bus` is told after each commit; None: nobody watches.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from voiceera.errors import Conflict, FieldProblem, Invalid, NotFound
from voiceera.ids import new_id, new_secret
from voiceera.log import request_id
from voiceera.rules.attempts import OVER
from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import AttemptState, CallBrief, CallStatus, Direction, TurnRecord
from voiceera.rules.campaigns import WEEKDAYS, CampaignConfig, Interval
from voiceera.rules.phones import NotANumber, to_e164
from voiceera.rules.sound_files import recording_key
from voiceera.services.carrier_news import NOT_OVER_HTTP, Move, Proof, go_on, refuse_replay
from voiceera.services.close import close as close
from voiceera.services.live import tell
from voiceera.services.trunks import Trunk
from voiceera.store import agents, attempts, calls, do_not_call, media_nodes
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus

TOKEN_SECONDS = 60
_ANY_TIME = (Interval(start="00:00", end="24:00"),)
SINGLE_CALL = CampaignConfig(
    category="transactional",
    timezone="UTC",
    calling_windows=dict.fromkeys(WEEKDAYS, _ANY_TIME),
    max_number_calls_per_day=50,
    max_number_calls_per_week=350,
)
"""A call that somebody asks for by itself goes out at any hour; all else of the gate holds."""


async def place(
    connection: Connection,
    organization_id: UUID,
    *,
    agent_id: UUID,
    to: str,
    now: datetime,
    variables: dict[str, str] | None = None,
    config: CampaignConfig = SINGLE_CALL,
    caller_id: str | None = None,
    created_by: UUID | None = None,
) -> UUID:
    """Ask for one call now, without a campaign; answers its id. The dialer takes it up within a second, or at once
    when it is woken after the commit (`live.wake`).

    Raises Invalid for a number that cannot be dialled, NotFound for the agent, Conflict for a number that must not be
    rung or an agent that is not active.
    """
    number = _number(to, config.country)
    call_id = new_id()
    agent = await agents.get(connection, organization_id, agent_id)
    if agent is None:
        raise NotFound("AGENT_001", "No such agent.")
    if agent.status != "active":
        raise Conflict("CALL_002", "The agent is not active.", f"its status is {agent.status}; activate it first")
    if await do_not_call.lists(connection, organization_id, number):
        raise Conflict("CALL_002", "This number is on the do-not-call list.")
    given = variables or {}
    shared = {
        "organization_id": organization_id,
        "id": call_id,
        "agent_id": agent_id,
        "phone_number": number,
        "variables": given,
        "caller_id": caller_id,
        "created_by": created_by,
        "created_at": now,
    }
    settings = config.model_dump(mode="json")
    queued = {"state": AttemptState.QUEUED, "due_at": now, "settings": settings, "request_id": request_id()}
    await attempts.add(connection, shared | queued)
    born = {"direction": Direction.OUTBOUND, "status": CallStatus.QUEUED, "agent_version": agent.version}
    await calls.add(connection, shared | born | {"contact_name": given.get("name")})
    return call_id


def _number(to: str, country: str) -> str:
    try:
        return to_e164(to, country)
    except NotANumber as problem:
        raise Invalid("The number cannot be dialled.", FieldProblem("to", str(problem))) from None


# ── the carrier's callbacks ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class MediaInvitation:
    """Where the carrier shall open its media socket, once and within a minute, and how it shall carry sound."""

    url: str
    audio_format: AudioFormat


async def answered(
    database: Database,
    organization_id: UUID,
    attempt_id: UUID,
    trunk: Trunk,
    now: datetime,
    *,
    carrier_call_id: str | None = None,
    proof: Proof = NOT_OVER_HTTP,
    bus: Bus | None = None,
) -> MediaInvitation | None:
    """Somebody picked up: choose a media process with room and make the token that opens its socket.

    None: hang up (no room anywhere, the call is over already, or it is not ours). Raises Replayed.
    """
    async with database.platform() as connection:
        await refuse_replay(connection, organization_id, proof, now)
        attempt = await attempts.lock(connection, organization_id, attempt_id)
        if attempt is None or attempt.state in OVER or attempt.carrier_ended_at is not None:
            return None
        attempt, state = await go_on(connection, Move(attempt, AttemptState.IN_PROGRESS, now, carrier_call_id))
        invitation = await invite(connection, attempt, trunk, now)
    await tell(bus, state)
    return invitation


async def invite(connection: Connection, attempt: Attempt, trunk: Trunk, now: datetime) -> MediaInvitation | None:
    """A place in a media process, and the token that opens its socket; None: there is no room. Needs a platform
    transaction that holds the attempt."""
    node = await media_nodes.take_place(connection, now)
    if node is None:
        return None
    secret = new_secret()
    await calls.add_token(
        connection,
        attempt.organization_id,
        attempt.id,
        node.id,
        token_hash=_hashed(secret),
        carrier=trunk.provider,
        expires_at=now + timedelta(seconds=TOKEN_SECONDS),
    )
    await attempts.change(connection, attempt, media_node_id=node.id)
    url = f"{node.url}/media/{trunk.provider}/{attempt.organization_id.hex}.{secret}"
    return MediaInvitation(url, trunk.audio_format(attempt.phone_number))


# ── the media socket ─────────────────────────────────────────────────────────────────────────────────────────────


async def redeem_media_token(
    database: Database, token: str, carrier: str, now: datetime, recordings_dir: Path
) -> CallBrief | None:
    """What the engine needs to hold the call that the token opens; None: turn the socket away.

    `token` is the last segment of the socket's path: "{organization_id hex}.{secret}". It opens once.
    """
    organization, _, secret = token.partition(".")
    try:
        organization_id = UUID(hex=organization)
    except ValueError:
        return None
    async with database.organization(organization_id) as connection:
        call_id = await calls.redeem_token(connection, organization_id, _hashed(secret), carrier=carrier, now=now)
        if call_id is None:
            return None
        attempt = await attempts.lock(connection, organization_id, call_id)
        if attempt is None or attempt.state in OVER or attempt.conversation_started_at is not None:
            return None
        attempt, _ = await go_on(connection, Move(attempt, AttemptState.IN_PROGRESS, now))
        await attempts.change(connection, attempt, conversation_started_at=now)
        return await _brief(connection, attempt, recordings_dir)


async def _brief(connection: Connection, attempt: Attempt, recordings_dir: Path) -> CallBrief:
    organization_id, call_id = attempt.organization_id, attempt.id
    call = await calls.get(connection, organization_id, call_id)
    if call is None:
        raise NotFound("CALL_001", "The attempt has no call.")
    config = await agents.get_version(connection, organization_id, call.agent_id, call.agent_version)
    if config is None:
        raise NotFound("AGENT_001", "The call's agent has gone.")
    path = recordings_dir / recording_key(organization_id, call_id, call.created_at)
    path.parent.mkdir(parents=True, exist_ok=True)
    return CallBrief(
        organization_id=organization_id,
        call_id=call_id,
        agent_id=call.agent_id,
        agent_version=call.agent_version,
        agent=config,
        direction=Direction(call.direction),
        variables=call.variables,
        recording_path=str(path),
        campaign_id=call.campaign_id,
        request_id=attempt.traced_as,
    )


async def record_turn(database: Database, organization_id: UUID, call_id: UUID, index: int, turn: TurnRecord) -> None:
    """Keep a turn as soon as it is complete, so that a media process that dies takes no transcript with it. A call
    that was deleted (its media process had been taken for dead) keeps none."""
    async with database.organization(organization_id) as connection:
        if await calls.hold(connection, organization_id, call_id) is None:
            return
        await calls.put_turn(connection, organization_id, call_id, index, turn)


async def caller_id_of(database: Database, organization_id: UUID, call_id: UUID) -> str | None:
    """Our number in a call, if it has one."""
    async with database.organization(organization_id) as connection:
        call = await calls.get(connection, organization_id, call_id)
    return None if call is None else call.caller_id


def _hashed(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
