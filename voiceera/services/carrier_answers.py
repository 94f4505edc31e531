"""What carriers make of dials, written down in slices: one statement for each table and kind of answer."""

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
from voiceera.services.releasing import Later, requeue_all
from voiceera.services.settle import Ending, end_all
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
    async with database.organization(organization_id) as connection:
        locked = await attempts.lock_all(connection, organization_id, list(answer_of))
        ours = [attempt for attempt in locked if attempt.fence == answer_of[attempt.id].claimed.fence]
        accepted = [each for each in ours if answer_of[each.id].answer.placed is Placed.ACCEPTED]
        await _accept(connection, organization_id, accepted, answer_of, now)
        waiting = [each for each in ours if each.state in _WAITING]
        answered = [(attempt, answer_of[attempt.id].answer) for attempt in waiting]
        refused = [_refused(attempt, answer) for attempt, answer in answered if answer.placed is Placed.REFUSED]
        states = await end_all(connection, organization_id, refused, now)
        put_off = [_put_off(attempt, answer, now) for attempt, answer in answered if answer.placed is Placed.BUSY_NOW]
        await requeue_all(connection, organization_id, put_off)
        states += [_waits(each.attempt) for each in put_off]
        lost = [attempt for attempt, answer in answered if answer.placed is Placed.UNKNOWN]
        await become_unknown(connection, organization_id, lost, now)
    return states


_WAITING = frozenset({AttemptState.DIALING, AttemptState.UNKNOWN})


def _refused(attempt: Attempt, answer: DialAnswer) -> Ending:
    outcome = Outcome.INVALID if answer.invalid_number else Outcome.FAILED
    reason = answer.reason or "refused by the carrier"
    return Ending(attempt, Verdict(outcome, fault=not answer.invalid_number, reason=reason[:200]))


def _put_off(attempt: Attempt, answer: DialAnswer, now: datetime) -> Later:
    delay = timedelta(seconds=min(answer.retry_after_seconds or 1.0, 300))
    return Later(attempt, now + delay, "carrier_busy")


def _waits(attempt: Attempt) -> CallState:
    return CallState(attempt.id, attempt.campaign_id, attempt.contact_id, None, SHOWN_AS[AttemptState.QUEUED])


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


async def become_unknown(
    connection: Connection, organization_id: UUID, lost: Sequence[Attempt], now: datetime
) -> None:
    """Telephones may be ringing: wait for their callbacks, then ask the carrier; never dial again blind."""
    rings = {each: await _ring_seconds(connection, organization_id, each) for each in _configured(lost)}
    rows = []
    for attempt in lost:
        wait = timedelta(seconds=rings[_where(attempt)]) + RING_GRACE
        asked_at = max(now, (attempt.dialed_at or now) + wait)
        unknown = {"state": AttemptState.UNKNOWN, "unknown_since": attempt.unknown_since or now}
        rows.append({"id": attempt.id, "check_at": asked_at} | unknown)
    await attempts.change_all(connection, organization_id, rows)


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
