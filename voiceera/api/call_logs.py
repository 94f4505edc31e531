"""Call logs: every call that was made, with what was said, and notes."""

import datetime as dt
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import Field, StringConstraints

from voiceera.api import hot
from voiceera.api.depends import Listing, Reading, Watch, Work, Writing
from voiceera.api.envelope import success
from voiceera.api.hot import Shower
from voiceera.api.lists import EARLIEST, LATEST, DatedQuery, ListQuery, PhoneFilter, Zone, instant
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Instant, Items, Shown, Success
from voiceera.api.transcripts import CallLatency, Segment, Transcript, Version, segments_of, transcript_of
from voiceera.errors import NotFound
from voiceera.rules.analysis import AnalysisState, Emotion, Sentiment
from voiceera.rules.calls import AnsweredBy, CallStatus, Direction, Outcome
from voiceera.rules.costs import Part, Unit
from voiceera.services import call_logs as service
from voiceera.store import agents, call_costs, call_logs, call_tools, calls, campaigns
from voiceera.store.base import Connection
from voiceera.store.call_filter import CallFilter
from voiceera.store.filters import Span

routes = router("Call Logs")

Day = Annotated[dt.date, Path(ge=EARLIEST, le=LATEST)]
Disposition = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class CallLog(Shown):
    """A call. `recording_url` takes the same bearer token; `GET /call-recordings/{call_id}` has one to hand on."""

    id: UUID
    organization_id: UUID
    direction: Direction
    status: CallStatus
    agent_id: UUID
    agent_version: int
    campaign_id: UUID | None
    contact_id: UUID | None
    contact_name: str | None
    phone_number: str | None
    caller_id: str | None
    provider: str | None
    carrier_call_id: str | None
    variables: dict[str, Any]
    outcome: Outcome | None
    answered_by: AnsweredBy | None
    hangup_cause: str | None
    disposition: str | None
    goal_reached: bool = Field(description="Whether it ended in one of the agent's `success_dispositions`.")
    extracted: dict[str, Any]
    notes: str | None
    duration_seconds: float | None
    cost: float | None = Field(description="Of all parts that have a price; null while none has.")
    cost_parts: dict[str, float]
    turns: int
    interruptions: int
    latency: CallLatency
    audio_format: str | None
    error: str | None
    analysis_state: AnalysisState | None = Field(description="Null for a call that nobody talked on.")
    summary: str | None = Field(description="Null until the call is analysed.")
    sentiment: Sentiment | None = Field(description="The caller's, by their words; null until the call is analysed.")
    emotions: list[Emotion] | None = Field(description="Null until the call is analysed.")
    key_phrases: list[str] | None = Field(description="Null until the call is analysed.")
    spoken_language: str | None = Field(description="Null until the call is analysed.")
    recording_url: str | None
    created_by: UUID | None
    created_at: Instant
    ringing_at: Instant | None
    answered_at: Instant | None
    ended_at: Instant | None


class CallTool(Shown):
    """One use of a tool by the agent. `at_ms`: from the start of the recording."""

    name: str
    arguments: str = Field(description="JSON, as the model wrote it.")
    answer: str = Field(description="What the agent was told.")
    worked: bool
    at_ms: int
    took_ms: int


class CallCost(Shown):
    """A line of the ledger. `billed`: the quantity after begun increments; `amount` null: the price list has nothing
    for it."""

    part: Part
    provider: str
    model: str
    unit: Unit
    quantity: float
    billed: float
    amount: float | None


class CallLogDetail(CallLog):
    transcript: list[Segment]
    costs: list[CallCost]
    tools: list[CallTool]
    usage: dict[str, int] = Field(description="What vendors counted: `prompt_tokens`, `completion_tokens` and so on.")


class Notes(Body):
    notes: Annotated[str, StringConstraints(max_length=20_000)] | None


class _CallFilters(ListQuery):
    status: CallStatus | None = None
    direction: Direction | None = None
    disposition: Disposition | None = None
    contact_id: UUID | None = None
    phone_number: PhoneFilter | None = None
    search: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="Words of the notes, or of what was said; the last may have just begun.",
        ),
    ] = None

    def wanted(self, **also: Any) -> CallFilter:
        names = CallFilter.__dataclass_fields__.keys() & type(self).model_fields.keys()
        given: dict[str, Any] = {name: getattr(self, name) for name in names}
        return CallFilter(**given | also)


class AgentCallsQuery(_CallFilters, DatedQuery):
    campaign_id: UUID | None = None


class CampaignCallsQuery(_CallFilters, DatedQuery):
    agent_id: UUID | None = None


class CallsQuery(AgentCallsQuery, CampaignCallsQuery):
    """All filters."""


class DayQuery(_CallFilters):
    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    timezone: Annotated[Zone, Field(description="Whose day it is.")] = DatedQuery.model_fields["timezone"].default


def call_shown(watch: Watch, call: sa.Row[Any]) -> CallLog:
    return CallLog.model_validate(_values(watch, call))


def _values(watch: Watch, call: sa.Row[Any]) -> dict[str, Any]:
    url = _recording_url(watch.backend.settings.public_url, call._mapping)
    return {**call._mapping, "recording_url": url}


async def detail_in(connection: Connection, watch: Watch, call_id: UUID) -> CallLogDetail:
    """Raises NotFound."""
    call = await call_logs.get(connection, watch.organization_id, call_id)
    if call is None:
        raise service.no_call()
    said = await segments_of(connection, watch.organization_id, call_id)
    tools = [dict(use._mapping) for use in await call_tools.uses(connection, watch.organization_id, call_id)]
    usage = await call_tools.usage(connection, watch.organization_id, call_id)
    costs = [dict(line._mapping) for line in await call_costs.of_call(connection, watch.organization_id, call_id)]
    more = {"transcript": said, "costs": costs, "tools": tools, "usage": usage}
    return CallLogDetail.model_validate({**_values(watch, call), **more})


@cache
def _shower() -> Shower:
    return Shower(CallLog, calls.calls)


async def _list(work: Work, query: ListQuery, wanted: CallFilter) -> Response:
    counts = work.backend.call_counts
    found = await call_logs.find(work.connection, work.organization_id, query.page(), wanted, counts)
    base, show = work.backend.settings.public_url, _shower().show
    return hot.listed(found.map(lambda row: show(row, {"recording_url": _recording_url(base, row)})))


def _recording_url(base: str, call: Any) -> str | None:
    return f"{base}/call-recordings/{call['id']}/download" if call["is_recorded"] else None


@routes.get("/call-logs", response_model=Success[Items[CallLog]])
async def list_call_logs(work: Listing, query: Annotated[CallsQuery, Query()]) -> Response:
    """The organization's calls."""
    return await _list(work, query, query.wanted(span=query.span()))


@routes.get("/call-logs/campaign/{campaign_id}", response_model=Success[Items[CallLog]])
async def list_campaign_calls(
    work: Listing, campaign_id: UUID, query: Annotated[CampaignCallsQuery, Query()]
) -> Response:
    """A campaign's calls, also of one that was deleted."""
    if await campaigns.get(work.connection, work.organization_id, campaign_id, deleted=True) is None:
        raise NotFound("CAMPAIGN_001", "No such campaign.")
    return await _list(work, query, query.wanted(campaign_id=campaign_id, span=query.span()))


@routes.get("/call-logs/agent/{agent_id}", response_model=Success[Items[CallLog]])
async def list_agent_calls(work: Listing, agent_id: UUID, query: Annotated[AgentCallsQuery, Query()]) -> Response:
    """An agent's calls, also of one that was deleted."""
    if await agents.get_version(work.connection, work.organization_id, agent_id, 1) is None:
        raise NotFound("AGENT_001", "No such agent.")
    return await _list(work, query, query.wanted(agent_id=agent_id, span=query.span()))


@routes.get("/call-logs/date/{date}", response_model=Success[Items[CallLog]])
async def list_calls_of_day(work: Listing, date: Day, query: Annotated[DayQuery, Query()]) -> Response:
    """The calls that were made on a day, in the time zone given."""
    span = Span(instant(date, query.timezone), instant(date, query.timezone, is_end=True))
    return await _list(work, query, query.wanted(span=span))


@routes.get("/call-logs/{call_id}")
async def get_call_log(work: Reading, call_id: UUID) -> Success[CallLogDetail]:
    """One call, with its transcript."""
    return success(await detail_in(work.connection, work, call_id))


@routes.delete("/call-logs/{call_id}", status_code=204)
async def delete_call_log(work: Writing, call_id: UUID) -> None:
    """Erase a call that is over, with its transcript and recording."""
    await service.erase(work.connection, work.organization_id, call_id, work.backend.archive, work.now)
    await work.note("call.deleted", "call", call_id)


@routes.put("/call-logs/{call_id}/notes")
async def set_call_notes(work: Writing, call_id: UUID, body: Notes) -> Success[CallLogDetail]:
    """Write a call's notes anew; null takes them away."""
    if await calls.hold(work.connection, work.organization_id, call_id) is None:
        raise service.no_call()
    await calls.change(work.connection, work.organization_id, call_id, notes=body.notes)
    return success(await detail_in(work.connection, work, call_id))


@routes.get("/call-logs/{call_id}/transcript")
async def get_call_transcript(work: Reading, call_id: UUID, version: Version = None) -> Success[Transcript]:
    """What was said, turn by turn, and how long each answer took."""
    return success(await transcript_of(work, call_id, version))
