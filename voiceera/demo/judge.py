"""The phone network's ledger against the platform's database: pure comparison, no good will.

The ledger is kept by the lab, which knows nothing of the platform. What it says is what happened; the database has to
agree: every ring is one call, every person ends somewhere, answers are taken as they were meant.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from voiceera.demo.outcome import CallEnd, ContactEnd, SpokenTurn, Tally, Verdict
from voiceera.rules.calls import CallStatus, Speaker
from voiceera.rules.campaigns import ContactState

FINAL = frozenset(
    {
        ContactState.REACHED,
        ContactState.EXHAUSTED,
        ContactState.SUPPRESSED,
        ContactState.INVALID,
        ContactState.CANCELED,
    }
)
UNDERSTOOD_AT_LEAST = 0.6
"""The share of answers below which a demo has failed, whatever its bookkeeping says."""
_NEARNESS_MS = 1500
"""How far apart in time a spoken answer and the turn that heard it may lie: the two clocks start a little apart."""


@dataclass(frozen=True)
class SaidAnswer:
    """What a callee really said, in milliseconds since the answer; `intent` is what it means in the flow."""

    start_ms: int
    end_ms: int
    text: str
    intent: str | None
    """None: out of domain, no answer to anything."""


@dataclass(frozen=True)
class Ring:
    """One time that a phone rang. `reference` is the attempt's, read from the callback URLs that the carrier got."""

    reference: str
    phone_number: str
    role: str
    line: str | None
    """"l16_16k", "ulaw_8k"; None: nobody answered."""
    said: tuple[SaidAnswer, ...] = ()
    stopped_ms: tuple[float, ...] = ()


def judge(rings: tuple[Ring, ...], calls: tuple[CallEnd, ...], contacts: tuple[ContactEnd, ...]) -> Verdict:
    doubled = sum(count - 1 for count in Counter(ring.reference for ring in rings).values())
    lost = _lost(rings, contacts)
    by_line = _understanding(rings, calls)
    return Verdict(
        rings=len(rings),
        doubled=doubled,
        lost=len(lost),
        understanding=sum(by_line.values(), Tally()),
        by_line=by_line,
        stopped_ms=tuple(stop for ring in rings for stop in ring.stopped_ms),
        problems=(
            *([f"{doubled} attempts rang more than once"] if doubled else []),
            *(f"{number} was never rung" for number in lost),
            *_disagreements(rings, calls),
            *(f"{each.name} ended in no final state, but {each.state}" for each in contacts if not _final(each)),
            *_wrong_ends(rings, calls, contacts),
            *(f"{ring.phone_number} was talked over" for ring in rings if float("inf") in ring.stopped_ms),
        ),
    )


def _final(contact: ContactEnd) -> bool:
    return contact.state in FINAL


def _lost(rings: tuple[Ring, ...], contacts: tuple[ContactEnd, ...]) -> list[str]:
    """People of the campaign whose phone never rang."""
    rung = {ring.phone_number for ring in rings}
    return [contact.phone_number for contact in contacts if contact.phone_number not in rung]


def _disagreements(rings: tuple[Ring, ...], calls: tuple[CallEnd, ...]) -> Iterator[str]:
    """Rings without a call, calls without a ring, and the two telling of another number or line."""
    known = {call.id: call for call in calls}
    rung = {ring.reference for ring in rings}
    for ring in rings:
        call = known.get(ring.reference)
        if call is None:
            yield f"{ring.phone_number} rang for an attempt that the database does not know"
        elif call.phone_number != ring.phone_number:
            yield f"the call to {call.phone_number} rang at {ring.phone_number}"
        elif ring.line is not None and call.line is not None and call.line != ring.line:
            yield f"the call to {call.phone_number} was carried as {ring.line} and stored as {call.line}"
    for call in calls:
        if call.id not in rung and call.status is not CallStatus.CANCELED:
            yield f"the database knows a call to {call.phone_number} that never rang"


# ── how each kind of person must end ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ending:
    """What must be true of one person: the contact's state, and how the last call ended."""

    states: tuple[ContactState, ...]
    status: CallStatus | None = None
    disposition: str | None = None
    answered_by: str | None = None
    tries_at_least: int = 1


ENDINGS: dict[str, Ending] = {
    "busy": Ending((ContactState.EXHAUSTED,), CallStatus.BUSY, tries_at_least=2),
    "no_answer": Ending((ContactState.EXHAUSTED,), CallStatus.NO_ANSWER, tries_at_least=2),
    "voicemail": Ending((ContactState.EXHAUSTED,), CallStatus.VOICEMAIL, answered_by="machine"),
    "opt_out": Ending((ContactState.SUPPRESSED,), CallStatus.COMPLETED, "opted_out"),
}
"""By the lab's name of the role; people of other roles only have to be reached."""


def _wrong_ends(
    rings: tuple[Ring, ...], calls: tuple[CallEnd, ...], contacts: tuple[ContactEnd, ...]
) -> Iterator[str]:
    roles = {ring.phone_number: ring.role for ring in rings}
    tries: dict[str, list[CallEnd]] = defaultdict(list)
    for call in sorted(calls, key=lambda each: each.attempt):
        tries[call.phone_number].append(call)
    for contact in contacts:
        role, made = roles.get(contact.phone_number), tries[contact.phone_number]
        if role is not None and made:
            yield from _misfits(contact, role, made)


def _misfits(contact: ContactEnd, role: str, made: list[CallEnd]) -> Iterator[str]:
    wanted = ENDINGS.get(role, Ending((ContactState.REACHED,)))
    last = made[-1]
    facts = [
        (contact.state in wanted.states, f"is {contact.state}"),
        (wanted.status in (None, last.status), f"ended {last.status}"),
        (wanted.disposition in (None, last.disposition), f"ended as {last.disposition}"),
        (wanted.answered_by in (None, last.answered_by), f"was taken for {last.answered_by}"),
        (len(made) >= wanted.tries_at_least, f"was tried {len(made)} times"),
    ]
    for fits, found in facts:
        if not fits:
            yield f"{contact.name}, who plays {role}, {found}"


# ── understanding ────────────────────────────────────────────────────────────────────────────────────────────────


def _understanding(rings: Iterable[Ring], calls: tuple[CallEnd, ...]) -> dict[str, Tally]:
    heard = {call.id: [turn for turn in call.turns if turn.speaker is Speaker.CALLER] for call in calls}
    tallies: dict[str, Tally] = {}
    for ring in rings:
        for answer in ring.said:
            if answer.intent is None:
                continue
            right = taken_rightly(answer, heard.get(ring.reference, []))
            line = ring.line or "unknown"
            tallies[line] = tallies.get(line, Tally()) + Tally(1, int(right))
    return dict(sorted(tallies.items()))


def taken_rightly(answer: SaidAnswer, turns: list[SpokenTurn]) -> bool:
    """Whether the turn that lies nearest in time was taken for what was meant."""
    near = [turn for turn in turns if _distance(answer, turn) <= _NEARNESS_MS]
    if not near or answer.intent is None:
        return False
    nearest = min(near, key=lambda turn: (_distance(answer, turn), abs(turn.start_ms - answer.start_ms)))
    return nearest.result is not None and nearest.result.casefold() == answer.intent.casefold()


def _distance(answer: SaidAnswer, turn: SpokenTurn) -> int:
    """Milliseconds between the two stretches; 0 where they overlap."""
    return max(0, turn.start_ms - answer.end_ms, answer.start_ms - turn.end_ms)
