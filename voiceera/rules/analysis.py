"""The words in which a finished call is described."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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


@dataclass
class Tokens:
    """What an analysis takes of a language model, whatever comes of it."""

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True)
class Findings:
    """What an analyzer finds in a call. `sentiment` and `emotions` are the caller's, None where they said nothing.

    `details`: of each what it was read from and how surely, and the analyzer's name, as the API shows them.
    `disposition`, `extracted`: as the agent's plan asked for them.
    """

    summary: str
    sentiment: Sentiment | None
    emotions: list[Emotion] | None
    key_phrases: list[str]
    language: str | None
    details: dict[str, Any]
    disposition: str | None = None
    extracted: dict[str, Any] = field(default_factory=dict)
