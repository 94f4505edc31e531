"""What carriers tell of calls under way, written in slices: forward only; doubled and late news change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from voiceera.providers.protocols import CarrierEvent, CarrierEventKind
from voiceera.rules.attempts import OVER, SHOWN_AS, is_told, may_move, verdict
from voiceera.rules.calls import AttemptState
from voiceera.rules.webhooks import Event
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState
from voiceera.services.settle import LIVE_CHECK, RING_CHECK, Account, Ending, end_all, look_again_at
from voiceera.store import attempts, calls, carrier_requests
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection


@dataclass(frozen=True)
class Proof:
    """How far a carrier's request may be believed. `fingerprint`: the same again is refused; None: it was not asked
    over HTTP. `of_body` False: all but its URL is a hint."""

    fingerprint: bytes | None = None
    of_body: bool = True


NOT_OVER_HTTP = Proof()


class Replayed(Exception):
    """A carrier's request that was taken in before."""


async def refuse_replay(connection: Connection, organization_id: UUID, proof: Proof, now: datetime) -> None:
    """Raises Replayed."""
    if proof.fingerprint is None:
        return
    if not await carrier_requests.note_all(connection, organization_id, [proof.fingerprint], now):
        raise Replayed


@dataclass(frozen=True)
class Told:
    """News of an attempt, which is locked."""

    attempt: Attempt
    event: CarrierEvent
    now: datetime
    proof: Proof = NOT_OVER_HTTP

    @property
    def is_news(self) -> bool:
        return self.attempt.state not in OVER and self.attempt.carrier_ended_at is None


@dataclass(frozen=True)
class Move:
    """An attempt that is locked goes on to `to`, if it is not there yet."""

    attempt: Attempt
    to: AttemptState
    now: datetime
    carrier_call_id: str | None = None


_LEADS_TO = {
    CarrierEventKind.RINGING: AttemptState.RINGING,
    CarrierEventKind.ANSWERED: AttemptState.IN_PROGRESS,
}


async def take_in(
    connection: Connection, attempt: Attempt, event: CarrierEvent, now: datetime, proof: Proof = NOT_OVER_HTTP
) -> CallState | None:
    """One piece of news; answers what watchers shall be told."""
    _, states = await take_in_all(connection, attempt.organization_id, [Told(attempt, event, now, proof)])
    return states[0] if states else None


async def take_in_all(
    connection: Connection, organization_id: UUID, told: Sequence[Told]
) -> tuple[list[Attempt], list[CallState]]:
    """News of different attempts. Answers those that go on, as they now are, and what watchers shall be told."""
    news = [each for each in told if each.is_news]
    ends = [each for each in news if each.event.kind is CarrierEventKind.ENDED]
    # Perhaps it has ended: the carrier is asked at once, and its look-up counts.
    unproved = [{"id": each.attempt.id, "check_at": each.now} for each in ends if not each.proof.of_body]
    await attempts.change_all(connection, organization_id, unproved)
    moves = [_move(each) for each in news if each.event.kind is not CarrierEventKind.ENDED]
    moved, states = await go_on_all(connection, organization_id, moves)
    still_open, ended = await _hang_up(connection, organization_id, [each for each in ends if each.proof.of_body])
    return [*moved, *still_open], [*states, *ended]


def _move(told: Told) -> Move:
    name = told.event.carrier_call_id if told.proof.of_body else None
    return Move(told.attempt, _LEADS_TO[told.event.kind], told.now, name)


# ── calls that go on ─────────────────────────────────────────────────────────────────────────────────────────────


async def go_on(connection: Connection, move: Move) -> tuple[Attempt, CallState | None]:
    """One move: the attempt as it now is, and what watchers shall be told."""
    moved, states = await go_on_all(connection, move.attempt.organization_id, [move])
    return (moved[0], states[0]) if moved else (move.attempt, None)


async def go_on_all(
    connection: Connection, organization_id: UUID, moves: Sequence[Move]
) -> tuple[list[Attempt], list[CallState]]:
    """The attempts that moved, as they now are, and what watchers shall be told."""
    legal = [move for move in moves if may_move(move.attempt.state, move.to)]
    moved = [_moved(move) for move in legal]
    if not moved:
        return [], []
    await attempts.change_all(connection, organization_id, [_columns(attempt) for attempt in moved])
    heard, names = await calls.move_and_name(connection, organization_id, [_shown(attempt) for attempt in moved])
    for move in legal if heard else ():
        await _tell(connection, organization_id, move)
    return moved, [
        CallState(each.id, each.campaign_id, each.contact_id, names.get(each.id), SHOWN_AS[each.state])
        for each in moved
    ]


def _moved(move: Move) -> Attempt:
    attempt, now = move.attempt, move.now
    rings = move.to is AttemptState.RINGING
    return replace(
        attempt,
        state=move.to,
        carrier_call_id=move.carrier_call_id or attempt.carrier_call_id,
        accepted_at=attempt.accepted_at or now,
        unknown_since=None,
        check_at=now + (RING_CHECK if rings else LIVE_CHECK),
        ringing_at=(attempt.ringing_at or now) if rings else attempt.ringing_at,
        answered_at=attempt.answered_at if rings else now,
    )


def _columns(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "state": attempt.state,
        "carrier_call_id": attempt.carrier_call_id,
        "accepted_at": attempt.accepted_at,
        "unknown_since": attempt.unknown_since,
        "check_at": attempt.check_at,
        "ringing_at": attempt.ringing_at,
        "answered_at": attempt.answered_at,
    }


def _shown(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "status": SHOWN_AS[attempt.state],
        "carrier_call_id": attempt.carrier_call_id,
        "ringing_at": attempt.ringing_at,
        "answered_at": attempt.answered_at,
    }


async def _tell(connection: Connection, organization_id: UUID, move: Move) -> None:
    attempt_id = move.attempt.id
    if move.attempt.accepted_at is None:  # the carrier's callback is faster than its answer to the dial
        await emit_of_call(connection, organization_id, attempt_id, Event.CALL_STARTED, move.now)
    if move.to is AttemptState.IN_PROGRESS:
        await emit_of_call(connection, organization_id, attempt_id, Event.CALL_ANSWERED, move.now)


# ── calls that the carrier has ended ─────────────────────────────────────────────────────────────────────────────


async def _hang_up(
    connection: Connection, organization_id: UUID, told: Sequence[Told]
) -> tuple[list[Attempt], list[CallState]]:
    """Those whose conversation has not been closed yet, and what became of the others."""
    if not told:
        return [], []
    hung_up = [(_hung_up(each), _account(each.event)) for each in told]
    endings = [Ending(each, verdict(each.story), account) for each, account in hung_up if is_told(each.story)]
    left = [(each, account) for each, account in hung_up if not is_told(each.story)]
    now = max(each.now for each in told)
    still_open = [replace(attempt, check_at=look_again_at(attempt, now)) for attempt, _ in left]
    await attempts.change_all(connection, organization_id, [_hung_up_columns(attempt) for attempt in still_open])
    for attempt, account in left:
        await calls.note_carrier_end(
            connection,
            organization_id,
            attempt.id,
            carrier_call_id=attempt.carrier_call_id,
            cause=account.cause,
            duration_seconds=account.duration_seconds,
            cost=account.cost,
        )
    return still_open, await end_all(connection, organization_id, endings, now)


def _hung_up(told: Told) -> Attempt:
    attempt, event = told.attempt, told.event
    return replace(
        attempt,
        carrier_ended_at=told.now,
        accepted_at=attempt.accepted_at or told.now,
        ended_as=event.ended_as,
        carrier_call_id=event.carrier_call_id or attempt.carrier_call_id,
    )


def _hung_up_columns(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "carrier_ended_at": attempt.carrier_ended_at,
        "accepted_at": attempt.accepted_at,
        "ended_as": attempt.ended_as,
        "carrier_call_id": attempt.carrier_call_id,
        "check_at": attempt.check_at,
    }


def _account(event: CarrierEvent) -> Account:
    return Account(event.hangup_cause, event.duration_seconds, event.cost)
