"""What reports look like."""

import datetime as dt
from dataclasses import fields
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from voiceera.api.shapes import Shown
from voiceera.rules import reports
from voiceera.rules.analysis import Emotion
from voiceera.rules.campaigns import CampaignStatus

Percentage = Annotated[float, Field(ge=0, le=100)]


class CallStatistics(Shown):
    """`outcomes`: calls that are over, by how they came out; `statuses`: all of them, by where they stand."""

    total_calls: int
    answered_calls: int
    completed_calls: int
    failed_calls: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    average_duration: float = Field(description="Seconds; of answered calls.")
    talk_seconds: float
    answer_rate: Percentage
    success_rate: Percentage = Field(description="Completed calls, in percent of all.")
    goal_rate: Percentage = Field(description="Calls that ended as their agent wishes, in percent of the answered.")
    cost_per_call: float | None = Field(description="Null while no call has a cost.")
    total_cost: float | None


class SentimentStatistics(Shown):
    """Percentages are of the analyzed calls."""

    positive: int
    neutral: int
    negative: int
    positive_percentage: Percentage
    neutral_percentage: Percentage
    negative_percentage: Percentage
    analyzed: int
    unanalyzed: int


class EmotionCount(Shown):
    """In how many calls an emotion was found; a call may have several."""

    emotion: Emotion
    count: int
    percentage: Percentage = Field(description="Of all emotions found.")


class PhraseCount(Shown):
    phrase: str
    count: int = Field(description="Calls in which it was said.")
    frequency: Percentage = Field(description="In percent of the analyzed calls.")


class _Performance(Shown):
    calls: int
    answered: int
    completed: int
    answer_rate: Percentage
    success_rate: Percentage
    goal_rate: Percentage
    talk_seconds: float
    average_duration: float
    turns: int
    interruptions: int
    latency_ms_p50: float | None = Field(
        description="The caller's last sound to the agent's first; off by 2.5 % at most."
    )
    latency_ms_p95: float | None
    sentiment: SentimentStatistics
    cost: float | None
    cost_per_call: float | None


class AgentPerformance(_Performance):
    agent_id: UUID
    name: str


class CampaignPerformance(_Performance):
    """`contacts` and `attempts` are those of `GET /campaigns/{campaign_id}/stats`, whatever the period."""

    campaign_id: UUID
    name: str
    status: CampaignStatus
    contacts: dict[str, int] = Field(description="By where they stand.")
    attempts: dict[str, int] = Field(description="Ended ones, by outcome.")


class HourlyCalls(Shown):
    hour: Annotated[int, Field(ge=0, le=23)]
    total: int
    answered: int
    completed: int


class DailyCalls(Shown):
    date: dt.date
    total: int
    answered: int
    completed: int
    failed: int


def _performance(performance: reports.Performance) -> dict[str, Any]:
    totals = performance.totals
    return {field.name: getattr(totals, field.name) for field in fields(totals)} | {
        "calls": totals.total_calls,
        "answered": totals.answered_calls,
        "completed": totals.completed_calls,
        "cost": totals.total_cost,
        "turns": performance.turns,
        "interruptions": performance.interruptions,
        "latency_ms_p50": performance.latency_ms_p50,
        "latency_ms_p95": performance.latency_ms_p95,
        "sentiment": SentimentStatistics.model_validate(performance.sentiments),
    }


def agent_shown(row: reports.AgentPerformance) -> AgentPerformance:
    return AgentPerformance(agent_id=row.agent_id, name=row.name, **_performance(row.performance))


def campaign_shown(row: reports.CampaignPerformance) -> CampaignPerformance:
    own = {name: getattr(row, name) for name in ("campaign_id", "name", "status", "contacts", "attempts")}
    return CampaignPerformance(**own, **_performance(row.performance))
