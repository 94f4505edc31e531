"""Analytics: what an organization's calls come to, over any agent, campaign, period and time zone."""

import datetime as dt
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from voiceera.api.depends import Reading, Work
from voiceera.api.envelope import success
from voiceera.api.lists import DayOrInstant, Zone, instant
from voiceera.api.report_shapes import (
    AgentPerformance,
    CallStatistics,
    CampaignPerformance,
    DailyCalls,
    EmotionCount,
    HourlyCalls,
    PhraseCount,
    SentimentStatistics,
    agent_shown,
    campaign_shown,
)
from voiceera.api.routing import router
from voiceera.api.shapes import Success
from voiceera.errors import FieldProblem, Invalid
from voiceera.rules import periods
from voiceera.services import analytics as service
from voiceera.store.analytics import Slice
from voiceera.store.filters import Span

routes = router("Analytics")

UTC = ZoneInfo("UTC")


class AnalyticsQuery(BaseModel):
    """Which calls; without a period all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    date_from: DayOrInstant | None = None
    date_to: Annotated[DayOrInstant | None, Field(description="A bare date includes that day.")] = None
    days: Annotated[
        int | None,
        Field(ge=1, le=service.MOST_DAYS, description="So many days, today the last of them; excludes `date_from`."),
    ] = None
    timezone: Annotated[Zone, Field(description="Whose days and hours.")] = UTC

    def slice(self, organization_id: UUID, now: dt.datetime) -> Slice:
        """Raises Invalid for two beginnings, or an end before the beginning."""
        return Slice(organization_id, self.agent_id, self.campaign_id, self._span(now))

    def _span(self, now: dt.datetime) -> Span:
        if self.days is not None and self.date_from is not None:
            problem = FieldProblem("days", "days counts back from now, so it goes without date_from")
            raise Invalid("The period has two beginnings.", problem)
        start = None if self.date_from is None else instant(self.date_from, self.timezone)
        if self.days is not None:
            start = periods.first_of(self.days, now, self.timezone)
        end = None if self.date_to is None else instant(self.date_to, self.timezone, is_end=True)
        if start is not None and end is not None and end <= start:
            raise Invalid(
                "The period ends before it begins.", FieldProblem("date_to", "must not be before date_from")
            )
        return Span(start, end)


class TopPhrasesQuery(AnalyticsQuery):
    limit: Annotated[int, Field(ge=1, le=100, description="Number of phrases to return.")] = 10


async def slice_of(work: Work, query: AnalyticsQuery) -> Slice:
    """Raises NotFound for an agent or campaign that is not the organization's, Invalid for a period that is none."""
    wanted = query.slice(work.organization_id, work.now)
    await service.check(work.connection, wanted)
    return wanted


@routes.get("/analytics/calls")
async def get_call_statistics(work: Reading, query: Annotated[AnalyticsQuery, Query()]) -> Success[CallStatistics]:
    """How many calls, how they ended, how long they lasted and what they cost."""
    totals = await service.call_totals(work.connection, await slice_of(work, query))
    return success(CallStatistics.model_validate(totals))


@routes.get("/analytics/sentiment")
async def get_sentiment(work: Reading, query: Annotated[AnalyticsQuery, Query()]) -> Success[SentimentStatistics]:
    """How callers felt about it, over the calls that have been analyzed."""
    found = await service.sentiments(work.connection, await slice_of(work, query))
    return success(SentimentStatistics.model_validate(found))


@routes.get("/analytics/emotions")
async def list_emotions(work: Reading, query: Annotated[AnalyticsQuery, Query()]) -> Success[list[EmotionCount]]:
    """The emotions found in callers' words, all ten of them."""
    found = await service.emotions(work.connection, await slice_of(work, query))
    return success([EmotionCount.model_validate(each) for each in found])


@routes.get("/analytics/top-phrases")
async def list_top_phrases(work: Reading, query: Annotated[TopPhrasesQuery, Query()]) -> Success[list[PhraseCount]]:
    """The key phrases that were said in the most calls."""
    found = await service.top_phrases(work.connection, await slice_of(work, query), query.limit)
    return success([PhraseCount.model_validate(each) for each in found])


@routes.get("/analytics/agent-performance")
async def list_agent_performance(
    work: Reading, query: Annotated[AnalyticsQuery, Query()]
) -> Success[list[AgentPerformance]]:
    """A row for each agent."""
    found = await service.agent_performance(work.connection, await slice_of(work, query))
    return success([agent_shown(row) for row in found])


@routes.get("/analytics/campaign-stats")
async def list_campaign_performance(
    work: Reading, query: Annotated[AnalyticsQuery, Query()]
) -> Success[list[CampaignPerformance]]:
    """A row for each campaign."""
    found = await service.campaign_performance(work.connection, await slice_of(work, query))
    return success([campaign_shown(row) for row in found])


@routes.get("/analytics/hourly-calls")
async def list_hourly_calls(work: Reading, query: Annotated[AnalyticsQuery, Query()]) -> Success[list[HourlyCalls]]:
    """Calls by the hour of the day, on the clock of `timezone`: 24 rows."""
    found = await service.calls_by_hour(work.connection, await slice_of(work, query), query.timezone)
    return success([HourlyCalls.model_validate(each) for each in found])


@routes.get("/analytics/daily-calls")
async def list_daily_calls(work: Reading, query: Annotated[AnalyticsQuery, Query()]) -> Success[list[DailyCalls]]:
    """Calls by day, on the calendar of `timezone`: a row a day, also where nothing was."""
    found = await service.calls_by_day(work.connection, await slice_of(work, query), query.timezone, work.now)
    return success([DailyCalls.model_validate(each) for each in found])
