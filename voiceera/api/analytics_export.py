"""Reports as CSV, streamed."""

from collections.abc import AsyncIterator, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from voiceera.api.analytics import TopPhrasesQuery
from voiceera.api.csv_answers import CSV, csv_answer
from voiceera.api.depends import Watch, Watching
from voiceera.api.report_shapes import agent_shown, campaign_shown
from voiceera.api.routing import router
from voiceera.rules.csv_cells import csv_lines
from voiceera.services import analytics as service
from voiceera.store.analytics import Slice
from voiceera.store.base import Database
from voiceera.store.exported_calls import EXPORTED

routes = router("Analytics")


class Report(StrEnum):
    CALLS = "calls"
    SENTIMENT = "sentiment"
    EMOTIONS = "emotions"
    TOP_PHRASES = "top-phrases"
    AGENT_PERFORMANCE = "agent-performance"
    CAMPAIGN_STATS = "campaign-stats"
    HOURLY_CALLS = "hourly-calls"
    DAILY_CALLS = "daily-calls"


class ExportQuery(TopPhrasesQuery):
    report: Annotated[Report, Field(description="`calls`: a row for each call; the others: that report's rows.")] = (
        Report.CALLS
    )


@routes.get("/analytics/export", response_class=Response, responses=CSV)
async def export_analytics(watch: Watching, query: Annotated[ExportQuery, Query()]) -> Response:
    """A report as a CSV file, streamed."""
    wanted = query.slice(watch.organization_id, watch.now)
    async with watch.scope() as connection:
        await service.check(connection, wanted)
    is_calls = query.report is Report.CALLS
    lines = lines_of_calls(watch.backend.database, wanted) if is_calls else _one(await _report(watch, wanted, query))
    return csv_answer(lines, query.report)


async def lines_of_calls(database: Database, wanted: Slice) -> AsyncIterator[str]:
    """A header, then a line for each call, some thousand at a time."""
    yield csv_lines([EXPORTED])
    async for rows in service.call_rows(database, wanted):
        yield csv_lines(row.cells for row in rows)


async def _one(text: str) -> AsyncIterator[str]:
    yield text


async def _report(watch: Watch, wanted: Slice, query: ExportQuery) -> str:
    async with watch.scope() as connection:
        match query.report:
            case Report.SENTIMENT:
                found = await service.sentiments(connection, wanted)
                names = ("positive", "neutral", "negative")
                rows = [(name, getattr(found, name), getattr(found, f"{name}_percentage")) for name in names]
                return csv_lines(
                    [("sentiment", "count", "percentage"), *rows, ("unanalyzed", found.unanalyzed, None)]
                )
            case Report.EMOTIONS:
                return _table(await service.emotions(connection, wanted), ("emotion", "count", "percentage"))
            case Report.TOP_PHRASES:
                phrases = await service.top_phrases(connection, wanted, query.limit)
                return _table(phrases, ("phrase", "count", "frequency"))
            case Report.HOURLY_CALLS:
                hours = await service.calls_by_hour(connection, wanted, query.timezone)
                return _table(hours, ("hour", "total", "answered", "completed"))
            case Report.AGENT_PERFORMANCE:
                agents = await service.agent_performance(connection, wanted)
                return _flat([agent_shown(row) for row in agents])
            case Report.CAMPAIGN_STATS:
                campaigns = await service.campaign_performance(connection, wanted)
                return _flat([campaign_shown(row) for row in campaigns])
            case _:
                days = await service.calls_by_day(connection, wanted, query.timezone, watch.now)
                return _table(days, ("date", "total", "answered", "completed", "failed"))


def _table(rows: Sequence[Any], names: tuple[str, ...]) -> str:
    return csv_lines([names, *([getattr(row, name) for name in names] for row in rows)])


def _flat(rows: Sequence[BaseModel]) -> str:
    """What is nested gets columns of its own: `contacts.reached`."""
    flat = [dict(_leaves(row.model_dump(mode="json"))) for row in rows]
    names = list(flat[0]) if flat else []
    return csv_lines([names, *(row.values() for row in flat)])


def _leaves(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
