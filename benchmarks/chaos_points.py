"""Where a stopped process was caught: between which two steps of which attempt. Rows and ledger in, a point out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from voiceera.lab.ledger import Event, Row


class Point(StrEnum):
    """In the order of a dial's life."""

    CLAIMED = "claimed"
    """The contact is claimed; no intent yet."""
    INTENT = "intent"
    """The intent is committed; the carrier has not heard of it."""
    SENT = "sent"
    """The carrier holds the request and has placed nothing."""
    ACCEPTED = "accepted"
    """The carrier has placed the call; its answer is not written down."""
    RECORDED = "recorded"
    """The answer is written down; the call goes on."""
    CALLBACK = "callback"
    """The carrier tells how the call ended; nothing of it is in the database."""
    FINALISE = "finalise"
    """The same, with the transaction that ends the attempt open."""


OF_WORKER = (Point.CLAIMED, Point.INTENT, Point.SENT, Point.ACCEPTED, Point.RECORDED)
OF_API = (Point.CALLBACK, Point.FINALISE)
IN_FLIGHT = frozenset(Point) - {Point.CLAIMED}


@dataclass(frozen=True)
class OpenAttempt:
    id: str
    state: str
    is_recorded: bool
    """The carrier's answer has been written down."""
    carrier_ended: bool


def points_of_worker(mine: Iterable[OpenAttempt], rows: Sequence[Row]) -> set[Point]:
    placed = {row.reference for row in rows if row.event is Event.DIAL_REQUEST}
    held = [row.path for row in rows if row.event is Event.FAULT and row.fault.startswith("hang_before")]
    under_way = (attempt for attempt in mine if attempt.state != "unknown" and not attempt.carrier_ended)
    return {_point(attempt, placed, held) for attempt in under_way}


def _point(attempt: OpenAttempt, placed: set[str], held: Sequence[str]) -> Point:
    if attempt.state == "claimed":
        return Point.CLAIMED
    if attempt.is_recorded:
        return Point.RECORDED
    if attempt.id in placed:
        return Point.ACCEPTED
    return Point.SENT if any(attempt.id in path for path in held) else Point.INTENT


def points_of_api(attempts: Iterable[OpenAttempt], rows: Sequence[Row], *, in_transaction: bool) -> set[Point]:
    over = {row.reference for row in rows if row.event is Event.HANGUP}
    told = {row.reference for row in rows if row.event is Event.CALLBACK and row.callback == "hangup"}
    lost = {row.reference for row in rows if row.event is Event.FAULT and row.callback == "hangup"}
    under_way = over - told - lost
    if not any(attempt.id in under_way and not attempt.carrier_ended for attempt in attempts):
        return set()
    return {Point.FINALISE if in_transaction else Point.CALLBACK}
