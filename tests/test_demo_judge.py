"""The judge of a demo must catch what is wrong: a comparison that cannot fail proves nothing."""

from dataclasses import replace

import pytest

from voiceera.demo.judge import Ring, SaidAnswer, judge, taken_rightly
from voiceera.demo.outcome import CallEnd, ContactEnd, SpokenTurn, Tally
from voiceera.rules.calls import CallStatus, Speaker

ADA, BEN, CAL, DEV, EVE = (f"+1202555010{digit}" for digit in range(5))


def call(
    id_: str, number: str, status: CallStatus = CallStatus.COMPLETED, attempt: int = 1, **more: object
) -> CallEnd:
    talked = status in (CallStatus.COMPLETED, CallStatus.VOICEMAIL)
    facts: dict[str, object] = {
        "disposition": "confirmed" if status is CallStatus.COMPLETED else None,
        "answered_by": "human" if status is CallStatus.COMPLETED else None,
        "line": "l16_16k" if talked else None,
    }
    return CallEnd(
        id_,
        number,
        "Name",
        attempt,
        status,
        hangup_cause=None,
        duration_seconds=0.0,
        **(facts | more),  # type: ignore[arg-type]
    )


def heard(result: str | None, start_ms: int = 5000, step: str = "confirm") -> SpokenTurn:
    return SpokenTurn(Speaker.CALLER, "words", start_ms, start_ms + 900, step=step, result=result)


ANSWER = SaidAnswer(5050, 5900, "sure thing", "confirm")

RINGS = (
    Ring("a", ADA, "confirms", "l16_16k", (ANSWER,)),
    Ring("b1", BEN, "busy", None),
    Ring("b2", BEN, "busy", None),
    Ring("c", CAL, "voicemail", "l16_16k"),
    Ring("d", DEV, "opt_out", "ulaw_8k"),
    Ring("e1", EVE, "no_answer", None),
    Ring("e2", EVE, "no_answer", None),
)
CALLS = (
    call("a", ADA, turns=(heard("confirm"),)),
    call("b1", BEN, CallStatus.BUSY),
    call("b2", BEN, CallStatus.BUSY, 2),
    call("c", CAL, CallStatus.VOICEMAIL, answered_by="machine"),
    call("d", DEV, disposition="opted_out", line="ulaw_8k"),
    call("e1", EVE, CallStatus.NO_ANSWER),
    call("e2", EVE, CallStatus.NO_ANSWER, 2),
)
CONTACTS = (
    ContactEnd("Ada", ADA, "reached"),
    ContactEnd("Ben", BEN, "exhausted"),
    ContactEnd("Cal", CAL, "exhausted"),
    ContactEnd("Dev", DEV, "suppressed"),
    ContactEnd("Eve", EVE, "exhausted"),
)


def problems(
    rings: tuple[Ring, ...] = RINGS, calls: tuple[CallEnd, ...] = CALLS, contacts: tuple[ContactEnd, ...] = CONTACTS
) -> tuple[str, ...]:
    return judge(rings, calls, contacts).problems


def with_call(id_: str, **changes: object) -> tuple[CallEnd, ...]:
    return tuple(replace(each, **changes) if each.id == id_ else each for each in CALLS)  # type: ignore[arg-type]


def test_a_ledger_and_a_database_that_agree_are_fine() -> None:
    verdict = judge(RINGS, CALLS, CONTACTS)
    assert verdict.problems == ()
    assert (verdict.rings, verdict.doubled, verdict.lost) == (7, 0, 0)
    assert (verdict.understanding, verdict.by_line) == (Tally(1, 1), {"l16_16k": Tally(1, 1)})


def test_a_doubled_ring_is_caught() -> None:
    verdict = judge((*RINGS, RINGS[0]), CALLS, CONTACTS)
    assert verdict.doubled == 1
    assert "1 attempts rang more than once" in verdict.problems


def test_a_person_who_never_rang_is_lost() -> None:
    verdict = judge(RINGS[1:], CALLS[1:], CONTACTS)
    assert verdict.lost == 1
    assert f"{ADA} was never rung" in verdict.problems


def test_a_ring_that_the_database_does_not_know_is_caught() -> None:
    assert problems(rings=(*RINGS, Ring("x", ADA, "confirms", "l16_16k"))) == (
        f"{ADA} rang for an attempt that the database does not know",
    )


def test_a_call_that_never_rang_is_caught() -> None:
    assert problems(calls=(*CALLS, call("x", ADA))) == (f"the database knows a call to {ADA} that never rang",)


def test_a_call_that_rang_elsewhere_is_caught() -> None:
    swapped = (replace(RINGS[0], phone_number=CAL), *RINGS[1:], Ring("y", ADA, "confirms", None))
    assert f"the call to {ADA} rang at {CAL}" in problems(rings=swapped)


def test_a_line_that_was_another_is_caught() -> None:
    assert problems(calls=with_call("d", line="l16_16k")) == (
        f"the call to {DEV} was carried as ulaw_8k and stored as l16_16k",
    )


@pytest.mark.parametrize("state", ["pending", "in_progress"])
def test_a_person_left_in_the_middle_is_caught(state: str) -> None:
    left = (ContactEnd("Ada", ADA, state), *CONTACTS[1:])
    assert f"Ada ended in no final state, but {state}" in problems(contacts=left)


@pytest.mark.parametrize(
    ("id_", "changes", "problem"),
    [
        ("b2", {"status": CallStatus.NO_ANSWER}, "Ben, who plays busy, ended no_answer"),
        ("c", {"status": CallStatus.COMPLETED}, "Cal, who plays voicemail, ended completed"),
        ("c", {"answered_by": "human"}, "Cal, who plays voicemail, was taken for human"),
        ("d", {"disposition": "confirmed"}, "Dev, who plays opt_out, ended as confirmed"),
    ],
)
def test_a_role_taken_for_another_is_caught(id_: str, changes: dict[str, object], problem: str) -> None:
    assert problem in problems(calls=with_call(id_, **changes))


def test_one_who_asked_not_to_be_called_must_be_suppressed() -> None:
    contacts = tuple(replace(each, state="reached") if each.name == "Dev" else each for each in CONTACTS)
    assert problems(contacts=contacts) == ("Dev, who plays opt_out, is reached",)


def test_one_who_did_not_answer_must_be_tried_again() -> None:
    once = tuple(each for each in CALLS if each.id != "e2")
    rings = tuple(each for each in RINGS if each.reference != "e2")
    assert problems(rings=rings, calls=once) == ("Eve, who plays no_answer, was tried 1 times",)


@pytest.mark.parametrize(
    ("turns", "right"),
    [
        ([heard("confirm")], True),
        ([heard("Confirm", start_ms=6800)], True),
        ([heard("reschedule")], False),
        ([heard(None)], False),
        ([], False),
        ([heard("confirm", start_ms=9000)], False),
        ([heard("confirm", start_ms=1500), heard("reschedule", start_ms=5000)], False),
        ([heard("reschedule", start_ms=1500), heard("confirm", start_ms=5000)], True),
    ],
)
def test_an_answer_is_right_when_the_turn_at_its_time_was_taken_for_it(turns: list[SpokenTurn], right: bool) -> None:
    assert taken_rightly(ANSWER, turns) is right


def test_an_agent_that_talks_over_people_is_caught() -> None:
    deaf = (replace(RINGS[0], stopped_ms=(120.0, float("inf"))), *RINGS[1:])
    assert problems(rings=deaf) == (f"{ADA} was talked over",)


def test_what_is_out_of_domain_is_not_counted() -> None:
    aside = (SaidAnswer(1000, 2000, "the weather is lovely", None),)
    verdict = judge((replace(RINGS[0], said=aside), *RINGS[1:]), CALLS, CONTACTS)
    assert verdict.understanding == Tally(0, 0)
