"""The end of an attempt: its verdict, its call's last state, and what becomes of its contact. One transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from voiceera.errors import NotFound
from voiceera.rules.attempts import ENDS_AS, Verdict, is_told, verdict
from voiceera.rules.calls import AttemptState, Outcome
from voiceera.rules.campaigns import OVER, CampaignStatus, ContactState
from voiceera.rules.retries import History, Next, next_step
from voiceera.rules.webhooks import Event
from voiceera.rules.windows import hours_of, zones_of
from voiceera.services import analyses
from voiceera.services.costs import charged
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState
from voiceera.services.purses import pay
from voiceera.services.salvage import salvage
from voiceera.store import attempts, calls, campaigns, contacts
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection

RING_CHECK = timedelta(seconds=150)
"""Longer than anything rings: then the carrier is asked whether it still does."""
LIVE_CHECK = timedelta(seconds=120)
"""How often the carrier is asked whether a call of which nothing is heard still lives."""
CLOSE_GRACE = timedelta(seconds=15)
"""How long after the carrier's hang-up a media process may still bring in its conversation."""
HANGUP_GRACE = timedelta(seconds=30)
"""How long after the conversation's end the carrier's hang-up may take before the carrier is asked."""


async def settle(connection: Connection, attempt: Attempt, now: datetime) -> CallState | None:
    """End a locked attempt if both sides are in; else note when to look again, and answer None."""
    if is_told(attempt.story):
        return await end(connection, attempt, verdict(attempt.story), now)
    grace = CLOSE_GRACE if attempt.carrier_ended_at else HANGUP_GRACE
    if attempt.carrier_ended_at or attempt.conversation_ended_at:
        await attempts.change(connection, attempt, check_at=now + grace)
    return None


async def end(connection: Connection, attempt: Attempt, verdict: Verdict, now: datetime) -> CallState:
    """End a locked attempt as `verdict` says: its money, its contact, then the attempt, then the call's row."""
    await pay(connection, attempt, now)
    if attempt.contact_id is not None and attempt.campaign_id is not None:
        await _move_contact(connection, attempt, attempt.campaign_id, attempt.contact_id, verdict, now)
    final = AttemptState.UNKNOWN_FINAL if verdict.outcome is Outcome.UNKNOWN else AttemptState.ENDED
    await attempts.change(
        connection,
        attempt,
        state=final,
        outcome=verdict.outcome,
        consumed=not verdict.fault,
        reason=verdict.reason,
        ended_at=now,
    )
    return await _end_call(connection, attempt, verdict, now)


async def _end_call(connection: Connection, attempt: Attempt, verdict: Verdict, now: datetime) -> CallState:
    call = await calls.get(connection, attempt.organization_id, attempt.id)
    if call is None:
        raise NotFound("CALL_001", "The attempt has no call.")
    status = ENDS_AS[verdict.outcome]
    ended_at = attempt.carrier_ended_at or attempt.conversation_ended_at or now
    duration = call.duration_seconds
    if duration is None and attempt.answered_at is not None:
        duration = max(0.0, (ended_at - attempt.answered_at).total_seconds())
    cost = await charged(connection, call, duration) if attempt.answered_at is not None else {}
    heard = await calls.move(
        connection,
        attempt.organization_id,
        attempt.id,
        **cost,
        status=status,
        outcome=verdict.outcome,
        ended_at=ended_at,
        duration_seconds=duration or 0,
        hangup_cause=call.hangup_cause or verdict.reason or attempt.ended_as,
        error=call.error or (verdict.reason if verdict.fault else None),
    )
    if heard:
        await emit_of_call(connection, attempt.organization_id, attempt.id, Event.CALL_ENDED, now)
    if attempt.conversation_started_at is not None and attempt.conversation_ended_at is None:
        # what was heard until it broke off
        await analyses.make_due(connection, attempt.organization_id, attempt.id, now)
        await salvage(connection, attempt.organization_id, attempt.id, now)
    return CallState(
        attempt.id,
        attempt.campaign_id,
        attempt.contact_id,
        call.contact_name,
        status,
        verdict.outcome,
        call.disposition,
    )


async def _move_contact(
    connection: Connection,
    attempt: Attempt,
    campaign_id: UUID,
    contact_id: UUID,
    verdict: Verdict,
    now: datetime,
) -> None:
    organization_id = attempt.organization_id
    contact = await contacts.lock(connection, organization_id, contact_id)
    campaign = await campaigns.get(connection, organization_id, campaign_id, deleted=True)
    if contact is None or campaign is None or contact.state is not ContactState.IN_PROGRESS:
        return
    same = await attempts.count_outcomes(connection, organization_id, contact_id, verdict.outcome)
    step = next_step(
        verdict,
        History(contact.attempts, same, contact.faults),
        campaign.config,
        hours_of(campaign.config, contact.phone_number),
        zones_of(contact.phone_number, contact.timezone, campaign.config.timezone),
        now,
        opted_out=attempt.opted_out,
        callback_at=attempt.callback_at,
    )
    if step.state is ContactState.PENDING and _is_over(campaign.status, campaign.deleted_at):
        step = Next(ContactState.CANCELED, reason="campaign_over")
    await contacts.change(
        connection,
        contact,
        state=step.state,
        due_at=step.due_at or contact.due_at,
        reason=step.reason,
        attempts=contact.attempts + (0 if verdict.fault else 1),
        faults=contact.faults + (1 if verdict.fault else 0),
        last_outcome=verdict.outcome,
        opted_out=attempt.opted_out,
        updated_at=now,
    )


def _is_over(status: CampaignStatus, deleted_at: datetime | None) -> bool:
    return status in OVER or deleted_at is not None
