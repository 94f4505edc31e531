"""Two machines that answer each other for ever: neither says anything new."""

from collections.abc import Iterable, Sequence

from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.rules.words import words_of

EXCHANGES = 3
"""So many times the same was said, by both sides: a person says something else, or hangs up."""
_ALIKE = 0.8
LATELY = 12
"""Turns that are looked at."""


def is_loop(turns: Iterable[TurnRecord]) -> bool:
    """Whether both sides have said what they said last at least `EXCHANGES` times within these, the latest turns.

    Recognizers hear the same words a little differently each time, so texts are alike when most words are shared.
    An agent that asks again because nothing came, or a caller who says yes to one question after another, is no loop:
    it takes both.
    """
    lately = tuple(turns)
    return all(_repeats(lately, speaker) for speaker in Speaker)


def _repeats(turns: Sequence[TurnRecord], speaker: Speaker) -> bool:
    said = [words_of(turn.text) for turn in turns if turn.speaker is speaker]
    if not said or not said[-1]:
        return False
    return sum(_alike(words, said[-1]) for words in said) >= EXCHANGES


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """By the share of words that both hold (Dice's coefficient over the sets)."""
    shared, all_words = len({*one} & {*other}), len({*one}) + len({*other})
    return bool(all_words) and 2 * shared / all_words >= _ALIKE
