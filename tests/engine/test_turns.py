"""Whole conversations, in virtual time."""

from datetime import date

import pytest

from tests.engine.talk import Talk
from voiceera.rules.calls import HangupCause, Speaker
from voiceera.rules.expectation import Expectation
from voiceera.rules.flows import Expect
from voiceera.rules.turn_events import (
    CallerTurn,
    End,
    Expecting,
    Forget,
    HangupRequested,
    Hush,
    Opening,
    OptedOut,
    Partial,
    ProviderFailed,
    Resume,
    Say,
    Sentence,
    Silence,
    SpeechStarted,
    Think,
    Timer,
    TimerFired,
    Understood,
    Yield,
)
from voiceera.rules.turn_policy import TurnPolicy
from voiceera.rules.turn_state import Floor, heard_part

YES_NO = Expecting(Expectation("ask", Expect(type="yes_no"), date(2026, 11, 24)))
FOUR_DIGITS = Expecting(Expectation("code", Expect(type="keypad", digits=4), date(2026, 11, 24)))
QUESTION = "Can you come on Tuesday at ten?"  # 31 characters: 1.55 s
LONG = "This is a rather long explanation of everything that you never wanted to know."  # 3.9 s


def test_question_answer_goodbye() -> None:
    talk = Talk(
        [YES_NO, "Hello.", QUESTION],
        [Understood("ask", "yes"), "See you then. Goodbye.", End("confirmed")],
    )
    talk.caller(3.0, "yes that's fine").run()
    assert talk.said == [f"agent: Hello. {QUESTION}", "caller: yes that's fine", "agent: See you then. Goodbye."]
    assert (talk.turns[1].step, talk.turns[1].result) == ("ask", "yes")
    assert talk.hangup is not None
    assert (talk.hangup.cause, talk.hangup.disposition) == (HangupCause.AGENT_ENDED, "confirmed")


def test_the_turns_say_when_they_were() -> None:
    talk = Talk([QUESTION], ["Fine.", End()]).caller(3.0, "yes", 0.5).run()
    question, answer, _ = talk.turns
    assert (question.start_ms, question.end_ms) == (0, 1550)
    assert (answer.start_ms, answer.end_ms) == (3000, 3500)


# ── the caller's turn ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_complete_answer_is_taken_sooner_than_an_open_one() -> None:
    open_question = Talk([QUESTION]).caller(3.0, "maybe a bit later then").run(6.0)
    yes_or_no = Talk([YES_NO, QUESTION]).caller(3.0, "yes").run(6.0)
    assert open_question.times(Think)[1] == pytest.approx(3.8 + 0.6, abs=0.01)
    assert yes_or_no.times(Think)[1] == pytest.approx(3.8 + 0.34, abs=0.01)  # its words come after 0.3 s


def test_an_unfinished_sentence_is_waited_for() -> None:
    talk = Talk([QUESTION]).caller(3.0, "my number is").caller(4.6, "five five five").run(8.0)
    assert [about.text for about in talk.thoughts if isinstance(about, CallerTurn)] == ["my number is five five five"]


def test_noise_without_words_is_no_turn() -> None:
    talk = Talk([QUESTION]).caller(3.0, "").run(6.0)
    assert talk.thoughts == [Opening()]
    assert talk.conversation.floor is Floor.LISTENING


def test_words_that_nobody_expected_are_a_turn_that_was_not_understood() -> None:
    talk = Talk([QUESTION]).caller(3.0, "the weather is nice", rejected=True).run(6.0)
    assert isinstance(talk.thoughts[1], CallerTurn)
    assert talk.thoughts[1].rejected


# ── barge-in ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_agent_falls_silent_at_the_first_sure_speech_and_the_turn_is_the_callers_once_it_has_words() -> None:
    talk = Talk([LONG, "And more."], ["Sorry."]).caller(4.0 - 0.8, "wait a moment please", 0.8).run(8.0)
    assert talk.times(Yield) == [3.3]
    assert talk.times(Hush) == [4.6]
    assert talk.said[0] == "agent: This is a rather long explanation of everything that you never –"
    assert talk.said[1] == "caller: wait a moment please"
    assert talk.conversation.interruptions == 1


def test_a_cough_does_not_interrupt() -> None:
    talk = Talk([LONG]).caller(1.0, "", 0.2).run(8.0)
    assert (talk.times(Yield), talk.times(Resume)) == ([1.1], [1.49])
    assert talk.times(Forget) == [1.49]
    assert talk.said == [f"agent: {LONG}"]
    assert talk.conversation.interruptions == 0


def test_a_long_noise_without_words_does_not_interrupt_either() -> None:
    talk = Talk([LONG]).caller(1.0, "", 1.5).run(10.0)
    assert talk.said == [f"agent: {LONG}"]


def test_a_nod_does_not_interrupt() -> None:
    talk = Talk([QUESTION], [LONG]).caller(2.0, "tell me more please").caller(5.0, "uh huh okay", 0.7).run(12.0)
    assert talk.said[2:] == ["caller: uh huh okay", f"agent: {LONG}"]


def test_yes_is_an_answer_when_a_yes_is_awaited() -> None:
    talk = Talk(["Hi."], [YES_NO, LONG], ["Fine."]).caller(1.0, "who is this there").caller(5.0, "yes", 0.5).run(9.0)
    assert [about.text for about in talk.thoughts if isinstance(about, CallerTurn)] == ["who is this there", "yes"]


def test_hello_answers_the_telephone_not_the_agent() -> None:
    talk = Talk([YES_NO, LONG]).caller(0.4, "yes hello", 0.6).run(8.0)
    assert talk.said == ["caller: yes hello", f"agent: {LONG}"]


def test_a_short_hello_taken_for_something_else_is_a_hello_all_the_same() -> None:
    talk = Talk([YES_NO, LONG]).caller(0.4, "fine", 0.4).run(8.0)
    assert talk.said == ["caller: fine", f"agent: {LONG}"]
    assert len(talk.thoughts) == 1


def test_stop_calling_me_is_no_hello_however_early() -> None:
    talk = Talk([YES_NO, LONG]).caller(0.4, "stop calling me", 0.9).run(20.0)
    assert talk.hangup is not None
    assert talk.hangup.cause is HangupCause.OPTED_OUT


def test_an_agent_that_rings_somebody_lets_them_say_hello() -> None:
    talk = Talk(["Hello, Acme."], policy=TurnPolicy(hello_wait=1.0)).caller(0.5, "hi", 0.4).run(5.0)
    assert talk.said[:2] == ["caller: hi", "agent: Hello, Acme."]
    assert talk.thoughts == [Opening("hi")]
    assert not talk.conversation.interruptions


def test_it_does_not_wait_long_for_that_hello() -> None:
    talk = Talk(["Hello, Acme."], policy=TurnPolicy(hello_wait=1.0)).run(5.0)
    assert talk.times(Say) == [1.0]


def test_a_noise_in_place_of_a_hello_starts_the_wait_again() -> None:
    talk = Talk(["Hello, Acme."], policy=TurnPolicy(hello_wait=1.0)).caller(0.5, "", 0.3).run(5.0)
    assert talk.thoughts == [Opening()]
    assert 1.5 < talk.times(Say)[0] < 3.0


def test_two_words_take_the_floor_before_the_time_is_up() -> None:
    talk = Talk([LONG], policy=TurnPolicy(barge_in_confirm=2.0))
    talk.caller(1.0, "no stop it", 1.0).happens(Partial("no stop"), 1.4).run(1.5)
    assert talk.conversation.floor is Floor.HEARING


def test_a_notice_that_may_not_be_interrupted_is_said_in_full() -> None:
    talk = Talk([Sentence(LONG, interruptible=False), QUESTION]).caller(1.0, "let me tell you", 1.0).run(5.7)
    assert talk.times(Yield) == []
    assert talk.said[0] == "caller: let me tell you"
    assert talk.said[1] == f"agent: {LONG} {QUESTION}"


def test_who_speaks_on_when_interrupting_is_allowed_again_is_heard() -> None:
    talk = Talk([Sentence(LONG, interruptible=False), LONG]).caller(3.0, "but I want to say something", 2.0).run(9.0)
    assert talk.said[:2] == [f"agent: {LONG} –", "caller: but I want to say something"]


def test_barge_in_can_be_switched_off() -> None:
    talk = Talk([LONG], policy=TurnPolicy(barge_in=False)).caller(1.0, "stop that now").run(5.0)
    assert talk.times(Yield) == []


def test_what_follows_a_reply_that_was_not_heard_does_not_answer_it() -> None:
    talk = (
        Talk([QUESTION], [YES_NO, LONG], thinking=0.3).caller(3.0, "well I think").caller(4.6, "yes it is").run(9.0)
    )
    last = talk.thoughts[-1]
    assert isinstance(last, CallerTurn)
    assert last.unheard


def test_speech_while_the_brain_thinks_is_heard_out_first() -> None:
    talk = Talk(["Hi."], ["First reply."], thinking=1.0).caller(2.0, "one thing please").caller(4.0, "two things")
    talk.run(12.0)
    assert talk.said[1:4] == ["caller: one thing please", "caller: two things", "agent: Go on."]


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_silence_is_broken_twice_then_the_brain_gives_up() -> None:
    talk = Talk(["Hi."], ["There?"], ["Hello?"], ["Goodbye.", End("no_response")]).run()
    assert talk.thoughts == [Opening(), Silence(1, False), Silence(2, False), Silence(3, True)]
    assert talk.hangup is not None
    assert talk.hangup.cause is HangupCause.CALLER_SILENT


def test_an_answer_starts_the_counting_again() -> None:
    talk = Talk(["Hi."], ["There?"]).caller(10.0, "yes I am here").run(25.0)
    assert [about.count for about in talk.thoughts if isinstance(about, Silence)] == [1, 1]


def test_the_brain_may_go_another_way_after_silence() -> None:
    talk = Talk(["Hi."], ["There?"], ["Hello?"], ["Then let me ask something else."]).run(30.0)
    assert talk.ended_as is None


def test_a_brain_without_words_for_silence_ends_the_call_all_the_same() -> None:
    talk = Talk(["Hi."], [], [], []).run()
    assert talk.ended_as is HangupCause.CALLER_SILENT


def test_silence_for_too_long_hangs_up_whatever_the_reprompts_say() -> None:
    talk = Talk(["Hi."], policy=TurnPolicy(reprompt_after=60.0, silence_hangup=20.0)).run()
    assert talk.ended_as is HangupCause.CALLER_SILENT
    assert talk.done[-1][0] == pytest.approx(20.15, abs=0.01)


def test_noise_does_not_keep_a_silent_call_alive() -> None:
    talk = Talk(["Hi."], policy=TurnPolicy(reprompt_after=15.0, silence_hangup=30.0))
    for start in range(2, 100, 4):
        talk.caller(float(start), "", 1.0)
    assert talk.run().ended_as is HangupCause.CALLER_SILENT


def test_no_call_is_longer_than_its_maximum() -> None:
    talk = Talk(policy=TurnPolicy(maximum_duration=30.0))
    for start in range(2, 100, 3):
        talk.caller(float(start), f"{start}, {7 * start}, {13 * start}")
    talk.run()
    assert talk.ended_as is HangupCause.MAXIMUM_DURATION
    assert talk.done[-1][0] == 30.0


def test_an_agent_may_wait_for_the_caller_to_speak_first() -> None:
    talk = Talk(["Hello, Acme."], policy=TurnPolicy(greet_first=False)).caller(1.0, "hello there you").run(5.0)
    assert talk.thoughts == [Opening("hello there you")]
    assert talk.said == ["caller: hello there you", "agent: Hello, Acme."]


def test_it_speaks_all_the_same_if_the_caller_does_not() -> None:
    talk = Talk(["Hello, Acme."], policy=TurnPolicy(greet_first=False)).run(9.0)
    assert talk.said == ["agent: Hello, Acme."]


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_a_turn_as_soon_as_there_are_enough() -> None:
    talk = Talk([FOUR_DIGITS, QUESTION]).presses(3.0, "1234").run(3.7)
    assert [about.digits for about in talk.thoughts if isinstance(about, CallerTurn)] == ["1234"]


def test_the_hash_key_ends_them_early_and_a_pause_does_too() -> None:
    hashed = Talk([FOUR_DIGITS, QUESTION]).presses(3.0, "12#").run(3.5)
    paused = Talk([FOUR_DIGITS, QUESTION]).presses(3.0, "12").run(6.0)
    for talk in (hashed, paused):
        assert [about.digits for about in talk.thoughts if isinstance(about, CallerTurn)] == ["12"]


def test_a_key_interrupts_the_question() -> None:
    talk = Talk([YES_NO, LONG], ["Fine.", End("confirmed")]).presses(1.0, "1").run()
    assert talk.said[0].endswith("–")
    assert talk.ended_as is HangupCause.AGENT_ENDED


def test_keys_pressed_during_a_notice_are_taken_after_it() -> None:
    talk = Talk([FOUR_DIGITS, Sentence(LONG, interruptible=False)]).presses(1.0, "1234").run(5.0)
    assert talk.times(Think)[1] == pytest.approx(3.9, abs=0.01)


# ── endings ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_opt_out_is_obeyed_before_the_brain_hears_of_it() -> None:
    talk = Talk([QUESTION]).caller(3.0, "please stop calling me").run()
    assert talk.conversation.opted_out
    assert talk.ended_as is HangupCause.OPTED_OUT
    assert talk.thoughts == [Opening()]
    assert talk.said[-1] == f"agent: {talk.policy.opt_out_reply}"


def test_an_opt_out_that_the_brain_understood_ends_the_call_too() -> None:
    talk = Talk([QUESTION], [Understood("ask", "opt_out"), "All right.", OptedOut(), End("opted_out")])
    talk.caller(3.0, "no more of this for me").run()
    assert (talk.conversation.opted_out, talk.ended_as) == (True, HangupCause.OPTED_OUT)


def test_an_opt_out_over_a_notice_counts() -> None:
    talk = Talk([Sentence(LONG, interruptible=False)]).caller(1.0, "do not call me again").run()
    assert (talk.conversation.opted_out, talk.ended_as) == (True, HangupCause.OPTED_OUT)


def test_an_opt_out_over_the_goodbye_counts_and_the_goodbye_stands() -> None:
    talk = Talk([QUESTION], ["Goodbye then.", End("confirmed")])
    talk.caller(3.0, "yes all right").caller(4.6, "and take me off your list", 1.2).run()
    assert talk.conversation.opted_out
    assert talk.hangup is not None
    assert talk.hangup.disposition == "confirmed"


def test_what_was_said_just_before_hanging_up_is_still_read() -> None:
    talk = Talk([QUESTION])
    talk.caller(3.0, "stop calling me", 5.0).hangs_up(4.0).run()
    assert talk.conversation.opted_out
    assert talk.ended_as is HangupCause.CALLER_HUNG_UP
    assert talk.said[-1] == "caller: stop calling me"


def test_hanging_up_cuts_what_the_agent_was_saying() -> None:
    talk = Talk([LONG]).hangs_up(1.0).run()
    assert talk.said == ["agent: This is a rather long –"]
    assert talk.conversation.interruptions == 0


def test_somebody_outside_may_end_the_call_at_any_time() -> None:
    talk = Talk([LONG]).happens(HangupRequested(HangupCause.SHUTTING_DOWN), 1.0).run()
    assert talk.ended_as is HangupCause.SHUTTING_DOWN


def test_a_failed_brain_apologizes_and_a_failed_voice_cannot() -> None:
    silent_brain = Talk([QUESTION], [ProviderFailed()]).caller(3.0, "yes that is fine").run()
    assert silent_brain.said[-1] == f"agent: {silent_brain.policy.apology}"
    no_voice = Talk([QUESTION]).happens(ProviderFailed(speechless=True), 1.0).run()
    assert (silent_brain.ended_as, no_voice.ended_as) == (HangupCause.PROVIDER_FAILED, HangupCause.PROVIDER_FAILED)


def test_after_the_end_nothing_happens() -> None:
    talk = Talk([QUESTION]).hangs_up(1.0).run(2.0)
    assert talk.conversation.on(SpeechStarted(3.0), 3.1) == []
    assert talk.conversation.on(TimerFired(Timer.DURATION), 900.0) == []


# ── answering machines ───────────────────────────────────────────────────────────────────────────────────────────

LEAVE = TurnPolicy(voicemail="leave_message", voicemail_message="Please call us back.")


def test_a_machine_is_hung_up_on() -> None:
    talk = Talk([LONG]).caller(0.3, "you have reached", 6.0).machine(3.4).run()
    assert talk.ended_as is HangupCause.VOICEMAIL


def test_a_message_is_left_after_the_beep() -> None:
    talk = Talk([LONG], policy=LEAVE).caller(0.3, "leave a message", 4.0).machine(3.4).beep(5.0).run()
    assert talk.said[-1] == "agent: Please call us back."
    assert talk.agent_turns()[-1].start_ms == 5500
    assert talk.ended_as is HangupCause.VOICEMAIL


def test_a_message_is_left_after_a_silence_where_no_beep_comes() -> None:
    talk = Talk([LONG], policy=LEAVE).caller(0.3, "leave a message", 4.0).machine(3.4).run()
    assert talk.agent_turns()[-1].start_ms == 7300


def test_a_beep_that_gives_the_machine_away_is_the_one_to_speak_after() -> None:
    talk = Talk([LONG], policy=LEAVE).machine(4.0).beep(4.0).run()
    assert talk.agent_turns()[-1].start_ms == 4500


def test_a_machine_may_be_talked_to() -> None:
    talk = Talk([QUESTION], policy=TurnPolicy(voicemail="continue")).machine(1.0).run(5.0)
    assert talk.ended_as is None


@pytest.mark.parametrize(
    ("share", "heard"),
    [(0.0, ""), (0.1, ""), (0.5, "one two"), (0.99, "one two three"), (1.0, "one two three")],
)
def test_only_whole_words_count_as_heard(share: float, heard: str) -> None:
    assert heard_part("one two three", share) == heard


def test_a_turn_has_one_speaker() -> None:
    talk = Talk([QUESTION]).caller(3.0, "yes").run(6.0)
    assert {turn.speaker for turn in talk.turns} == {Speaker.AGENT, Speaker.CALLER}


# ── a reply that takes long ──────────────────────────────────────────────────────────────────────────────────────

PATIENT = TurnPolicy(filler_after=1.0, fillers=("One moment, please.", "Let me see."))


def test_a_reply_that_takes_long_is_preceded_by_a_filler_and_each_time_by_another() -> None:
    talk = Talk([QUESTION], ["It is on its way."], ["Yes."], policy=PATIENT, thinking=2.5)
    talk.caller(6.0, "where is my parcel").caller(14.0, "is it far").run(until=24.0)
    assert talk.said == [
        f"agent: {QUESTION}",
        "caller: where is my parcel",
        "agent: Let me see. It is on its way.",
        "caller: is it far",
        "agent: One moment, please. Yes.",
    ]


def test_a_reply_that_comes_soon_needs_no_filler() -> None:
    talk = Talk([QUESTION], ["It is on its way."], policy=PATIENT, thinking=0.5)
    talk.caller(5.0, "where is my parcel").run(until=12.0)
    assert talk.said[-1] == "agent: It is on its way."


def test_a_greeting_and_a_reprompt_are_preceded_by_none() -> None:
    talk = Talk([QUESTION], ["Are you there?"], policy=PATIENT, thinking=2.5).run(until=18.0)
    assert talk.said == [f"agent: {QUESTION}", "agent: Are you there?"]


def test_who_interrupts_a_filler_is_heard() -> None:
    talk = Talk([QUESTION], ["It is on its way."], ["To Maple Street."], policy=PATIENT, thinking=2.5)
    talk.caller(6.0, "where is my parcel").caller(8.6, "I mean the second one", 1.2).run(until=20.0)
    assert talk.said[:2] == [f"agent: {QUESTION}", "caller: where is my parcel"]
    assert talk.said[-2] == "caller: I mean the second one"
    assert talk.said[-1].endswith("To Maple Street.")


def test_a_reply_that_fails_after_a_filler_is_apologized_for() -> None:
    talk = Talk([QUESTION], [ProviderFailed()], policy=PATIENT, thinking=2.5)
    talk.caller(6.0, "where is my parcel").run(until=20.0)
    assert talk.said[-1] == f"agent: {PATIENT.apology}"
    assert talk.hangup is not None and talk.hangup.cause is HangupCause.PROVIDER_FAILED
