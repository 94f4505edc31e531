"""An attempt's life: the legal moves, how it ended, and what the API then shows of its call.

Callbacks arrive in any order and more than once: a move goes forward or does not happen.
"""

from dataclasses import dataclass
from datetime import datetime

from voiceera.rules.calls import (
    AnsweredBy,
    AttemptState,
    CallResult,
    CallStatus,
    EndedAs,
    HangupCause,
    Outcome,
    Speaker,
)

_A = AttemptState

MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    _A.QUEUED: frozenset({_A.CLAIMED, _A.RINGING, _A.IN_PROGRESS, _A.ENDED}),
    _A.CLAIMED: frozenset({_A.QUEUED, _A.DIALING, _A.RINGING, _A.IN_PROGRESS, _A.ENDED}),
    _A.DIALING: frozenset({_A.QUEUED, _A.RINGING, _A.IN_PROGRESS, _A.UNKNOWN, _A.ENDED}),
    _A.RINGING: frozenset({_A.IN_PROGRESS, _A.UNKNOWN, _A.ENDED}),
    _A.IN_PROGRESS: frozenset({_A.UNKNOWN, _A.ENDED}),
    _A.UNKNOWN: frozenset({_A.QUEUED, _A.DIALING, _A.RINGING, _A.IN_PROGRESS, _A.ENDED, _A.UNKNOWN_FINAL}),
    _A.ENDED: frozenset(),
    _A.UNKNOWN_FINAL: frozenset(),
}
"""A queued attempt that rings (or one claimed again since) was taken by a carrier that had said it was too busy."""

OVER = frozenset({_A.ENDED, _A.UNKNOWN_FINAL})
OPEN = frozenset({_A.CLAIMED, _A.DIALING, _A.RINGING, _A.IN_PROGRESS, _A.UNKNOWN})
"""These hold a slot, and their number: nobody is rung twice at once."""

SHOWN_AS: dict[AttemptState, CallStatus] = {
    _A.QUEUED: CallStatus.QUEUED,
    _A.CLAIMED: CallStatus.DIALING,
    _A.DIALING: CallStatus.DIALING,
    _A.RINGING: CallStatus.RINGING,
    _A.IN_PROGRESS: CallStatus.IN_PROGRESS,
    _A.UNKNOWN: CallStatus.DIALING,
}

ENDS_AS: dict[Outcome, CallStatus] = {
    Outcome.REACHED: CallStatus.COMPLETED,
    Outcome.DROPPED_EARLY: CallStatus.COMPLETED,
    Outcome.NO_ANSWER: CallStatus.NO_ANSWER,
    Outcome.BUSY: CallStatus.BUSY,
    Outcome.VOICEMAIL: CallStatus.VOICEMAIL,
    Outcome.FAILED: CallStatus.FAILED,
    Outcome.INVALID: CallStatus.FAILED,
    Outcome.UNKNOWN: CallStatus.FAILED,
    Outcome.CANCELED: CallStatus.CANCELED,
}


def may_move(state: AttemptState, to: AttemptState) -> bool:
    return to in MOVES[state]


@dataclass(frozen=True)
class Verdict:
    """How an attempt, or its conversation, came out. A `fault` is ours or the carrier's, not the contact's doing:
    it does not use up one of the contact's attempts."""

    outcome: Outcome
    fault: bool = False
    reason: str | None = None


_BROKEN = frozenset({HangupCause.LINE_LOST, HangupCause.PROVIDER_FAILED, HangupCause.ERROR})
_LEFT = frozenset({HangupCause.CALLER_HUNG_UP, HangupCause.CALLER_SILENT, *_BROKEN})


def conversation_verdict(result: CallResult) -> Verdict:
    """What a conversation came to, by the engine's account of it."""
    if result.opted_out or result.disposition is not None:
        return Verdict(Outcome.REACHED)
    if result.answered_by is AnsweredBy.MACHINE or result.cause is HangupCause.VOICEMAIL:
        return Verdict(Outcome.VOICEMAIL)
    if result.cause in (HangupCause.PROVIDER_FAILED, HangupCause.ERROR):
        return Verdict(Outcome.FAILED, fault=True, reason=str(result.cause))
    caller_spoke = any(turn.speaker is Speaker.CALLER for turn in result.turns)
    if not caller_spoke and result.cause in _LEFT:
        return Verdict(Outcome.DROPPED_EARLY)
    return Verdict(Outcome.REACHED)


_UNANSWERED: dict[EndedAs, Outcome] = {
    EndedAs.COMPLETED: Outcome.NO_ANSWER,
    EndedAs.BUSY: Outcome.BUSY,
    EndedAs.NO_ANSWER: Outcome.NO_ANSWER,
    EndedAs.FAILED: Outcome.FAILED,
    EndedAs.INVALID: Outcome.INVALID,
    EndedAs.CANCELED: Outcome.CANCELED,
}


@dataclass(frozen=True)
class Story:
    """What is known of an attempt: from the carrier, from the media socket, from the engine."""

    answered: bool
    conversation_started: bool
    carrier_end: EndedAs | None
    conversation: Verdict | None


def is_told(story: Story) -> bool:
    """Whether both sides have finished: the carrier hung up, and a conversation that began has been closed."""
    return story.carrier_end is not None and (not story.conversation_started or story.conversation is not None)


def verdict(story: Story) -> Verdict:
    """How the attempt ended, by what is known (also of one whose media process died)."""
    if story.conversation is not None:
        return story.conversation
    if story.conversation_started:
        return Verdict(Outcome.FAILED, fault=True, reason="conversation_lost")
    if story.answered:
        return Verdict(Outcome.FAILED, fault=True, reason="no_conversation")
    outcome = _UNANSWERED[story.carrier_end or EndedAs.FAILED]
    # What we cancel before anybody picks up is not the contact's doing.
    return Verdict(outcome, fault=outcome is Outcome.CANCELED)


def seconds_between(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else max(0.0, (end - start).total_seconds())
