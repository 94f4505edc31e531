"""What carriers make of dials, written down in slices: accepted ones all at once, every other by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from voiceera.providers.protocols import DialAnswer, Placed
from voiceera.rules.attempts import SHOWN_AS, Verdict
from voiceera.rules.calls import AttemptState, Outcome
from voiceera.rules.campaigns import CampaignConfig
from voiceera.rules.webhooks import Event
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState
from voiceera.services.releasing import requeue
from voiceera.services.settle import end
from voiceera.store import attempts, calls, campaigns
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection, Database
from voiceera.store.dial_queue import Claimed

RING_GRACE = timedelta(seconds=30)
"""How long after the ring time-out a callback may still come before the carrier is asked."""


@dataclass(frozen=True)
class Answered:
    claimed: Claimed
    answer: DialAnswer


async def record(
    database: Database, organization_id: UUID, answers: Sequence[Answered], now: datetime
) -> list[CallState]:
    """Write down what the carrier made of one organization's dials; answers what watchers shall be told.

    A callback that was faster keeps the last word, and so does a worker that has claimed the attempt since.
    """
    answer_of = {each.claimed.attempt_id: each for each in answers}
    states: list[CallState] = []
    async with database.organization(organization_id) as connection:
        locked = await attempts.lock_all(connection, organization_id, list(answer_of))
        ours = [attempt for attempt in locked if attempt.fence == answer_of[attempt.id].claimed.fence]
        accepted = [each for each in ours if answer_of[each.id].answer.placed is Placed.ACCEPTED]
        await _accept(connection, organization_id, accepted, answer_of, now)
        # Whatever moves a campaign's counters, campaign after campaign: so no two slices wait for each other.
        for attempt in sorted(ours, key=lambda each: (str(each.campaign_id), each.id)):
            answer = answer_of[attempt.id].answer
            if answer.placed is not Placed.ACCEPTED and attempt.state in _WAITING:
                states += [state for state in [await _take_in(connection, attempt, answer, now)] if state]
    return states


_WAITING = frozenset({AttemptState.DIALING, AttemptState.UNKNOWN})


async def _take_in(connection: Connection, attempt: Attempt, answer: DialAnswer, now: datetime) -> CallState | None:
    match answer.placed:
        case Placed.REFUSED:
            outcome = Outcome.INVALID if answer.invalid_number else Outcome.FAILED
            reason = answer.reason or "refused by the carrier"
            verdict = Verdict(outcome, fault=not answer.invalid_number, reason=reason[:200])
            return await end(connection, attempt, verdict, now)
        case Placed.BUSY_NOW:
            delay = timedelta(seconds=min(answer.retry_after_seconds or 1.0, 300))
            await requeue(connection, attempt, now + delay, "carrier_busy")
            shown = SHOWN_AS[AttemptState.QUEUED]
            return CallState(attempt.id, attempt.campaign_id, attempt.contact_id, None, shown)
        case _:
            await become_unknown(connection, attempt, now)
            return None


async def _accept(
    connection: Connection,
    organization_id: UUID,
    accepted: Sequence[Attempt],
    answer_of: dict[UUID, Answered],
    now: datetime,
) -> None:
    """The carrier's first name for each call, unless a callback has told a better one; and when to ask it."""
    waits = {each: await _ring_seconds(connection, organization_id, each) for each in _configured(accepted)}
    named = {each.id: each.carrier_call_id or answer_of[each.id].answer.carrier_call_id for each in accepted}
    await attempts.change_all(
        connection,
        organization_id,
        [
            {"id": each.id, "accepted_at": each.accepted_at or now, "carrier_call_id": named[each.id]}
            | (
                {
                    "state": AttemptState.DIALING,
                    "unknown_since": None,
                    "check_at": now + timedelta(seconds=waits[_where(each)]) + RING_GRACE,
                }
                if each.state in _WAITING
                else {"state": each.state, "unknown_since": each.unknown_since, "check_at": each.check_at}
            )
            for each in accepted
        ],
    )
    heard = await calls.move_all(
        connection, organization_id, [{"id": each.id, "carrier_call_id": named[each.id]} for each in accepted]
    )
    for attempt in accepted if heard else ():
        if attempt.accepted_at is None:
            await emit_of_call(connection, organization_id, attempt.id, Event.CALL_STARTED, now)


async def become_unknown(connection: Connection, attempt: Attempt, now: datetime) -> None:
    """A telephone may be ringing: wait for its callbacks, then ask the carrier; never dial again blind."""
    ring_seconds = await _ring_seconds(connection, attempt.organization_id, _where(attempt))
    wait = timedelta(seconds=ring_seconds) + RING_GRACE
    await attempts.change(
        connection,
        attempt,
        state=AttemptState.UNKNOWN,
        unknown_since=attempt.unknown_since or now,
        check_at=max(now, (attempt.dialed_at or now) + wait),
    )


_Where = UUID | int
"""The campaign whose setting holds, or a single call's own."""


def _where(attempt: Attempt) -> _Where:
    if attempt.campaign_id is not None:
        return attempt.campaign_id
    return CampaignConfig.model_validate(attempt.settings).ring_seconds


def _configured(accepted: Sequence[Attempt]) -> set[_Where]:
    return {_where(attempt) for attempt in accepted}


async def _ring_seconds(connection: Connection, organization_id: UUID, where: _Where) -> int:
    if isinstance(where, int):
        return where
    campaign = await campaigns.get(connection, organization_id, where, deleted=True)
    return campaign.config.ring_seconds if campaign else CampaignConfig().ring_seconds
