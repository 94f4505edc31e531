"""The analysis of finished calls: asked for, written down, or given up. What it says is decided by `analysis`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from voiceera.rules.analysis import AnalysisState, Findings
from voiceera.rules.transcripts import LIVE, Segment
from voiceera.rules.webhooks import Event
from voiceera.services.events import emit_of_call
from voiceera.store import agents, analyses, calls, jobs, transcripts
from voiceera.store.base import Connection, Database

KIND = "analysis"
_DELAYS = (timedelta(minutes=1), timedelta(minutes=10))
"""After a failure; with none left it is given up."""


@dataclass(frozen=True)
class Subject:
    """A call to be analyzed. `language`: the agent's."""

    turns: Sequence[Segment]
    language: str
    contact_name: str | None
    disposition: str | None
    extracted: dict[str, Any]


async def make_due(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> None:
    """Have a call analyzed once this transaction is committed."""
    await analyses.make_due(connection, organization_id, call_id, now)
    await jobs.enqueue(connection, KIND, organization_id, call_id, now)


async def analyse(
    database: Database,
    organization_id: UUID,
    call_id: UUID,
    now: datetime,
    find: Callable[[Subject], Awaitable[Findings]],
) -> None:
    """Analyze a call whose analysis is due, in one transaction; a failure is noted, and tried again later."""
    try:
        async with database.organization(organization_id) as connection:
            await _analyse(connection, organization_id, call_id, now, find)
    except Exception as problem:
        async with database.organization(organization_id) as connection:
            await _note_failure(connection, organization_id, call_id, now, type(problem).__name__)
        raise


async def _analyse(
    connection: Connection,
    organization_id: UUID,
    call_id: UUID,
    now: datetime,
    find: Callable[[Subject], Awaitable[Findings]],
) -> None:
    call = await calls.hold(connection, organization_id, call_id)  # first: whoever makes it due holds the call, too
    if call is None or await analyses.claim(connection, organization_id, call_id, now) is None:
        return
    agent = await agents.get_version(connection, organization_id, call.agent_id, call.agent_version)
    turns = await transcripts.said(connection, organization_id, call_id)
    made = await transcripts.versions(connection, organization_id, call_id)
    language = agent.language if agent else "en-US"
    found = await find(Subject(turns, language, call.contact_name, call.disposition, call.extracted))
    await calls.change(
        connection,
        organization_id,
        call_id,
        analysis_state=AnalysisState.DONE,
        summary=found.summary,
        sentiment=found.sentiment,
        emotions=found.emotions,
        key_phrases=found.key_phrases,
        spoken_language=found.language,
    )
    await analyses.change(
        connection,
        organization_id,
        call_id,
        state=AnalysisState.DONE,
        details=found.details,
        analyzed_at=now,
        transcript_version=made[-1].version if made else LIVE,
    )
    told = {name: getattr(found, name) for name in ("summary", "sentiment", "emotions", "key_phrases")}
    told |= {"spoken_language": found.language, "analyzer": found.details.get("analyzer")}
    await emit_of_call(connection, organization_id, call_id, Event.CALL_ANALYZED, now, told)


async def _note_failure(
    connection: Connection, organization_id: UUID, call_id: UUID, now: datetime, error: str
) -> None:
    row = await analyses.claim(connection, organization_id, call_id, now)
    if row is None:
        return
    tries = row.tries + 1
    if tries <= len(_DELAYS):
        due_at = now + _DELAYS[tries - 1]
        await analyses.change(connection, organization_id, call_id, tries=tries, error=error, due_at=due_at)
        await jobs.enqueue(connection, KIND, organization_id, call_id, due_at)
        return
    await analyses.change(connection, organization_id, call_id, tries=tries, error=error, state=AnalysisState.FAILED)
    await calls.change(connection, organization_id, call_id, analysis_state=AnalysisState.FAILED)
