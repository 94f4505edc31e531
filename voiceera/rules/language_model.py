"""A trigram language model out of the phrases that are expected, in the ARPA format that recognizers read.

Interpolated absolute discounting (Ney, Essen, Kneser 1994): every count gives up `DISCOUNT`, and what is saved goes
to the shorter context, so that known words in a new order stay likely. Shorter contexts count how many different
words they follow, not how often (Kneser and Ney 1995), by the weight of the phrases. At the bottom, a share of the
mass goes to `background`, words that no phrase has: speech that is not expected is then heard as something else, and
not as the nearest phrase.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Words = tuple[str, ...]
Ngrams = dict[Words, float]

START, END = "<s>", "</s>"
DISCOUNT = 0.7
_ORDER = 3
_NEVER = 1e-10
"""Probability of what cannot be predicted (`<s>`), which the format wants to see all the same."""


@dataclass(frozen=True)
class LanguageModel:
    """`probabilities[n]`: of the last word of each known (n+1)-gram after the others; `backoffs[n]`: what is left of
    a context's mass for all other words."""

    probabilities: tuple[Ngrams, ...]
    backoffs: tuple[Ngrams, ...]

    def probability(self, word: str, context: Words = ()) -> float:
        """P(word | the words before it), 0 for a word that the model does not have."""
        context = context[-(_ORDER - 1) :]
        known = self.probabilities[len(context)].get((*context, word))
        if known is not None:
            return known
        if not context:
            return 0.0
        return self.backoffs[len(context) - 1].get(context, 1.0) * self.probability(word, context[1:])

    @property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(word for (word,) in self.probabilities[0] if word not in (START, END))

    def arpa(self) -> str:
        lines = ["\\data\\", *(f"ngram {n}={len(grams)}" for n, grams in enumerate(self.probabilities, start=1))]
        for n, grams in enumerate(self.probabilities):
            lines.append(f"\n\\{n + 1}-grams:")
            for gram, probability in sorted(grams.items()):
                line = f"{math.log10(probability):.5f}\t{' '.join(gram)}"
                if n < _ORDER - 1:
                    line += f"\t{math.log10(max(self.backoffs[n].get(gram, 1.0), _NEVER)):.5f}"
                lines.append(line)
        return "\n".join([*lines, "", "\\end\\", ""])


def train(
    phrases: Iterable[tuple[Words, float]],
    background: Mapping[str, float] | None = None,
    background_share: float = 0.0,
) -> LanguageModel:
    """`phrases`: each with how often it counts (at least 1). `background`: words with their relative frequencies."""
    counts, weights = _counts(phrases)
    probabilities = [_unigrams(weights, background or {}, background_share if background else 0.0)]
    backoffs: list[Ngrams] = []
    for order in range(1, _ORDER):
        kept, left = _discounted(counts[order] if order == _ORDER - 1 else _continuations(weights, order))
        backoffs.append(left)
        lower = LanguageModel((*probabilities, {}), tuple(backoffs[:-1]))
        probabilities.append(
            {gram: share + left[gram[:-1]] * lower.probability(gram[-1], gram[1:-1]) for gram, share in kept.items()}
        )
    return LanguageModel(tuple(probabilities), tuple(backoffs))


def _counts(phrases: Iterable[tuple[Words, float]]) -> tuple[list[Ngrams], list[Ngrams]]:
    """How often each n-gram stands in the phrases, and the weight of the heaviest phrase that it stands in."""
    counts: list[Ngrams] = [defaultdict(float) for _ in range(_ORDER)]
    weights: list[Ngrams] = [defaultdict(float) for _ in range(_ORDER)]
    for words, weight in phrases:
        if not words:
            continue
        sentence = (START, *words, END)
        for order in range(_ORDER):
            for start in range(len(sentence) - order):
                gram = sentence[start : start + order + 1]
                counts[order][gram] += weight
                weights[order][gram] = max(weights[order][gram], weight)
    return counts, weights


def _continuations(weights: list[Ngrams], order: int) -> Ngrams:
    """How many different words, by weight, stand before each n-gram (one that opens a sentence counts for itself)."""
    found: Ngrams = defaultdict(float)
    for gram, weight in weights[order + 1].items():
        found[gram[1:]] += weight
    for gram, weight in weights[order].items():
        if gram[0] == START:
            found[gram] = weight
    return found


def _unigrams(weights: list[Ngrams], background: Mapping[str, float], share: float) -> Ngrams:
    found = {gram: count for gram, count in _continuations(weights, 0).items() if gram != (START,)}
    total = sum(found.values())
    mixed: Ngrams = {gram: (1 - share) * count / total for gram, count in found.items()}
    mass = sum(background.values())
    for word, frequency in background.items():
        mixed[(word,)] = mixed.get((word,), 0.0) + share * frequency / mass
    mixed[(START,)] = _NEVER
    return mixed


def _discounted(counts: Ngrams) -> tuple[Ngrams, Ngrams]:
    """Each n-gram's own share of its context's mass, and what each context has left for shorter ones."""
    totals: Ngrams = defaultdict(float)
    kinds: Ngrams = defaultdict(float)
    for gram, count in counts.items():
        totals[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    kept = {gram: (count - DISCOUNT) / totals[gram[:-1]] for gram, count in counts.items()}
    return kept, {context: DISCOUNT * kinds[context] / total for context, total in totals.items()}
