"""A dial, step by step: gate and intent in one transaction, then the carrier, then its answer in another.

The intent is committed before the carrier hears of the call, so whatever dies in between, the row says that a
telephone may be ringing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from voiceera.providers.protocols import Dial, DialAnswer, Placed
from voiceera.rules.attempts import SHOWN_AS, Verdict
from voiceera.rules.calls import AttemptState, CallStatus, Direction, Outcome
from voiceera.rules.campaigns import OVER, CampaignConfig, ContactState
from voiceera.rules.gate import Facts, Reason, Refusal, refusal
from voiceera.rules.phones import facts as number_facts
from voiceera.rules.webhooks import Event
from voiceera.rules.windows import hours_of, zones_of
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState
from voiceera.services.settle import end
from voiceera.services.trunks import Trunk
from voiceera.store import agents, attempts, calls, campaigns, contacts, dial_queue, do_not_call
from voiceera.store.agents import Agent
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection, Database
from voiceera.store.campaigns import Campaign, Hold
from voiceera.store.contacts import Contact
from voiceera.store.dial_queue import Claimed

ANSWER_WITHIN = timedelta(seconds=30)
"""After an intent: a carrier's answer that has not been written down by then is unknown (its worker may be dead)."""
RING_GRACE = timedelta(seconds=30)
"""How long after the ring time-out a callback may still come before the carrier is asked."""
_A_DAY = timedelta(days=1)
_SOON = timedelta(seconds=30)


@dataclass(frozen=True)
class Intent:
    """`request_id`: under which its log lines are found."""

    dial: Dial
    state: CallState
    request_id: str


@dataclass(frozen=True)
class _Case:
    """What the gate decides on, and the dial is made of. A single call has neither campaign nor contact."""

    attempt: Attempt
    config: CampaignConfig
    agent: Agent | None
    campaign: Campaign | None
    contact: Contact | None


async def intend(
    database: Database,
    claimed: Claimed,
    trunk: Trunk,
    public_url: str,
    now: datetime,
    *,
    in_maintenance: bool = False,
) -> Intent | CallState | None:
    """Ask the gate at the instant of the dial; if it opens, commit the intent.

    None: the claim is no longer ours, or the gate stayed closed and the contact waits; a CallState: the gate is
    closed for good and the call has ended.
    """
    async with database.organization(claimed.organization_id) as connection:
        case = await _case(connection, claimed)
        if case is None:
            return None
        caller_id = _caller_id(case, trunk)
        closed = await _gate(connection, case, trunk, caller_id, now, in_maintenance=in_maintenance)
        if closed is not None:
            return await _refuse(connection, case, closed, now)
        assert case.agent is not None and caller_id is not None
        return await _commit_intent(connection, case, case.agent, trunk, caller_id, public_url, now)


def is_held(attempt: Attempt, claimed: Claimed) -> bool:
    """Whether the claim still stands: nobody has taken it back, or over, and no callback has moved it."""
    return attempt.state is AttemptState.CLAIMED and attempt.fence == claimed.fence


async def _case(connection: Connection, claimed: Claimed) -> _Case | None:
    """Campaign before attempt: the order in which everybody locks. A pause waits for us, or we for the pause."""
    organization_id = claimed.organization_id
    campaign = None
    if claimed.campaign_id is not None:
        campaign = await campaigns.get(
            connection, organization_id, claimed.campaign_id, deleted=True, hold=Hold.SHARE
        )
    attempt = await attempts.lock(connection, organization_id, claimed.attempt_id)
    if attempt is None or not is_held(attempt, claimed):
        return None
    contact = None
    if attempt.contact_id is not None:
        contact = await contacts.get(connection, organization_id, attempt.contact_id)
    config = campaign.config if campaign else CampaignConfig.model_validate(attempt.settings)
    agent_id = campaign.agent_id if campaign else attempt.agent_id
    agent = await agents.get(connection, organization_id, agent_id)
    return _Case(attempt, config, agent, campaign, contact)


def _caller_id(case: _Case, trunk: Trunk) -> str | None:
    """One that the trunk owns: the one asked for, else always the same for the same number."""
    wanted = (case.attempt.caller_id,) if case.attempt.caller_id else case.config.caller_ids
    owned = [number for number in trunk.caller_ids if not wanted or number in wanted]
    return owned[crc32(case.attempt.phone_number.encode()) % len(owned)] if owned else None


async def _gate(
    connection: Connection, case: _Case, trunk: Trunk, caller_id: str | None, now: datetime, *, in_maintenance: bool
) -> Refusal | None:
    attempt, campaign, contact = case.attempt, case.campaign, case.contact
    organization_id, number = attempt.organization_id, attempt.phone_number
    if case.agent is None or case.agent.status != "active":
        return Refusal(Reason.AGENT_NOT_ACTIVE, now + _SOON)
    dials = await dial_queue.dials_since(connection, organization_id, number, now - _A_DAY)
    told = number_facts(number)
    return refusal(
        Facts(
            now=now,
            campaign_status=campaign.status if campaign else None,
            starts_at=campaign.start_time if campaign else None,
            ends_at=campaign.end_time if campaign else None,
            hours=hours_of(case.config),
            zones=zones_of(number, contact.timezone if contact else None, case.config.timezone),
            on_do_not_call_list=await do_not_call.lists(connection, organization_id, number),
            country=told.country,
            allowed_countries=frozenset(trunk.allowed_countries),
            is_premium=told.is_premium,
            caller_id=caller_id,
            number_dials=tuple(at for at, _ in dials),
            number_cap=case.config.max_number_calls_per_day,
            contact_dials=tuple(at for at, who in dials if contact is not None and who == contact.id),
            contact_cap=case.config.max_attempts_per_day,
            in_maintenance=in_maintenance,
        )
    )


async def _commit_intent(
    connection: Connection,
    case: _Case,
    agent: Agent,
    trunk: Trunk,
    caller_id: str,
    public_url: str,
    now: datetime,
) -> Intent:
    attempt, contact = case.attempt, case.contact
    variables = dict(attempt.variables)
    if contact is not None:
        variables = {**({"name": contact.name} if contact.name else {}), **contact.variables}
    await attempts.change(
        connection,
        attempt,
        state=AttemptState.DIALING,
        agent_id=agent.id,
        caller_id=caller_id,
        provider=trunk.provider,
        dialed_at=now,
        check_at=now + ANSWER_WITHIN,
        variables=variables,
    )
    call = {
        "status": CallStatus.DIALING,
        "agent_id": agent.id,
        "agent_version": agent.version,
        "caller_id": caller_id,
        "provider": trunk.provider,
        "variables": variables,
        "contact_name": variables.get("name"),
    }
    if await calls.get(connection, attempt.organization_id, attempt.id) is not None:
        await calls.change(connection, attempt.organization_id, attempt.id, **call)
    else:
        born = {
            "organization_id": attempt.organization_id,
            "id": attempt.id,
            "direction": Direction.OUTBOUND,
            "campaign_id": attempt.campaign_id,
            "contact_id": attempt.contact_id,
            "phone_number": attempt.phone_number,
            "created_at": now,
        }
        await calls.add(connection, born | call)
    base = f"{public_url}/carriers/{trunk.provider}/{attempt.organization_id}/{attempt.id}"
    dial = Dial(
        reference=str(attempt.id),
        to=attempt.phone_number,
        caller_id=caller_id,
        answer_url=f"{base}/answer",
        ringing_url=f"{base}/ringing",
        hangup_url=f"{base}/hangup",
        ring_seconds=case.config.ring_seconds,
        maximum_seconds=int(agent.config.conversation.maximum_duration) + 60,
    )
    return Intent(dial, _shown(attempt, variables.get("name"), CallStatus.DIALING), attempt.traced_as)


def _shown(attempt: Attempt, name: str | None, status: CallStatus) -> CallState:
    return CallState(attempt.id, attempt.campaign_id, attempt.contact_id, name, status)


# ── refusals and releases: nobody outside has heard of the attempt ───────────────────────────────────────────────


async def _refuse(connection: Connection, case: _Case, closed: Refusal, now: datetime) -> CallState | None:
    attempt, contact, campaign = case.attempt, case.contact, case.campaign
    if contact is None:
        if closed.look_again_at is None:
            verdict = Verdict(Outcome.CANCELED, fault=True, reason=closed.reason)
            return await end(connection, attempt, verdict, now)
        await requeue(connection, attempt, closed.look_again_at, closed.reason)
        return None
    if closed.look_again_at is None:
        state = ContactState.SUPPRESSED
    elif campaign is None or campaign.status in OVER or campaign.deleted_at is not None:
        state = ContactState.CANCELED
    else:
        state = ContactState.PENDING
    await _give_back(connection, attempt, contact, state, closed.look_again_at or now, closed.reason, now)
    return None


async def release(connection: Connection, attempt: Attempt, now: datetime) -> None:
    """Give back a locked claim that will not be dialled now (its worker stops, or has died)."""
    contact = None
    if attempt.contact_id is not None:
        contact = await contacts.lock(connection, attempt.organization_id, attempt.contact_id)
    if contact is None or attempt.campaign_id is None:
        await requeue(connection, attempt, now, None)
        return
    campaign = await campaigns.get(connection, attempt.organization_id, attempt.campaign_id, deleted=True)
    is_over = campaign is None or campaign.status in OVER or campaign.deleted_at is not None
    state = ContactState.CANCELED if is_over else ContactState.PENDING
    await _give_back(connection, attempt, contact, state, now, None, now)


async def _give_back(
    connection: Connection,
    attempt: Attempt,
    contact: Contact,
    state: ContactState,
    due_at: datetime,
    reason: str | None,
    now: datetime,
) -> None:
    """The attempt never was: it and its call, if an earlier round made one, go; the contact keeps its tries."""
    await contacts.change(connection, contact, state=state, due_at=due_at, reason=reason, updated_at=now)
    await calls.remove(connection, attempt.organization_id, attempt.id)
    await attempts.remove(connection, attempt)


async def requeue(connection: Connection, attempt: Attempt, due_at: datetime, reason: str | None) -> None:
    await attempts.change(
        connection,
        attempt,
        state=AttemptState.QUEUED,
        due_at=due_at,
        reason=reason,
        dialed_at=None,
        unknown_since=None,
        check_at=None,
        claimed_by=None,
        claim_expires_at=None,
    )
    await calls.change(connection, attempt.organization_id, attempt.id, status=CallStatus.QUEUED)


# ── the carrier's answer ─────────────────────────────────────────────────────────────────────────────────────────


async def record_answer(database: Database, claimed: Claimed, answer: DialAnswer, now: datetime) -> CallState | None:
    """Write down what the carrier made of the dial. A callback that was faster keeps the last word, and so does a
    worker that has claimed the attempt since."""
    async with database.organization(claimed.organization_id) as connection:
        attempt = await attempts.lock(connection, claimed.organization_id, claimed.attempt_id)
        if attempt is None or attempt.fence != claimed.fence:
            return None
        if attempt.state not in (AttemptState.DIALING, AttemptState.UNKNOWN):
            await _note_name(connection, attempt, answer, now)
            return None
        match answer.placed:
            case Placed.ACCEPTED:
                await _accepted(connection, attempt, answer, now)
                return None
            case Placed.REFUSED:
                outcome = Outcome.INVALID if answer.invalid_number else Outcome.FAILED
                reason = answer.reason or "refused by the carrier"
                verdict = Verdict(outcome, fault=not answer.invalid_number, reason=reason[:200])
                return await end(connection, attempt, verdict, now)
            case Placed.BUSY_NOW:
                delay = timedelta(seconds=min(answer.retry_after_seconds or 1.0, 300))
                await requeue(connection, attempt, now + delay, "carrier_busy")
                return _shown(attempt, None, SHOWN_AS[AttemptState.QUEUED])
            case Placed.UNKNOWN:
                await become_unknown(connection, attempt, now)
                return None


async def _accepted(connection: Connection, attempt: Attempt, answer: DialAnswer, now: datetime) -> None:
    await attempts.change(
        connection,
        attempt,
        state=AttemptState.DIALING,
        unknown_since=None,
        check_at=now + timedelta(seconds=await _ring_seconds(connection, attempt)) + RING_GRACE,
    )
    await _note_name(connection, attempt, answer, now)


async def _note_name(connection: Connection, attempt: Attempt, answer: DialAnswer, now: datetime) -> None:
    """The carrier's first name for the call, unless a callback has told a better one."""
    if answer.placed is not Placed.ACCEPTED:
        return
    was_told = attempt.accepted_at is not None
    name = attempt.carrier_call_id or answer.carrier_call_id
    await attempts.change(connection, attempt, accepted_at=attempt.accepted_at or now, carrier_call_id=name)
    heard = await calls.move(connection, attempt.organization_id, attempt.id, carrier_call_id=name)
    if heard and not was_told:
        await emit_of_call(connection, attempt.organization_id, attempt.id, Event.CALL_STARTED, now)


async def become_unknown(connection: Connection, attempt: Attempt, now: datetime) -> None:
    """A telephone may be ringing: wait for its callbacks, then ask the carrier; never dial again blind."""
    wait = timedelta(seconds=await _ring_seconds(connection, attempt)) + RING_GRACE
    await attempts.change(
        connection,
        attempt,
        state=AttemptState.UNKNOWN,
        unknown_since=attempt.unknown_since or now,
        check_at=max(now, (attempt.dialed_at or now) + wait),
    )


async def _ring_seconds(connection: Connection, attempt: Attempt) -> int:
    if attempt.campaign_id is None:
        return CampaignConfig.model_validate(attempt.settings).ring_seconds
    campaign = await campaigns.get(connection, attempt.organization_id, attempt.campaign_id, deleted=True)
    return campaign.config.ring_seconds if campaign else CampaignConfig().ring_seconds
