"""Calls that the caller puts on hold."""

from tests.engine.talk import Talk
from tests.engine.test_turns import LONG, QUESTION, YES_NO
from voiceera.rules.calls import HangupCause
from voiceera.rules.turn_events import End, PutOnHold, Resume, TakenOffHold, Understood, Yield

HELD, ON = PutOnHold(), TakenOffHold()


def test_nobody_asks_who_is_there_while_the_call_is_on_hold() -> None:
    talk = Talk([QUESTION]).happens(HELD, 3.0).happens(ON, 300.0).run(305.0)
    assert talk.said == [f"agent: {QUESTION}"]
    assert talk.run(312.0).said == [f"agent: {QUESTION}", "agent: Go on."]


def test_a_sentence_goes_on_where_it_was_put_on_hold() -> None:
    talk = Talk([LONG]).happens(HELD, 1.0).happens(ON, 60.0).run(70.0)
    assert talk.times(Yield) == [1.0]
    assert talk.times(Resume) == [60.0]
    assert talk.said == [f"agent: {LONG}"]


def test_what_was_said_before_the_hold_is_answered_after_it() -> None:
    talk = Talk([YES_NO, QUESTION], [Understood("ask", "yes"), "Fine.", End("confirmed")])
    talk.caller(3.0, "yes", 0.5).happens(HELD, 3.3).happens(ON, 30.0).run()
    assert talk.said == [f"agent: {QUESTION}", "caller: yes", "agent: Fine."]
    assert talk.agent_turns()[-1].start_ms >= 30_000


def test_what_is_said_on_hold_is_not_heard() -> None:
    talk = Talk([QUESTION]).happens(HELD, 3.0).caller(5.0, "not for you").happens(ON, 10.0).run(12.0)
    assert talk.said == [f"agent: {QUESTION}"]


def test_a_call_on_hold_ends_at_its_longest_duration_all_the_same() -> None:
    assert Talk([QUESTION]).happens(HELD, 3.0).run().ended_as is HangupCause.MAXIMUM_DURATION


def test_the_caller_may_hang_up_on_hold() -> None:
    talk = Talk([LONG]).happens(HELD, 1.0).hangs_up(5.0).run()
    assert talk.ended_as is HangupCause.CALLER_HUNG_UP
