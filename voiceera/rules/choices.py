"""Which of a step's choices was meant: by likeness to their wordings, so that recognition errors do little."""

import itertools
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

from voiceera.rules.wordings import WORDINGS, Meaning
from voiceera.rules.words import words_of

_UNIMPORTANT = frozenset(
    "a an the i i'm i'd i'll it it's is to for me my you we be of on in at and that that's this please would could "
    "can do does have like want need um uh well oh so just let's let there will if".split()
)
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
    """The choice whose wordings are most like the words, if like enough and clearly more than the others'."""
    wordings = choice_wordings(tuple((name, tuple(phrases)) for name, phrases in choices.items()))
    weights = _weights(wordings)
    scored = sorted(
        ((max(_likeness(words, wording, weights) for wording in known), name) for name, known in wordings),
        reverse=True,
    )
    best, name = scored[0]
    runner_up = scored[1][0] if len(scored) > 1 else 0.0
    return name if best >= _LEAST_SCORE and best - runner_up >= _LEAST_LEAD else None


@lru_cache(maxsize=512)
def choice_wordings(
    choices: tuple[tuple[str, tuple[str, ...]], ...],
) -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
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
