"""Whether two groups of calls differ by more than chance: rates and means with 95 % intervals, and what they say.

Rates: Wilson's interval; Newcombe's hybrid score interval and the pooled z test for their difference (Newcombe 1998,
Statistics in Medicine 17, methods 3 and 10). Means: Welch's standard error with the normal distribution, so only of
groups of 30 or more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, erfc, sqrt

Z = 1.959964
"""Two-sided, 95 %."""
_POWER_Z = 0.841621
"""80 %."""
CHANCE = 0.05
FEWEST = 30
"""Calls on each side, below which nothing is said."""


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Rate:
    """`count` of `of` calls. As a share of 1; None of no calls."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        if not self.of:
            return None
        n, p = self.of, self.count / self.of
        middle, half = p + Z * Z / (2 * n), Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        scale = 1 + Z * Z / n
        return Interval(max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


@dataclass(frozen=True)
class Mean:
    """Of `of` calls; `variance` is the sample's, None of fewer than two."""

    of: int
    value: float | None
    variance: float | None

    @property
    def interval(self) -> Interval | None:
        if self.value is None or self.variance is None or self.of < FEWEST:
            return None
        half = Z * sqrt(self.variance / self.of)
        return Interval(self.value - half, self.value + half)


class Compared(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"
    NO_DIFFERENCE = "no_difference"
    """None beyond chance."""
    TOO_FEW = "too_few"
    """Fewer than 30 calls on a side."""


@dataclass(frozen=True)
class Difference:
    """Of the second group from the first, in the measure's own unit. `calls_needed`: on each side, to see a
    difference of this size four times in five; None where it is seen, or there is none."""

    verdict: Compared
    value: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    calls_needed: int | None = None


def of_rates(first: Rate, second: Rate) -> Difference:
    if min(first.of, second.of) < FEWEST:
        return Difference(Compared.TOO_FEW)
    one, two = first.count / first.of, second.count / second.of
    a, b = first.interval, second.interval
    assert a is not None and b is not None
    value = two - one
    interval = Interval(
        value - sqrt((two - b.low) ** 2 + (a.high - one) ** 2), value + sqrt((b.high - two) ** 2 + (one - a.low) ** 2)
    )
    pooled = (first.count + second.count) / (first.of + second.of)
    error = sqrt(pooled * (1 - pooled) * (1 / first.of + 1 / second.of))
    spread = one * (1 - one) + two * (1 - two)
    return _judged(value, interval, _p_value(value, error), spread)


def of_means(first: Mean, second: Mean) -> Difference:
    if min(first.of, second.of) < FEWEST or None in (first.value, second.value, first.variance, second.variance):
        return Difference(Compared.TOO_FEW)
    assert first.value is not None and second.value is not None
    assert first.variance is not None and second.variance is not None
    value = second.value - first.value
    error = sqrt(first.variance / first.of + second.variance / second.of)
    interval = Interval(value - Z * error, value + Z * error)
    return _judged(value, interval, _p_value(value, error), first.variance + second.variance)


def _p_value(value: float, error: float) -> float:
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return erfc(abs(value) / error / sqrt(2))


def _judged(value: float, interval: Interval, p_value: float, spread: float) -> Difference:
    if p_value < CHANCE and not interval.low <= 0 <= interval.high:
        return Difference(Compared.HIGHER if value > 0 else Compared.LOWER, value, interval, p_value)
    needed = ceil((Z + _POWER_Z) ** 2 * spread / value**2) if value else None
    return Difference(Compared.NO_DIFFERENCE, value, interval, p_value, needed)


# ── groups of calls ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Group:
    """Calls as they were counted: rates of all of them, of the answered, of the analyzed; means of those that have
    the figure."""

    calls: int
    answer_rate: Rate
    success_rate: Rate
    goal_rate: Rate
    positive_rate: Rate
    negative_rate: Rate
    talk_seconds: Mean
    turns: Mean
    cost_per_call: Mean
    latency_ms_p50: float | None
    latency_ms_p95: float | None


RATES = ("answer_rate", "success_rate", "goal_rate", "positive_rate", "negative_rate")
MEANS = ("talk_seconds", "turns", "cost_per_call")
_SAID = {
    "answer_rate": "answered calls",
    "success_rate": "completed calls",
    "goal_rate": "calls that reach their goal",
    "positive_rate": "callers who are content",
    "negative_rate": "callers who are not content",
    "talk_seconds": "seconds of talk in a call",
    "turns": "turns in a call",
    "cost_per_call": "cost of a call",
}


def differences(first: Group, second: Group) -> Iterator[tuple[str, Difference]]:
    for name in RATES:
        yield name, of_rates(getattr(first, name), getattr(second, name))
    for name in MEANS:
        yield name, of_means(getattr(first, name), getattr(second, name))


def told(measure: str, difference: Difference) -> str:
    """In a sentence."""
    what = _SAID[measure]
    if difference.verdict is Compared.TOO_FEW or difference.value is None or difference.interval is None:
        return f"Too few calls to say anything of {what}: it takes {FEWEST} on each side."
    scale, unit = (100, " points") if measure in RATES else (1, "")
    places = 1 if measure in RATES else 2
    size = f"{abs(difference.value) * scale:.{places}f}{unit}"
    if difference.verdict is Compared.NO_DIFFERENCE:
        needed = difference.calls_needed
        more = f"; to see one of {size}, it takes about {needed:,} calls on each side" if needed else ""
        return f"No difference in {what} beyond chance{more}."
    word = "more" if difference.verdict is Compared.HIGHER else "less"
    low, high = (f"{bound * scale:+.{places}f}" for bound in (difference.interval.low, difference.interval.high))
    chance = "p < 0.001" if (difference.p_value or 0) < 0.001 else f"p = {difference.p_value:.3f}"
    return f"The other has {size} {word} {what} (95 %: {low} to {high}; {chance}): more than chance."
