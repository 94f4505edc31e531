"""Reports over an organization's calls."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from voiceera.errors import FieldProblem, Invalid, NotFound
from voiceera.rules import periods
from voiceera.rules.analysis import Emotion
from voiceera.rules.calls import Outcome
from voiceera.rules.reports import (
    AgentPerformance,
    CallTotals,
    CampaignPerformance,
    DayCount,
    EmotionShare,
    HourCount,
    PhraseCount,
    Sentiments,
    percent,
    performance_of,
    sentiments_of,
    totals_of,
)
from voiceera.store import agents, analytics, campaigns, exported_calls
from voiceera.store.analytics import Slice, Sums
from voiceera.store.base import Connection, Database
from voiceera.store.call_measures import MEASURES
from voiceera.store.exported_calls import ExportedRow

MOST_DAYS = 3_660
_CONTACT_STATES = (
    *("total", "pending", "in_progress", "reached", "exhausted", "suppressed", "invalid", "canceled"),
    *("duplicates", "rejected", "opted_out"),
)
_NONE: Sums = dict.fromkeys(MEASURES, 0)


async def check(connection: Connection, wanted: Slice) -> None:
    """Raises NotFound for an agent or a campaign that the organization never had."""
    of, agent_id, campaign_id = wanted.organization_id, wanted.agent_id, wanted.campaign_id
    if agent_id is not None and await agents.get_version(connection, of, agent_id, 1) is None:
        raise NotFound("AGENT_001", "No such agent.")
    if campaign_id is not None and await campaigns.get(connection, of, campaign_id, deleted=True) is None:
        raise NotFound("CAMPAIGN_001", "No such campaign.")


async def call_totals(connection: Connection, wanted: Slice) -> CallTotals:
    return totals_of(await analytics.totals(connection, wanted))


async def sentiments(connection: Connection, wanted: Slice) -> Sentiments:
    return sentiments_of(await analytics.totals(connection, wanted))


async def emotions(connection: Connection, wanted: Slice) -> list[EmotionShare]:
    """All ten, those that were not found too."""
    sums = await analytics.totals(connection, wanted)
    counts = {emotion: int(sums[f"felt_{emotion}"]) for emotion in Emotion}
    found = sum(counts.values())
    return [EmotionShare(emotion, count, percent(count, found)) for emotion, count in counts.items()]


async def top_phrases(connection: Connection, wanted: Slice, limit: int) -> list[PhraseCount]:
    analyzed = sentiments_of(await analytics.totals(connection, wanted)).analyzed
    found = await analytics.top_phrases(connection, wanted, limit)
    return [PhraseCount(phrase, count, percent(count, analyzed)) for phrase, count in found]


async def agent_performance(connection: Connection, wanted: Slice) -> list[AgentPerformance]:
    """A row for each agent that is there or has calls in the slice."""
    by_agent = await analytics.totals_by_agent(connection, wanted)
    latencies = await analytics.latencies_by_agent(connection, wanted)
    return [
        AgentPerformance(id_, name, performance_of(by_agent.get(id_, _NONE), latencies.get(id_, [])))
        for id_, (name, is_deleted) in (await agents.names(connection, wanted.organization_id)).items()
        if wanted.agent_id in (None, id_) and (id_ in by_agent or not is_deleted or wanted.agent_id)
    ]


async def campaign_performance(connection: Connection, wanted: Slice) -> list[CampaignPerformance]:
    """A row for each campaign that is there or has calls in the slice; with an agent: for those it has calls in."""
    by_campaign = await analytics.totals_by_campaign(connection, wanted)
    latencies = await analytics.latencies_by_campaign(connection, wanted)
    rows = []
    for counted in await campaigns.all_counted(connection, wanted.organization_id):
        id_, is_deleted = counted.campaign.id, counted.campaign.deleted_at is not None
        if wanted.campaign_id is not None:
            is_wanted = id_ == wanted.campaign_id
        else:
            is_wanted = id_ in by_campaign or not (is_deleted or wanted.agent_id)
        if is_wanted:
            rows.append(
                CampaignPerformance(
                    id_,
                    counted.campaign.name,
                    counted.campaign.status,
                    {name: counted.counts[name] for name in _CONTACT_STATES},
                    {outcome: counted.counts[f"ended_{outcome}"] for outcome in Outcome},
                    performance_of(by_campaign.get(id_, _NONE), latencies.get(id_, [])),
                )
            )
    return rows


async def calls_by_hour(connection: Connection, wanted: Slice, zone: ZoneInfo) -> list[HourCount]:
    """Twenty-four rows: calls by the hour that the zone's clock showed."""
    reach = await analytics.reach(connection, wanted.organization_id)
    by_hour: dict[int, Sums] = {}
    if reach is not None:
        first, last = max(reach[0], wanted.span.start or reach[0]), min(reach[1], wanted.span.end or reach[1])
        if first <= last:
            by_hour = await analytics.totals_by_hour(connection, wanted, periods.offsets(first, last, zone))
    sums = [by_hour.get(hour, _NONE) for hour in range(24)]
    return [
        HourCount(hour, int(of["total"]), int(of["answered"]), int(of["is_completed"]))
        for hour, of in enumerate(sums)
    ]


async def calls_by_day(connection: Connection, wanted: Slice, zone: ZoneInfo, now: datetime) -> list[DayCount]:
    """A row for each of the zone's days, from the period's start (or the first call) to its end (or today).

    Raises Invalid for a period of more than ten years.
    """
    first, last = await analytics.reach(connection, wanted.organization_id) or (now, now)
    start, end = wanted.span.start, wanted.span.end
    last_instant = max(now, last) if end is None else end - timedelta(microseconds=1)
    first_instant = start if start is not None else min(first, last_instant)
    if last_instant - first_instant > timedelta(days=MOST_DAYS):
        problem = FieldProblem("date_from", f"the period may span {MOST_DAYS} days at most")
        raise Invalid("The period is too long for a row a day.", problem)
    days = periods.days_between(first_instant, max(first_instant, last_instant), zone)
    midnights = [periods.midnight(day, zone) for day in days]
    by_day = await analytics.totals_by_day(connection, wanted, midnights) if first_instant <= last_instant else {}
    sums = [(day, by_day.get(index, _NONE)) for index, day in enumerate(days)]
    return [
        DayCount(day, int(of["total"]), int(of["answered"]), int(of["is_completed"]), int(of["is_failed"]))
        for day, of in sums
    ]


_ROWS_AT_ONCE = 2_000


async def call_rows(database: Database, wanted: Slice) -> AsyncIterator[list[ExportedRow]]:
    """The slice's calls, oldest first, some at a time, each lot in a transaction of its own: whoever reads slowly
    keeps no connection."""
    after: tuple[datetime, UUID] | None = None
    while True:
        async with database.organization(wanted.organization_id) as connection:
            rows = await exported_calls.rows_after(connection, wanted, after, _ROWS_AT_ONCE)
        yield rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = rows[-1].created_at, rows[-1].id
