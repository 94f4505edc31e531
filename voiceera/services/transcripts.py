"""New versions of a call's transcript: asked for, made from the recording by a worker, or not to be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.errors import Conflict, FieldProblem, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.providers import registry
from voiceera.rules.agents import AgentConfig
from voiceera.rules.private_speech import redacted_segments
from voiceera.rules.transcripts import NoTranscript, Segment, TranscriptionState
from voiceera.rules.webhooks import Event
from voiceera.services import analyses
from voiceera.services.events import emit
from voiceera.services.sound_archive import no_recording
from voiceera.store import agents, calls, jobs, recordings, transcripts
from voiceera.store.base import Connection, Database

KIND = "transcription"
EMBEDDED = "moonshine"
LEASE = timedelta(minutes=30)
"""A worker that has not finished by then is taken for dead."""
_DELAYS = (timedelta(minutes=1), timedelta(minutes=10))
MOST_TRIES = len(_DELAYS) + 1


def no_version() -> NotFound:
    return NotFound("TRANSCRIPT_001", "The call's transcript has no such version.")


async def request(
    connection: Connection,
    organization_id: UUID,
    call_id: UUID,
    now: datetime,
    *,
    provider: str | None,
    language: str | None,
    created_by: UUID | None,
) -> sa.Row[Any]:
    """Ask for a transcript by a speech-to-text provider: the embedded one if none is named.

    Raises NotFound without a recording, Invalid for a provider that is not there, Conflict while one is being made.
    """
    recording = await recordings.get(connection, organization_id, call_id)
    if recording is None:
        raise no_recording()
    call = await calls.hold(connection, organization_id, call_id)
    if call is None:
        raise no_recording()
    known = registry.names(registry.Kind.SPEECH_TO_TEXT)
    if provider is not None and provider.partition("/")[0] not in known:
        message = f"there is no such speech-to-text provider; there are: {', '.join(known)}"
        raise Invalid("The provider is not known.", FieldProblem("provider", message))
    open_id = await transcripts.open_request(connection, organization_id, call_id)
    if open_id is not None:
        raise Conflict("RECORDING_002", "A transcript is being made already.", f"its request is {open_id}")
    agent = await agents.get_version(connection, organization_id, call.agent_id, call.agent_version)
    row: dict[str, Any] = {"organization_id": organization_id, "id": new_id(), "call_id": call_id}
    row |= {"provider": provider or EMBEDDED, "created_by": created_by, "created_at": now, "due_at": now}
    row["language"] = language or (agent.language if agent else "en-US")
    asked = await transcripts.add_request(connection, row)
    await jobs.enqueue(connection, KIND, organization_id, asked.id, now)
    return asked


@dataclass(frozen=True)
class Task:
    """A claimed request. `store`, `key`: where the recording lies; None: there is none any more."""

    organization_id: UUID
    request_id: UUID
    call_id: UUID
    provider: str
    language: str
    tries: int
    store: str | None
    key: str | None
    agent: AgentConfig | None
    variables: dict[str, str]


async def claim(database: Database, organization_id: UUID, request_id: UUID, now: datetime) -> Task | None:
    """Take up a request that is due. None: there is nothing to do."""
    async with database.organization(organization_id) as connection:
        row = await transcripts.claim(connection, organization_id, request_id, now, now + LEASE)
        if row is None:
            return None
        call = await calls.get(connection, organization_id, row.call_id)
        recording = await recordings.get(connection, organization_id, row.call_id)
        agent = call and await agents.get_version(connection, organization_id, call.agent_id, call.agent_version)
    return Task(
        organization_id=organization_id,
        request_id=request_id,
        call_id=row.call_id,
        provider=row.provider,
        language=row.language,
        tries=row.tries,
        store=recording and recording.store,
        key=recording and recording.key,
        agent=agent,
        variables=call.variables if call else {},
    )


async def finish(database: Database, task: Task, said: Sequence[Segment], now: datetime) -> None:
    """Keep the new version, and have the call analyzed by it. A call that was deleted meanwhile keeps nothing."""
    of = task.organization_id
    async with database.organization(of) as connection:
        call = await calls.hold(connection, of, task.call_id)
        if call is None:
            return
        if task.agent is not None:
            said, _ = redacted_segments(said, task.agent.redaction, task.variables.get("name"))
        version = await transcripts.add_version(
            connection, of, task.call_id, said, provider=task.provider, language=task.language, now=now
        )
        done = {"state": TranscriptionState.DONE, "version": version, "reason": None, "finished_at": now}
        await transcripts.change_request(connection, of, task.request_id, **done)
        await analyses.make_due(connection, of, task.call_id, now)
        told = {"call_id": task.call_id, "campaign_id": call.campaign_id, "agent_id": call.agent_id}
        told |= {"turns": len(said), "version": version, "provider": task.provider}
        await emit(connection, of, Event.TRANSCRIPT_READY, told, now)


async def give_up(
    database: Database, task: Task, reason: NoTranscript, now: datetime, *, may_pass: bool = False
) -> None:
    """Say why there is none. `may_pass`: the reason may go away, so it is tried again later, a few times."""
    of = task.organization_id
    async with database.organization(of) as connection:
        if may_pass and task.tries < MOST_TRIES:
            due_at = now + _DELAYS[task.tries - 1]
            queued = {"state": TranscriptionState.QUEUED, "reason": reason, "due_at": due_at}
            await transcripts.change_request(connection, of, task.request_id, **queued)
            await jobs.enqueue(connection, KIND, of, task.request_id, due_at)
            return
        failed = {"state": TranscriptionState.FAILED, "reason": reason, "finished_at": now}
        await transcripts.change_request(connection, of, task.request_id, **failed)
