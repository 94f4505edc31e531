"""The judge of a chaos run: what it must not overlook, on small ledgers."""

from datetime import UTC, datetime

from benchmarks.chaos_points import OpenAttempt, Point, points_of_api, points_of_worker
from benchmarks.chaos_verdict import AttemptRow, ContactRow, closed_minute, judge
from voiceera.lab.ledger import Event, Row

ANN, BOB = "+12025550100", "+12025550101"


def row(event: Event, number: str = ANN, reference: str = "a1", call: str = "c1", at: float = 0.0) -> Row:
    return Row(at=at, event=event, number=number, reference=reference, call_uuid=call)


def call(number: str = ANN, reference: str = "a1", uuid: str = "c1") -> list[Row]:
    return [row(event, number, reference, uuid) for event in (Event.DIAL_REQUEST, Event.RING, Event.HANGUP)]


def attempt(reference: str = "a1", number: str = ANN, outcome: str | None = "busy") -> AttemptRow:
    return AttemptRow(reference, number, outcome, was_accepted=True)


def test_one_ring_for_each_attempt_is_clean() -> None:
    rows = [*call(), *call(reference="a2", uuid="c2"), *call(BOB, "b1", "c3")]
    contacts = [ContactRow(ANN, "exhausted"), ContactRow(BOB, "reached")]
    verdict = judge(rows, contacts, [attempt(), attempt("a2"), attempt("b1", BOB, "reached")])
    assert verdict.is_clean
    assert (verdict.contacts, verdict.dials, verdict.rings) == (2, 3, 3)


def test_two_rings_of_one_attempt_are_seen() -> None:
    verdict = judge([*call(), *call(uuid="c2")], [ContactRow(ANN, "reached")], [attempt()])
    assert verdict.doubled == 1 and not verdict.is_clean


def test_two_attempts_that_ring_at_the_same_time_are_seen() -> None:
    rows = [
        row(Event.RING),
        row(Event.RING, reference="a2", call="c2"),
        row(Event.HANGUP),
        row(Event.HANGUP, call="c2"),
    ]
    verdict = judge(rows, [ContactRow(ANN, "reached")], [attempt(), attempt("a2")])
    assert verdict.doubled == 1


def test_somebody_who_never_rang_is_lost() -> None:
    assert judge(call(), [ContactRow(ANN, "reached"), ContactRow(BOB, "exhausted")], []).lost == 1


def test_a_ring_that_the_database_does_not_know_is_lost() -> None:
    assert judge(call(reference="ghost"), [ContactRow(ANN, "reached")], [attempt()]).lost == 2  # and one made up


def test_whoever_is_in_no_final_state_is_stuck() -> None:
    assert judge(call(), [ContactRow(ANN, "in_progress")], [attempt(outcome=None)]).stuck == 1
    assert judge(call(), [ContactRow(ANN, "reached")], [attempt(outcome=None)]).stuck == 1


def test_a_dial_in_the_closed_minute_is_out_of_hours() -> None:
    closed = closed_minute(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    rows = [row(Event.DIAL_REQUEST, at=at) for at in (closed.start - 0.1, closed.start, closed.end)]
    assert judge(rows, [], [], [closed]).out_of_hours == 1


def held(state: str = "dialing", *, recorded: bool = False, ended: bool = False) -> OpenAttempt:
    return OpenAttempt("a1", state, recorded, ended)


def test_a_stopped_worker_is_caught_at_the_point_it_was_at() -> None:
    placed = [row(Event.DIAL_REQUEST)]
    hangs = [Row(at=0, event=Event.FAULT, fault="hang_before", path="http://api/carriers/plivo/o/a1/answer")]
    cases = [
        (held("claimed"), [], Point.CLAIMED),
        (held(), [], Point.INTENT),
        (held(), hangs, Point.SENT),
        (held(), placed, Point.ACCEPTED),
        (held(recorded=True), placed, Point.RECORDED),
    ]
    for state, rows, point in cases:
        assert points_of_worker([state], rows) == {point}
    assert points_of_worker([held("unknown"), held(recorded=True, ended=True)], placed) == set()


def test_a_stopped_api_is_caught_with_a_callback_in_hand() -> None:
    over = [row(Event.HANGUP)]
    told = [*over, Row(at=0, event=Event.CALLBACK, callback="hangup", reference="a1")]
    assert points_of_api([held("ringing")], over, in_transaction=False) == {Point.CALLBACK}
    assert points_of_api([held("ringing")], over, in_transaction=True) == {Point.FINALISE}
    assert points_of_api([held("ringing")], told, in_transaction=False) == set()
    assert points_of_api([held("ringing", ended=True)], over, in_transaction=False) == set()
