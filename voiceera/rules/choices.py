"""Which of a step's choices was meant.

By its own word where it has one ("monday"); by turns of phrase where it has a meaning that every conversation knows
("another day"); else by likeness to its wordings, so that recognition errors do little.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

from voiceera.rules.meanings import meaning_of
from voiceera.rules.wordings import WORDINGS, Meaning
from voiceera.rules.words import words_of

Choices = tuple[tuple[str, tuple[str, ...]], ...]

_UNIMPORTANT = frozenset(
    "a an the i i'm i'd i'll it it's is to for me my you we be of on in at and that that's this please would could "
    "can do does have like want need um uh well oh so just let's let there will if".split()
)
_DENYING = frozenset("not no except but isn't can't don't than".split())
_LONGEST_NAMING = 12
"""More words than these tell of something else, whatever is named among them."""
_LEAST_SCORE = 0.4
_LEAST_LEAD = 0.03
_MEANINGS_OF_CHOICES = (
    Meaning.YES,
    Meaning.NO,
    Meaning.RESCHEDULE,
    Meaning.CANCEL,
    Meaning.CALL_LATER,
    Meaning.HUMAN,
)


def choose(choices: Mapping[str, Iterable[str]], words: tuple[str, ...]) -> str | None:
    """The choice that the words mean; None if they mean none, or two."""
    told = tuple((name, tuple(phrases)) for name, phrases in choices.items())
    return _named(told, words) or _meant(told, words) or _likest(told, words)


def _named(choices: Choices, words: tuple[str, ...]) -> str | None:
    """The only choice whose own word was said: one that no other choice has, and that is no turn of phrase."""
    if len(words) > _LONGEST_NAMING:
        return None
    said = [_stem(word) for index, word in enumerate(words) if not _is_denied(words[:index])]
    named = {name for name, own in _own_words(choices) if not own.isdisjoint(said)}
    return named.pop() if len(named) == 1 else None


def _is_denied(before: tuple[str, ...]) -> bool:
    """Whether "not" or its like stands right before, but for small words."""
    return next((word in _DENYING for word in reversed(before) if word not in _UNIMPORTANT), False)


@lru_cache(maxsize=512)
def _own_words(choices: Choices) -> tuple[tuple[str, frozenset[str]], ...]:
    words = {name: _stems((name.replace("_", " "), *phrases)) for name, phrases in choices}
    shared = {name: set().union(*(found for other, found in words.items() if other != name)) for name in words}
    return tuple(
        (name, frozenset(words[name] - shared[name])) for name, phrases in choices if not _meanings(name, phrases)
    )


def _stems(phrases: Iterable[str]) -> set[str]:
    return {_stem(word) for phrase in phrases for word in words_of(phrase) if word not in _UNIMPORTANT}


def _stem(word: str) -> str:
    return word.removesuffix("'s").removesuffix("s")


def _meant(choices: Choices, words: tuple[str, ...]) -> str | None:
    meaning = meaning_of(words)
    for name, phrases in choices:
        if meaning in _meanings(name, phrases):
            return name
    return None


def _likest(choices: Choices, words: tuple[str, ...]) -> str | None:
    """The choice whose wordings are most like the words, if like enough and clearly more than the others'."""
    wordings = choice_wordings(choices)
    weights = _weights(wordings)
    scored = sorted(
        ((max(_likeness(words, wording, weights) for wording in known), name) for name, known in wordings),
        reverse=True,
    )
    best, name = scored[0]
    runner_up = scored[1][0] if len(scored) > 1 else 0.0
    return name if best >= _LEAST_SCORE and best - runner_up >= _LEAST_LEAD else None


@lru_cache(maxsize=512)
def choice_wordings(choices: Choices) -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
    """Each choice with all that it may be said as: its phrases, its name, and the wordings of what it means."""
    claimed = {name: _meanings(name, phrases) for name, phrases in choices}
    result = []
    for name, phrases in choices:
        own = dict.fromkeys(words_of(phrase) for phrase in (*phrases, name.replace("_", " ")))
        for meaning in claimed[name]:
            own.update(dict.fromkeys(words_of(wording) for wording in WORDINGS[meaning]))
        own.pop((), None)
        result.append((name, tuple(own)))
    return tuple(result)


def plain_wordings(choices: Choices) -> tuple[str, ...]:
    """The phrases of the choices that have none of the common meanings: "monday", "the second one"."""
    return tuple(
        " ".join(words)
        for name, phrases in choices
        if not _meanings(name, phrases)
        for words in dict.fromkeys(words_of(phrase) for phrase in (*phrases, name.replace("_", " ")))
        if words
    )


def _meanings(name: str, phrases: tuple[str, ...]) -> tuple[Meaning, ...]:
    """The common meanings that a choice speaks of, by its name or a phrase that is the meaning's own first word."""
    said = {name.replace("_", " "), *(" ".join(words_of(phrase)) for phrase in phrases)}
    signs = {Meaning.YES: {"yes", "confirm"}, Meaning.CALL_LATER: {"call me back", "call later"}}
    return tuple(meaning for meaning in _MEANINGS_OF_CHOICES if said & (signs.get(meaning) or {meaning.value}))


@lru_cache(maxsize=512)
def _weights(wordings: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]) -> dict[str, float]:
    """How much a word tells: 1 if it belongs to one choice only, less the more choices share it."""
    owners: dict[str, set[str]] = {}
    for name, known in wordings:
        for wording in known:
            for word in wording:
                owners.setdefault(word, set()).add(name)
    return {word: (0.25 if word in _UNIMPORTANT else 1.0) / math.sqrt(len(names)) for word, names in owners.items()}


def _likeness(heard: tuple[str, ...], wording: tuple[str, ...], weights: Mapping[str, float]) -> float:
    """0 … 1: what the two share, by weight (Dice's coefficient over words and neighbouring pairs)."""

    def bag(words: tuple[str, ...]) -> dict[tuple[str, ...], float]:
        weight = {word: weights.get(word, 0.15 if word in _UNIMPORTANT else 0.5) for word in words}
        pieces: dict[tuple[str, ...], float] = {(word,): weight[word] for word in words}
        pieces.update((pair, sum(weight[word] for word in pair) / 2) for pair in itertools.pairwise(words))
        return pieces

    one, other = bag(heard), bag(wording)
    shared = sum(weight for piece, weight in one.items() if piece in other)
    return 2 * shared / (sum(one.values()) + sum(other.values()))
