"""What reports say of calls: figures worked out of what was added up. Percentages have one decimal; a rate of nothing
is 0."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from voiceera.rules.analysis import Emotion
from voiceera.rules.calls import CallStatus, Outcome
from voiceera.rules.latency_bins import percentile

Sums = Mapping[str, Any]
"""Measure (`store.call_measures`) → what it adds up to over some calls."""


@dataclass(frozen=True)
class CallTotals:
    """`outcomes`: calls that are over, by how they came out; `statuses`: all, by where they stand.

    `average_duration` (seconds) is of the answered calls; `cost_per_call` and `total_cost` are None while no call has
    a cost.
    """

    total_calls: int
    answered_calls: int
    completed_calls: int
    failed_calls: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    average_duration: float
    talk_seconds: float
    answer_rate: float
    success_rate: float
    goal_rate: float
    cost_per_call: float | None
    total_cost: float | None


@dataclass(frozen=True)
class Sentiments:
    """How analyzed calls went, as counts and percentages of them."""

    positive: int
    neutral: int
    negative: int
    positive_percentage: float
    neutral_percentage: float
    negative_percentage: float
    analyzed: int
    unanalyzed: int


@dataclass(frozen=True)
class EmotionShare:
    """In how many calls the emotion was found; `percentage` of all that were found."""

    emotion: Emotion
    count: int
    percentage: float


@dataclass(frozen=True)
class PhraseCount:
    """In how many calls the phrase was said; `frequency`: in what percentage of the analyzed ones."""

    phrase: str
    count: int
    frequency: float


@dataclass(frozen=True)
class Performance:
    """What calls came to; latencies are milliseconds from the caller's last sound to the agent's first."""

    totals: CallTotals
    sentiments: Sentiments
    turns: int
    interruptions: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None


@dataclass(frozen=True)
class AgentPerformance:
    agent_id: UUID
    name: str
    performance: Performance


@dataclass(frozen=True)
class CampaignPerformance:
    """`contacts` and `attempts` (by outcome) are those of the campaign's own statistics, whatever the period."""

    campaign_id: UUID
    name: str
    status: str
    contacts: dict[str, int]
    attempts: dict[str, int]
    performance: Performance


@dataclass(frozen=True)
class HourCount:
    hour: int
    total: int
    answered: int
    completed: int


@dataclass(frozen=True)
class DayCount:
    date: date
    total: int
    answered: int
    completed: int
    failed: int


# ── working them out ─────────────────────────────────────────────────────────────────────────────────────────────


def totals_of(sums: Sums) -> CallTotals:
    total, answered, timed = int(sums["total"]), int(sums["answered"]), int(sums["timed"])
    talk_seconds, cost = float(sums["talk_seconds"]), float(sums["cost"])
    return CallTotals(
        total_calls=total,
        answered_calls=answered,
        completed_calls=int(sums["is_completed"]),
        failed_calls=int(sums["is_failed"]),
        outcomes={outcome: int(sums[f"ended_{outcome}"]) for outcome in Outcome},
        statuses={status: int(sums[f"is_{status}"]) for status in CallStatus},
        average_duration=round(talk_seconds / timed, 3) if timed else 0.0,
        talk_seconds=round(talk_seconds, 3),
        answer_rate=percent(answered, total),
        success_rate=percent(int(sums["is_completed"]), total),
        goal_rate=percent(int(sums["goals"]), answered),
        cost_per_call=round(cost / total, 5) if sums["priced"] else None,
        total_cost=round(cost, 5) if sums["priced"] else None,
    )


def sentiments_of(sums: Sums) -> Sentiments:
    positive, neutral, negative = (int(sums[word]) for word in ("positive", "neutral", "negative"))
    analyzed = positive + neutral + negative
    return Sentiments(
        positive,
        neutral,
        negative,
        percent(positive, analyzed),
        percent(neutral, analyzed),
        percent(negative, analyzed),
        analyzed,
        int(sums["total"]) - analyzed,
    )


def performance_of(sums: Sums, bins: Iterable[tuple[int, int]]) -> Performance:
    """`bins`: (bin, count) of latencies; see `latency_bins`."""
    bins = list(bins)
    return Performance(
        totals=totals_of(sums),
        sentiments=sentiments_of(sums),
        turns=int(sums["turns"]),
        interruptions=int(sums["interruptions"]),
        latency_ms_p50=percentile(bins, 0.5),
        latency_ms_p95=percentile(bins, 0.95),
    )


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
