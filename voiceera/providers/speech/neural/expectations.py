"""How likely a word is after others, by what is expected in the call and at the present question."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voiceera.rules.language_model import END, LanguageModel, Words

UNEXPECTED = -12.0
"""Logarithm of the probability of a word that no model has: speech about something else stays possible."""
_MOST_CONTEXTS = 20_000
Vector = npt.NDArray[np.float64]


class Expectations:
    """Language models mixed by their shares. Answers are natural logarithms."""

    def __init__(self, models: Sequence[tuple[LanguageModel, float]]) -> None:
        self._words = sorted({word for model, _ in models for word in model.vocabulary})
        index = {word: place for place, word in enumerate((*self._words, END))}
        self._index = index
        self._tables = [(_Table(model, index), share) for model, share in models]
        self._known: dict[Words, Vector] = {}
        self._begun: dict[tuple[str, Words], float] = {}

    def word(self, word: str, context: Words) -> float:
        """`context`: the two words before it, `<s>` among them."""
        place = self._index.get(word)
        return UNEXPECTED if place is None else float(self._after(context)[place])

    def end(self, context: Words) -> float:
        """Of nothing more being said."""
        return float(self._after(context)[-1])

    def beginning(self, letters: str, context: Words) -> float:
        """Of the likeliest word that begins so."""
        key = (letters, context)
        if (known := self._begun.get(key)) is None:
            first = bisect_left(self._words, letters)
            last = bisect_left(self._words, letters + "\uffff")
            known = float(self._after(context)[first:last].max()) if last > first else UNEXPECTED
            self._begun[key] = known
        return known

    def _after(self, context: Words) -> Vector:
        if (known := self._known.get(context)) is None:
            if len(self._known) >= _MOST_CONTEXTS:
                self._known.clear()
                self._begun.clear()
            mixed: Vector = sum((share * table.after(context) for table, share in self._tables), np.zeros(1))
            known = self._known[context] = np.log(np.maximum(mixed, math.exp(UNEXPECTED)))
        return known


class _Table:
    """One language model as vectors over all words."""

    def __init__(self, model: LanguageModel, index: dict[str, int]) -> None:
        self._backoffs = {context: left for level in model.backoffs for context, left in level.items()}
        self._alone = np.zeros(len(index))
        followers: dict[Words, list[tuple[int, float]]] = defaultdict(list)
        for level in model.probabilities:
            for gram, probability in level.items():
                if gram[-1] in index:
                    followers[gram[:-1]].append((index[gram[-1]], probability))
        self._followers = {
            context: (np.array([place for place, _ in found]), np.array([chance for _, chance in found]))
            for context, found in followers.items()
        }
        places, chances = self._followers.pop((), (np.zeros(0, np.intp), np.zeros(0)))
        self._alone[places] = chances

    def after(self, context: Words) -> Vector:
        if not context:
            return self._alone
        shorter = self.after(context[1:])
        if context not in self._followers:
            return shorter
        vector = shorter * self._backoffs.get(context, 1.0)
        places, chances = self._followers[context]
        vector[places] = chances
        return vector
