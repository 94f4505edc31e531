"""The words in which a finished call is described."""

from enum import StrEnum


class AnalysisState(StrEnum):
    """Where the analysis of a call stands; a call that nobody talked on has none."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Sentiment(StrEnum):
    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Emotion(StrEnum):
    JOY = "joy"
    SATISFACTION = "satisfaction"
    TRUST = "trust"
    SURPRISE = "surprise"
    CONFUSION = "confusion"
    WORRY = "worry"
    SADNESS = "sadness"
    FRUSTRATION = "frustration"
    ANGER = "anger"
    NEUTRAL = "neutral"
