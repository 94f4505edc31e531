"""What a chaos run comes to: the lab's ledger, which is the evidence, against the platform's rows. No I/O."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from voiceera.lab.ledger import Event, Row

FINAL = frozenset({"reached", "exhausted", "suppressed", "invalid", "canceled"})
RANG = frozenset({Event.RING, Event.INVALID})


@dataclass(frozen=True)
class ContactRow:
    phone_number: str
    state: str


@dataclass(frozen=True)
class AttemptRow:
    """`outcome` None: still open."""

    id: str
    phone_number: str
    outcome: str | None
    was_accepted: bool


@dataclass(frozen=True)
class ChaosVerdict:
    """`doubled`: rings beyond one of an attempt, and contacts that rang for two attempts at once. `lost`: contacts
    that never rang, calls that rang unknown to the database, calls that the database made up. `stuck`: contacts in no
    final state, attempts still open. `out_of_hours`: dials that reached the carrier while the window was closed."""

    contacts: int
    dials: int
    rings: int
    doubled: int
    lost: int
    stuck: int
    unknown_final: int
    out_of_hours: int

    @property
    def is_clean(self) -> bool:
        return not (self.doubled or self.lost or self.stuck or self.out_of_hours)


@dataclass(frozen=True)
class Closed:
    """Unix seconds between which nobody may be dialled."""

    start: float
    end: float

    def holds(self, row: Row) -> bool:
        return self.start <= row.at < self.end


def judge(
    rows: Sequence[Row], contacts: Sequence[ContactRow], attempts: Sequence[AttemptRow], closed: Iterable[Closed] = ()
) -> ChaosVerdict:
    """`attempts`: empty for a dialer that keeps none; then a contact may ring only once at all."""
    rings = [row for row in rows if row.event in RANG]
    dials = [row for row in rows if row.event is Event.DIAL_REQUEST]
    spans = tuple(closed)
    return ChaosVerdict(
        contacts=len(contacts),
        dials=len(dials),
        rings=len(rings),
        doubled=_doubled(rings) + _overlapping(rows),
        lost=_lost(rings, contacts, attempts),
        stuck=_stuck(contacts, attempts),
        unknown_final=sum(attempt.outcome == "unknown" for attempt in attempts),
        out_of_hours=sum(any(span.holds(row) for span in spans) for row in dials),
    )


def _doubled(rings: Iterable[Row]) -> int:
    return sum(times - 1 for times in Counter((row.number, row.reference) for row in rings).values())


def _overlapping(rows: Iterable[Row]) -> int:
    """Telephones that began to ring while they still rang, or talked, for another attempt."""
    live: dict[str, set[str]] = {}
    found = 0
    for row in rows:
        if row.event is Event.RING:
            others = live.setdefault(row.number, set())
            found += bool(others)
            others.add(row.call_uuid)
        elif row.event is Event.HANGUP:
            live.get(row.number, set()).discard(row.call_uuid)
    return found


def _lost(rings: Sequence[Row], contacts: Sequence[ContactRow], attempts: Sequence[AttemptRow]) -> int:
    rung = {row.number for row in rings}
    never = sum(contact.phone_number not in rung for contact in contacts if contact.state != "canceled")
    if not attempts:
        return never
    known = {attempt.id for attempt in attempts}
    references = {row.reference for row in rings}
    unheard_of = len(references - known)
    made_up = sum(
        attempt.id not in references for attempt in attempts if attempt.was_accepted and _tells_of_a_ring(attempt)
    )
    return never + unheard_of + made_up


def _tells_of_a_ring(attempt: AttemptRow) -> bool:
    return attempt.outcome in ("reached", "busy", "no_answer", "voicemail", "dropped_early", "invalid")


def _stuck(contacts: Iterable[ContactRow], attempts: Iterable[AttemptRow]) -> int:
    unfinished = {contact.phone_number for contact in contacts if contact.state not in FINAL}
    still_open = {attempt.phone_number for attempt in attempts if attempt.outcome is None}
    return len(unfinished | still_open)


def closed_minute(start: datetime) -> Closed:
    """The minute that begins at `start`."""
    begins = start.astimezone(UTC).timestamp()
    return Closed(begins, begins + 60)
