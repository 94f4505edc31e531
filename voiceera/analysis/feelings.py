"""What a sentence says of its speaker's feelings: the emotions that its words speak of, weighed.

A lexicon and a few rules (denial, emphasis): basic, quick, and open to inspection. English and Hindi; other languages
have no lexicon and come out neutral. How often it is right: docs/analysis.md.
"""

from collections import defaultdict
from dataclasses import dataclass

from voiceera.analysis.lexicon import Lexicon, lexicon
from voiceera.analysis.words import words_in
from voiceera.rules.analysis import Emotion, Sentiment

VALENCE = {
    Emotion.JOY: 1.0,
    Emotion.SATISFACTION: 1.0,
    Emotion.TRUST: 1.0,
    Emotion.SURPRISE: 0.0,
    Emotion.CONFUSION: -0.7,
    Emotion.WORRY: -0.9,
    Emotion.SADNESS: -1.0,
    Emotion.FRUSTRATION: -1.0,
    Emotion.ANGER: -1.2,
    Emotion.NEUTRAL: 0.0,
}
_LEAST = 0.35
"""Words that come to less than this, either way, are neutral."""
_NEAR = 3
"""So many words before a cue may deny it; two after it, too (a Hindi denial follows what it denies)."""
_EMPHASIS = 1.5
_GOOD_DENIED, _BAD_DENIED, _STILL_BAD = 0.8, 0.7, 0.5
"""What is left of a cue that is denied: of a good one as frustration, of a bad one as satisfaction or as itself."""
_SURE = 3.0
"""Words that come to so much leave no doubt."""


@dataclass(frozen=True)
class Feeling:
    """`weights`: the emotions found; `total`: what they come to, good less bad; `cues`: the words that told."""

    weights: dict[Emotion, float]
    total: float
    cues: tuple[str, ...]

    @property
    def sentiment(self) -> Sentiment:
        return sentiment_of(self.total)

    @property
    def emotion(self) -> Emotion:
        """The strongest."""
        return max(self.weights, key=lambda emotion: self.weights[emotion], default=Emotion.NEUTRAL)


def sentiment_of(total: float) -> Sentiment:
    if abs(total) < _LEAST:
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if total > 0 else Sentiment.NEGATIVE


def score_of(total: float) -> float:
    """From -1 to 1."""
    return round(max(-1.0, min(1.0, total / _SURE)), 3)


def feeling(sentence: str, language: str) -> Feeling:
    """What one sentence says."""
    words = words_in(sentence)
    weights: dict[Emotion, float] = defaultdict(float)
    cues: list[str] = []
    if (known := lexicon(language)) is not None:
        for at, length, emotion in known.found(words):
            told, weight = _told(known, words, at, length, emotion)
            weights[told] += weight
            cues.append(" ".join(words[at : at + length]))
    total = sum(weight * VALENCE[emotion] for emotion, weight in weights.items())
    return Feeling(dict(weights), total, tuple(dict.fromkeys(cues)))


def _told(known: Lexicon, words: list[str], at: int, length: int, emotion: Emotion) -> tuple[Emotion, float]:
    """The emotion and its weight, by the words around it. A longer phrase is less likely to be meant otherwise."""
    phrase, before = words[at : at + length], words[max(0, at - _NEAR) : at]
    weight = 1 + 0.5 * (length - 1)
    if not known.emphasis.isdisjoint(before[-2:]):
        weight *= _EMPHASIS
    after = words[at + length : at + length + 2] if known is lexicon("hi") else []
    if known.denials.isdisjoint([*before, *after]) or not known.denials.isdisjoint(phrase):
        return emotion, weight
    if VALENCE[emotion] > 0:
        return Emotion.FRUSTRATION, weight * _GOOD_DENIED
    if not known.fine_when_denied.isdisjoint(phrase):
        return Emotion.SATISFACTION, weight * _BAD_DENIED
    return emotion, weight * _STILL_BAD
