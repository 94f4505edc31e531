from datetime import date

import pytest

from benchmarks import held_out, wordings
from voiceera.demo.flow import APPOINTMENT
from voiceera.lab.callees.script import IN_DOMAIN
from voiceera.lab.callees.wordings import wordings as lab_wordings
from voiceera.rules.answers import interpret
from voiceera.rules.choices import choose
from voiceera.rules.flows import AskStep
from voiceera.rules.meanings import meaning_of
from voiceera.rules.phrases import flow_phrases
from voiceera.rules.wordings import Meaning
from voiceera.rules.words import words_of

DAYS = {"monday": ("monday please",), "wednesday": ("wednesday please",), "friday": ("friday please",)}
VISIT = {"confirm": ("yes", "I'll be there"), "reschedule": ("another day",), "cancel": ("please cancel it",)}


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("I'm planning on it", Meaning.YES),
        ("I should be able to make it", Meaning.YES),
        ("yes no need to change it", Meaning.YES),
        ("we have to move it to the week after", Meaning.RESCHEDULE),
        ("no I need to reschedule", Meaning.RESCHEDULE),
        ("I will not be able to make it", Meaning.RESCHEDULE),
        ("yes but could I have a later time", Meaning.RESCHEDULE),
        ("go ahead and cancel it", Meaning.CANCEL),
        ("oh don't cancel it I'll be there", Meaning.YES),
        ("I am looking for a house with three bedrooms near the station", None),
        ("my brother likes green", None),
    ],
)
def test_a_turn_of_phrase_tells_what_is_meant(said: str, meaning: Meaning | None) -> None:
    assert meaning_of(words_of(said)) is meaning


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("I think Monday is good", "monday"),
        ("Wednesdays are better for me", "wednesday"),
        ("not Monday, Friday", "friday"),
        ("Monday or Friday", None),
        ("the garden", None),
        ("I already paid this bill last Friday and I would like to know where the letter went", None),
    ],
)
def test_a_choice_is_known_by_the_word_that_is_its_own(said: str, day: str | None) -> None:
    assert choose(DAYS, words_of(said)) == day


@pytest.mark.parametrize("said", ["what", "the cat is on the table", "blue"])
def test_what_means_none_of_the_choices_chooses_none(said: str) -> None:
    assert choose(VISIT, words_of(said)) is None


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("that is right thank you", "yes"),
        ("you got it", "yes"),
        ("that's not it", "no"),
        ("I will not be able to", "no"),
        ("I am looking for a house with three bedrooms near the station", None),
    ],
)
def test_yes_and_no_come_in_many_words(said: str, answer: str | None) -> None:
    step = APPOINTMENT.steps["read_back"]
    assert isinstance(step, AskStep)
    assert interpret(step.expect, said, date(2026, 6, 1)) == answer


def test_no_answer_of_a_callee_is_word_for_word_what_the_platform_expects() -> None:
    told = {words_of(phrase) for phrase in flow_phrases(APPOINTMENT)}
    said = {words_of(way) for intent in IN_DOMAIN for way in lab_wordings()[intent]}
    assert len(said) >= 60
    assert not said & told


def test_the_sets_that_are_measured_by_share_no_wording() -> None:
    learned, measured = (
        {words_of(way) for results in each.ANSWERS.values() for ways in results.values() for way in ways}
        for each in (wordings, held_out)
    )
    assert not learned & measured
