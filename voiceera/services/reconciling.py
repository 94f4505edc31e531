"""What the reaper puts right: claims of the dead, dials of which nobody knows, campaigns that are through."""

from datetime import datetime, timedelta

from voiceera.errors import Conflict, ProviderError
from voiceera.log import get_logger
from voiceera.providers.protocols import Carrier, CarrierCall, CarrierEvent, CarrierEventKind
from voiceera.rules.attempts import OVER, Verdict, verdict
from voiceera.rules.calls import AttemptState, Direction, EndedAs, HangupCause, Outcome
from voiceera.rules.campaigns import Action, CampaignStatus, allowed_actions
from voiceera.services import campaigns as campaign_moves
from voiceera.services.carrier_answers import become_unknown
from voiceera.services.carrier_news import take_in
from voiceera.services.live import CallState
from voiceera.services.releasing import release, requeue
from voiceera.services.settle import LIVE_CHECK, end
from voiceera.services.trunks import TrunkBook
from voiceera.store import agents, attempts, calls, campaigns
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection, Database
from voiceera.store.campaigns import Hold
from voiceera.store.dial_queue import Key

LOOK_AGAIN = timedelta(seconds=30)
OVERDUE = timedelta(minutes=2)
"""How long a call may go on after its longest duration: by then its media process does not end it any more."""
GIVE_UP = timedelta(hours=1)
"""A carrier that has said nothing of a call for so long will not say it any more."""

_RANG_FOR = timedelta(seconds=30)
"""How long before it was told of a call that came in may have begun, by the carrier's clock."""

log = get_logger("reaper")


async def give_back_expired(database: Database, key: Key, now: datetime) -> None:
    """A claim whose worker never dialled: back, as if it had not been."""
    async with database.organization(key[0]) as connection:
        attempt = await attempts.lock(connection, *key)
        if attempt is None or attempt.state is not AttemptState.CLAIMED:
            return
        if attempt.claim_expires_at is not None and attempt.claim_expires_at <= now:
            await release(connection, attempt, now)


async def look_into(database: Database, trunks: TrunkBook, key: Key, now: datetime) -> CallState | None:
    """An attempt that should have moved by now: end what both sides have left, ask the carrier about the rest."""
    async with database.organization(key[0]) as connection:
        attempt = await attempts.lock(connection, *key)
        if attempt is None or attempt.state in OVER or attempt.check_at is None or attempt.check_at > now:
            return None
        if attempt.carrier_ended_at is not None:
            # Its media process has had its time to close the conversation.
            return await end(connection, attempt, verdict(attempt.story), now)
        if attempt.state is AttemptState.DIALING and attempt.accepted_at is None:
            await become_unknown(connection, key[0], [attempt], now)
            return None
        # Nobody else looks meanwhile.
        attempt = await attempts.change(connection, attempt, check_at=now + LOOK_AGAIN)
    return await _ask_carrier(database, trunks, attempt, now)


async def _ask_carrier(database: Database, trunks: TrunkBook, attempt: Attempt, now: datetime) -> CallState | None:
    begun = attempt.dialed_at or attempt.accepted_at or now
    to, caller_id = attempt.phone_number, attempt.caller_id or ""
    if attempt.direction is Direction.INBOUND:
        to, caller_id, begun = caller_id, to, begun - _RANG_FOR
    try:
        trunk = await trunks.of(attempt.organization_id)
        found = await trunk.carrier.find(
            to=to,
            caller_id=caller_id,
            placed_after=begun - timedelta(seconds=5),
            placed_before=begun + timedelta(seconds=90),
            carrier_call_id=attempt.carrier_call_id,
        )
    except (ProviderError, Conflict) as problem:
        log.warning("lookup_failed", attempt_id=str(attempt.id), reason=problem.message)
        return await _give_up_late(database, attempt, now)
    call = _ours(found, attempt)
    async with database.organization(attempt.organization_id) as connection:
        current = await attempts.lock(connection, attempt.organization_id, attempt.id)
        if current is None or current.state in OVER or current.carrier_ended_at is not None:
            return None
        if call is None:
            return await _not_found(connection, current, trunk.carrier, now)
        return await _found(connection, current, call, now)


def _ours(found: list[CarrierCall], attempt: Attempt) -> CarrierCall | None:
    """By the carrier's own name for it; else the first: a number has one open attempt at a time."""
    named = [call for call in found if call.carrier_call_id == attempt.carrier_call_id]
    return next(iter(named or sorted(found, key=lambda call: call.started_at)), None)


async def _found(connection: Connection, attempt: Attempt, call: CarrierCall, now: datetime) -> CallState | None:
    log.info("lookup_found", attempt_id=str(attempt.id), live=call.live)
    if not call.live:
        ended_as = call.ended_as or EndedAs.FAILED
        event = CarrierEvent(CarrierEventKind.ENDED, call.carrier_call_id, ended_as, "found by look-up")
        return await take_in(connection, attempt, event, now)
    state = AttemptState.DIALING if attempt.state is AttemptState.UNKNOWN else attempt.state
    await attempts.change(
        connection,
        attempt,
        state=state,
        unknown_since=None,
        accepted_at=attempt.accepted_at or now,
        carrier_call_id=attempt.carrier_call_id or call.carrier_call_id,
        hangup_requested=await _must_end(connection, attempt, now),
        check_at=now + LIVE_CHECK,
    )
    return None


async def _must_end(connection: Connection, attempt: Attempt, now: datetime) -> bool:
    """Whether the carrier holds a line that nobody talks on any more: a conversation that is over, and whose own
    hang-up did not end it, or one that has outlived its longest duration. Not one whose caller was handed over, and
    now talks to somebody else on a line that is not ours to end."""
    call = await calls.get(connection, attempt.organization_id, attempt.id)
    if call is None or call.hangup_cause == HangupCause.TRANSFERRED:
        return False
    if attempt.conversation_ended_at is not None:
        return True
    if attempt.answered_at is None:
        return False
    agent = await agents.get_version(connection, attempt.organization_id, call.agent_id, call.agent_version)
    longest = timedelta(seconds=agent.conversation.maximum_duration) if agent is not None else timedelta()
    return now > attempt.answered_at + longest + OVERDUE


async def _not_found(connection: Connection, attempt: Attempt, carrier: Carrier, now: datetime) -> CallState | None:
    """Clean everywhere: after the carrier's reporting lag that means that nothing rang."""
    lag = timedelta(seconds=carrier.traits.reporting_lag_seconds)
    since = attempt.unknown_since or attempt.dialed_at or now
    if now < since + lag:
        await attempts.change(connection, attempt, check_at=since + lag)
        return None
    if attempt.accepted_at is None:
        log.info("lookup_clean", attempt_id=str(attempt.id))
        await requeue(connection, attempt, now, "never_placed")
        return None
    if attempt.answered_at is not None:
        return await end(connection, attempt, verdict(attempt.story), now)
    if now < since + lag + LIVE_CHECK:
        return None
    return await end(connection, attempt, Verdict(Outcome.UNKNOWN, reason="carrier_lost_the_call"), now)


async def _give_up_late(database: Database, attempt: Attempt, now: datetime) -> CallState | None:
    since = attempt.unknown_since or attempt.dialed_at or now
    if now < since + GIVE_UP:
        return None
    async with database.organization(attempt.organization_id) as connection:
        current = await attempts.lock(connection, attempt.organization_id, attempt.id)
        if current is None or current.state in OVER:
            return None
        if current.conversation_started_at is not None:
            return await end(connection, current, verdict(current.story), now)
        return await end(connection, current, Verdict(Outcome.UNKNOWN, reason="carrier_cannot_say"), now)


async def cancel_late(database: Database, key: Key, now: datetime) -> None:
    """A call that its carrier queued past the callee's window: it must not ring any more."""
    async with database.organization(key[0]) as connection:
        attempt = await attempts.lock(connection, *key)
        if attempt is None or attempt.state is not AttemptState.DIALING or attempt.latest_ring_at is None:
            return
        if attempt.latest_ring_at <= now:
            log.info("too_late_to_ring", attempt_id=str(attempt.id))
            await attempts.change(connection, attempt, hangup_requested=True, latest_ring_at=None)


async def hang_up(database: Database, trunks: TrunkBook, key: Key) -> None:
    """End a call at the carrier that somebody asked to end; asked again next time if it cannot be reached."""
    async with database.organization(key[0]) as connection:
        attempt = await attempts.get(connection, *key)
    if attempt is None or attempt.carrier_call_id is None:
        return
    try:
        trunk = await trunks.of(key[0])
        await trunk.carrier.hang_up(attempt.carrier_call_id)
    except (ProviderError, Conflict) as problem:
        log.warning("hangup_failed", attempt_id=str(attempt.id), reason=problem.message)
        return
    async with database.organization(key[0]) as connection:
        await attempts.hangup_done(connection, *key)


async def move_campaign(database: Database, key: Key, now: datetime) -> CampaignStatus | None:
    """Start a scheduled campaign whose time has come; complete one that has nobody left, or has reached its end.
    Answers the new status, if it moved."""
    async with database.organization(key[0]) as connection:
        campaign = await campaigns.get(connection, *key, hold=Hold.UPDATE)
        if campaign is None:
            return None
        allowed = allowed_actions(campaign.status)
        if Action.START in allowed and campaign.start_time is not None and campaign.start_time <= now:
            await campaign_moves.start(connection, campaign, now)
            return CampaignStatus.ACTIVE
        if Action.COMPLETE not in allowed:
            return None
        counts = await campaigns.counts(connection, *key)
        if counts["pending"] == 0 and counts["in_progress"] == 0:
            await campaign_moves.finish(connection, campaign, "Nobody is left to try.", now)
        elif campaign.end_time is not None and campaign.end_time <= now:
            await campaign_moves.finish(connection, campaign, "Its end time has come.", now)
        else:
            return None
        return CampaignStatus.COMPLETED
