"""The analysis of finished calls: asked for, written down, or given up. What it says is decided by `analysis`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from voiceera.rules.analysis import AnalysisState, Findings, Tokens
from voiceera.rules.analysis_plan import AnalysisPlan
from voiceera.rules.transcripts import LIVE, Segment
from voiceera.rules.webhooks import Event
from voiceera.services import costs
from voiceera.services.events import emit_of_call
from voiceera.store import agents, analyses, calls, jobs, transcripts
from voiceera.store.base import Connection, Database

KIND = "analysis"
LEASE = timedelta(minutes=10)
"""A worker that has not finished by then is taken for dead."""
_DELAYS = (timedelta(minutes=1), timedelta(minutes=10))
MOST_TRIES = len(_DELAYS) + 1


@dataclass(frozen=True)
class Subject:
    """A call to be analyzed. `language`: the agent's; `plan`: as the agent has it now, whatever it had then."""

    organization_id: UUID
    turns: Sequence[Segment]
    language: str
    contact_name: str | None
    disposition: str | None
    extracted: dict[str, Any]
    plan: AnalysisPlan
    is_last_try: bool


Find = Callable[[Subject, Tokens], Awaitable[Findings]]
"""What an analyzer finds; it counts the tokens that it takes, even where it fails."""


@dataclass(frozen=True)
class _Task:
    organization_id: UUID
    call_id: UUID
    until: datetime
    tries: int
    transcript_version: int
    subject: Subject


async def make_due(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> None:
    """Have a call analyzed once this transaction is committed."""
    await analyses.make_due(connection, organization_id, call_id, now)
    await jobs.enqueue(connection, KIND, organization_id, call_id, now)


async def analyse(database: Database, organization_id: UUID, call_id: UUID, now: datetime, find: Find) -> None:
    """Analyze a call whose analysis is due; a failure is noted, and tried again later. No transaction is open while
    the analyzer works: a model takes its time."""
    task = await _claimed(database, organization_id, call_id, now)
    if task is None:
        return
    tokens = Tokens()
    try:
        found = await find(task.subject, tokens)
    except Exception as problem:
        await _note_failure(database, task, tokens, now, type(problem).__name__)
        raise
    await _keep(database, task, found, tokens, now)


async def _claimed(database: Database, organization_id: UUID, call_id: UUID, now: datetime) -> _Task | None:
    until = now + LEASE
    async with database.organization(organization_id) as connection:
        row = await analyses.claim(connection, organization_id, call_id, now, until)
        if row is None:
            return None
        call = await calls.get(connection, organization_id, call_id)
        if call is None:
            return None
        if row.tries > MOST_TRIES:  # whoever took it up died of it, again and again
            await _give_up(connection, organization_id, call_id, row.error or "it took too long")
            return None
        agent = await agents.get_version(connection, organization_id, call.agent_id, call.agent_version)
        newest = await agents.get(connection, organization_id, call.agent_id)
        turns = await transcripts.said(connection, organization_id, call_id)
        made = await transcripts.versions(connection, organization_id, call_id)
    subject = Subject(
        organization_id=organization_id,
        turns=turns,
        language=agent.language if agent else "en-US",
        contact_name=call.contact_name,
        disposition=call.disposition,
        extracted=call.extracted,
        plan=newest.config.analysis if newest else agent.analysis if agent else AnalysisPlan(),
        is_last_try=row.tries >= MOST_TRIES,
    )
    return _Task(organization_id, call_id, until, row.tries, made[-1].version if made else LIVE, subject)


async def _keep(database: Database, task: _Task, found: Findings, tokens: Tokens, now: datetime) -> None:
    """Write down what was found. A call that was deleted meanwhile keeps nothing, and one whose analysis was asked
    for anew waits for that."""
    of = task.organization_id, task.call_id
    async with database.organization(task.organization_id) as connection:
        call = await calls.hold(connection, *of)  # first: whoever makes it due holds the call, too
        row = call and await analyses.hold_claimed(connection, *of, task.until)
        await _note_usage(connection, task, tokens)
        if call is None or row is None:
            return
        details, own = dict(found.details), call.disposition
        if (before := row.details.get("disposition")) and before.get("is_the_calls"):
            own = None  # an earlier analysis said so
        if "disposition" in details:
            is_the_calls = own is None and found.disposition is not None
            details["disposition"] = details["disposition"] | {"is_the_calls": is_the_calls}
        disposition = own or found.disposition
        planned = task.subject.plan.fields
        extracted = {name: value for name, value in call.extracted.items() if name not in planned} | found.extracted
        await calls.change(
            connection,
            *of,
            analysis_state=AnalysisState.DONE,
            summary=found.summary,
            sentiment=found.sentiment,
            emotions=found.emotions,
            key_phrases=found.key_phrases,
            spoken_language=found.language,
            disposition=disposition,
            extracted=extracted,
        )
        done: dict[str, Any] = {"state": AnalysisState.DONE, "error": None, "details": details, "analyzed_at": now}
        await analyses.change(connection, *of, transcript_version=task.transcript_version, **done)
        if tokens.prompt or tokens.completion:
            await costs.charge(connection, *of)
        told = {name: getattr(found, name) for name in ("summary", "sentiment", "emotions", "key_phrases")}
        told |= {"spoken_language": found.language, "analyzer": details.get("analyzer")}
        told |= {"disposition": disposition, "extracted": extracted}
        await emit_of_call(connection, *of, Event.CALL_ANALYZED, now, told)


async def _note_usage(connection: Connection, task: _Task, tokens: Tokens) -> None:
    if tokens.prompt or tokens.completion:
        plan = task.subject.plan
        used: dict[str, Any] = {"provider": plan.provider, "model": plan.model or ""}
        used |= {"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion}
        await analyses.add_usage(connection, task.organization_id, task.call_id, used)


async def _note_failure(database: Database, task: _Task, tokens: Tokens, now: datetime, error: str) -> None:
    of = task.organization_id, task.call_id
    async with database.organization(task.organization_id) as connection:
        row = await analyses.hold_claimed(connection, *of, task.until)
        await _note_usage(connection, task, tokens)
        if row is None:
            return
        if task.tries >= MOST_TRIES:
            await _give_up(connection, *of, error)
            return
        due_at = now + _DELAYS[task.tries - 1]
        await analyses.change(connection, *of, error=error, due_at=due_at)
        await jobs.enqueue(connection, KIND, *of, due_at)


async def _give_up(connection: Connection, organization_id: UUID, call_id: UUID, error: str) -> None:
    await analyses.change(connection, organization_id, call_id, error=error, state=AnalysisState.FAILED)
    await calls.change(connection, organization_id, call_id, analysis_state=AnalysisState.FAILED)
