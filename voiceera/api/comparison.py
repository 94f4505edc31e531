"""Two versions of an agent, two agents or two campaigns side by side, and whether they differ by more than chance."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field

from voiceera.api.analytics import AnalyticsQuery, slice_of
from voiceera.api.depends import Reading, Work
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Shown, Success
from voiceera.errors import FieldProblem, Invalid, NotFound
from voiceera.rules.comparison import MEANS, RATES, Compared, Difference, Group, Mean, Rate, differences, told
from voiceera.store import agents
from voiceera.store.comparison import group

routes = router("Analytics")

Version = Annotated[int, Field(ge=1, le=1_000_000)]


class ComparisonQuery(AnalyticsQuery):
    """One side is `agent_id`, `version` and `campaign_id`; the other differs from it in what is said of it."""

    version: Annotated[Version | None, Field(description="Of the agent.")] = None
    other_agent_id: UUID | None = None
    other_version: Version | None = None
    other_campaign_id: UUID | None = None

    def other(self) -> Self:
        """The other side as a query of its own. Raises Invalid where the two are the same calls."""
        if self.other_agent_id == self.other_version == self.other_campaign_id is None:
            problem = FieldProblem(
                "other_version", "say in what the other side differs: its version, agent or campaign"
            )
            raise Invalid("There is nothing to compare with.", problem)
        changed = {
            "agent_id": self.other_agent_id or self.agent_id,
            "version": self.other_version or (None if self.other_agent_id else self.version),
            "campaign_id": self.other_campaign_id or self.campaign_id,
        }
        other = self.model_copy(update=changed)
        if other == self:
            raise Invalid(
                "Both sides are the same calls.", FieldProblem("other_version", "is that of the first side")
            )
        return other


class RateShown(Shown):
    """In percent, with the bounds of its 95 % interval; null of no calls. `of`: how many calls it is a share of."""

    percentage: float | None
    low: float | None
    high: float | None
    of: int


class MeanShown(Shown):
    """The bounds (95 %) are null of fewer than 30 calls. `of`: how many calls have the figure."""

    mean: float | None
    low: float | None
    high: float | None
    of: int


class SideShown(Shown):
    agent_id: UUID | None
    version: int | None
    campaign_id: UUID | None
    calls: int
    answer_rate: RateShown
    success_rate: Annotated[RateShown, Field(description="Completed calls, of all.")]
    goal_rate: Annotated[RateShown, Field(description="Calls that ended as their agent wishes, of the answered.")]
    positive_rate: Annotated[RateShown, Field(description="Of the analyzed calls.")]
    negative_rate: RateShown
    talk_seconds: Annotated[MeanShown, Field(description="Of answered calls.")]
    turns: MeanShown
    cost_per_call: MeanShown
    latency_ms_p50: float | None
    latency_ms_p95: float | None


class DifferenceShown(Shown):
    """Of the other side from the first; of rates in percentage points. `calls_needed`: on each side, to see a
    difference of this size four times in five."""

    measure: str
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: Compared
    calls_needed: int | None
    message: str


class ComparisonShown(Shown):
    sides: list[SideShown]
    differences: list[DifferenceShown]


@routes.get("/analytics/comparison")
async def compare_calls(work: Reading, query: Annotated[ComparisonQuery, Query()]) -> Success[ComparisonShown]:
    """Two versions of an agent, two agents or two campaigns: each one's rates and means with 95 % intervals, and of
    each difference whether it is more than chance. Who looks at eight measures sees one in three times something that
    is none: decide beforehand which one counts."""
    sides = query, query.other()
    groups = [await _group(work, side) for side in sides]
    found = [_difference(measure, difference) for measure, difference in differences(*groups)]
    return success(
        ComparisonShown(sides=[_side(*each) for each in zip(sides, groups, strict=True)], differences=found)
    )


async def _group(work: Work, side: ComparisonQuery) -> Group:
    wanted = await slice_of(work, side)
    if side.version is not None:
        if side.agent_id is None:
            raise Invalid("A version is an agent's.", FieldProblem("agent_id", "is needed with a version"))
        if await agents.get_version(work.connection, work.organization_id, side.agent_id, side.version) is None:
            raise NotFound("AGENT_001", "The agent has no such version.")
    return await group(work.connection, wanted, side.version)


def _side(side: ComparisonQuery, of: Group) -> SideShown:
    return SideShown(
        agent_id=side.agent_id,
        version=side.version,
        campaign_id=side.campaign_id,
        calls=of.calls,
        latency_ms_p50=of.latency_ms_p50,
        latency_ms_p95=of.latency_ms_p95,
        **{name: _rate(getattr(of, name)) for name in RATES},
        **{name: _mean(getattr(of, name)) for name in MEANS},
    )


def _rate(rate: Rate) -> RateShown:
    bounds = rate.interval
    low, high = (None, None) if bounds is None else (_percent(bounds.low), _percent(bounds.high))
    return RateShown(percentage=_percent(rate.value), low=low, high=high, of=rate.of)


def _mean(mean: Mean) -> MeanShown:
    bounds = mean.interval
    low, high = (None, None) if bounds is None else (round(bounds.low, 5), round(bounds.high, 5))
    return MeanShown(mean=None if mean.value is None else round(mean.value, 5), low=low, high=high, of=mean.of)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def _difference(measure: str, difference: Difference) -> DifferenceShown:
    scale = 100 if measure in RATES else 1
    bounds = difference.interval
    figures = [difference.value, *((None, None) if bounds is None else (bounds.low, bounds.high))]
    value, low, high = (None if each is None else round(scale * each, 5) for each in figures)
    return DifferenceShown(
        measure=measure,
        difference=value,
        low=low,
        high=high,
        p_value=difference.p_value,
        verdict=difference.verdict,
        calls_needed=difference.calls_needed,
        message=told(measure, difference),
    )
