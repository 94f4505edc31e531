from voiceera.rules.answering import AnsweringMachine
from voiceera.rules.calls import AnsweredBy


def test_a_short_hello_and_a_pause_is_a_person() -> None:
    machine = AnsweringMachine()
    machine.speech_started(0.4)
    machine.speech_stopped(0.9)
    assert machine.tick(1.2) is None
    assert machine.tick(1.9) is AnsweredBy.HUMAN


def test_somebody_who_listens_first_is_a_person_however_long_they_speak_then() -> None:
    machine = AnsweringMachine()
    assert machine.tick(4.0) is None
    assert machine.speech_started(6.0) is AnsweredBy.HUMAN
    machine.speech_stopped(12.0)
    assert machine.tick(13.0) is AnsweredBy.HUMAN


def test_an_opening_that_does_not_end_is_a_machine() -> None:
    machine = AnsweringMachine()
    machine.speech_started(0.5)
    assert machine.tick(3.4) is None
    assert machine.tick(3.6) is AnsweredBy.MACHINE


def test_short_breaths_do_not_make_a_machine_a_person() -> None:
    machine = AnsweringMachine()
    machine.speech_started(0.5)
    machine.speech_stopped(2.0)
    machine.speech_started(2.4)
    assert machine.tick(3.6) is AnsweredBy.MACHINE


def test_a_machines_words_decide_at_once() -> None:
    machine = AnsweringMachine()
    machine.speech_started(0.5)
    assert machine.heard("please leave a message", 1.8) is AnsweredBy.MACHINE


def test_a_beep_turns_a_short_greeting_into_a_machine() -> None:
    machine = AnsweringMachine()
    machine.speech_started(0.3)
    machine.speech_stopped(1.0)
    assert machine.tick(2.5) is AnsweredBy.HUMAN
    assert machine.beeped(3.0) is AnsweredBy.MACHINE


def test_a_tone_in_the_middle_of_a_conversation_means_nothing() -> None:
    machine = AnsweringMachine()
    machine.speech_started(5.0)
    assert machine.beeped(60.0) is AnsweredBy.HUMAN
