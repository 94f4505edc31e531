"""Reads the lab's ledger into what the judge compares: one value for each time that a phone rang."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from voiceera.demo.judge import Ring, SaidAnswer
from voiceera.lab.ledger import Event, Row, interruptions

CUT_IN = "interrupts"
"""The ledger's note on what a callee says into the agent's sentence on purpose."""
_NEVER = float("inf")


def rings_of(rows: Sequence[Row], roles: Mapping[str, str]) -> tuple[Ring, ...]:
    """`roles`: what the callee at each number plays. Answers are timed from the opening of the media socket."""
    of_call: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_call[row.call_uuid].append(row)
    return tuple(_ring(row, of_call[row.call_uuid], roles) for row in rows if row.event is Event.RING)


def _ring(ring: Row, rows: list[Row], roles: Mapping[str, str]) -> Ring:
    began = next((row.at for row in rows if row.event is Event.MEDIA_OPENED), ring.at)
    return Ring(
        reference=ring.reference,
        phone_number=ring.number,
        role=roles.get(ring.number, ""),
        line=next((row.line for row in rows if row.line), None),
        said=tuple(_answer(row, began) for row in rows if row.event is Event.SAID),
        stopped_ms=_stops(rows),
    )


def _answer(row: Row, began: float) -> SaidAnswer:
    return SaidAnswer(
        start_ms=round((row.start - began) * 1000),
        end_ms=round((row.end - began) * 1000),
        text=row.words,
        intent=row.intent if row.in_domain else None,
    )


def _stops(rows: list[Row]) -> tuple[float, ...]:
    meant = {row.at for row in rows if row.event is Event.INTERRUPTED and row.note == CUT_IN}
    found = [each for each in interruptions(rows) if each.at in meant]
    return tuple(_NEVER if each.agent_stopped_ms is None else each.agent_stopped_ms for each in found)
