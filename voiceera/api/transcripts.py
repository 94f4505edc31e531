"""What was said in a call, as the API shows it."""

from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from pydantic import Field

from voiceera.api.depends import Work
from voiceera.api.shapes import Instant, Shown
from voiceera.rules.calls import Speaker
from voiceera.rules.transcripts import LIVE, NoTranscript, TranscriptionState
from voiceera.services.call_logs import no_call
from voiceera.services.transcripts import no_version
from voiceera.store import agents, calls, transcripts
from voiceera.store.base import Connection


class TurnLatencyShown(Shown):
    """Milliseconds from the caller's last sound to the agent's first, and what they were spent on."""

    total_ms: float
    endpointing_ms: float
    stt_ms: float
    brain_ms: float
    tts_ms: float
    platform_ms: float = Field(description="Ours: the total less what was waited for on purpose or outside.")


class Segment(Shown):
    """One holding of the floor; times are milliseconds from the start of the recording.

    `text` is what was heard of the caller, or what the caller really got to hear of the agent.
    """

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    interrupted: bool = False
    step: str | None = Field(default=None, description="The flow's step that was answered.")
    result: str | None = Field(default=None, description="What the answer was taken for.")
    latency: TurnLatencyShown | None = Field(default=None, description="On agent turns that answer a caller's.")


class CallLatency(Shown):
    """The answers of a call together, in milliseconds; null where nothing was answered."""

    answers: int = 0
    total_ms_p50: float | None = None
    total_ms_max: float | None = None
    platform_ms_p50: float | None = None
    platform_ms_max: float | None = None


class TranscriptVersion(Shown):
    """Version 1 is what was heard in the call itself (`live`); each transcription makes another."""

    version: int
    provider: str
    language: str
    created_at: Instant


class Transcription(Shown):
    """A request for a new version. A failed one says why; a queued one with a reason will be tried again."""

    id: UUID
    call_id: UUID
    provider: str
    language: str
    state: TranscriptionState
    reason: NoTranscript | None
    version: int | None = Field(description="The version that it made.")
    created_by: UUID | None
    created_at: Instant
    finished_at: Instant | None


class Transcript(Shown):
    """One version, the newest unless another was asked for; `latency` is that of the call."""

    call_id: UUID
    version: int
    provider: str
    segments: list[Segment]
    latency: CallLatency
    versions: list[TranscriptVersion]
    transcriptions: list[Transcription]


Version = Annotated[int | None, Query(ge=1, le=1_000_000, description="The newest, if none is given.")]


async def segments_of(connection: Connection, organization_id: UUID, call_id: UUID) -> list[Segment]:
    """Of the newest version."""
    rows = await transcripts.segments(connection, organization_id, call_id)
    return [Segment.model_validate(row) for row in rows or ()]


async def transcript_of(work: Work, call_id: UUID, version: int | None = None) -> Transcript:
    """Raises NotFound for a call that is not the organization's, and for a version that it has not."""
    of = work.organization_id
    call: sa.Row[Any] | None = await calls.get(work.connection, of, call_id)
    if call is None:
        raise no_call()
    versions = [await _live(work, call)]
    versions += [
        TranscriptVersion.model_validate(each) for each in await transcripts.versions(work.connection, of, call_id)
    ]
    shown = next((each for each in versions if each.version == version), None) if version else versions[-1]
    if shown is None:
        raise no_version()
    rows = await transcripts.segments(work.connection, of, call_id, shown.version) or ()
    return Transcript(
        call_id=call_id,
        version=shown.version,
        provider=shown.provider,
        segments=[Segment.model_validate(row) for row in rows],
        latency=CallLatency.model_validate(call.latency),
        versions=versions,
        transcriptions=[
            Transcription.model_validate(each) for each in await transcripts.requests(work.connection, of, call_id)
        ],
    )


async def _live(work: Work, call: sa.Row[Any]) -> TranscriptVersion:
    agent = await agents.get_version(work.connection, work.organization_id, call.agent_id, call.agent_version)
    language = agent.language if agent else "en-US"
    return TranscriptVersion(version=LIVE, provider="live", language=language, created_at=call.created_at)
