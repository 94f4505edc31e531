"""What was said in a call, as the API shows it."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field

from voiceera.api.depends import Work
from voiceera.api.shapes import Shown
from voiceera.rules.calls import Speaker
from voiceera.services.call_logs import no_call
from voiceera.store import calls
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


class Transcript(Shown):
    call_id: UUID
    segments: list[Segment]
    latency: CallLatency


async def segments_of(connection: Connection, organization_id: UUID, call_id: UUID) -> list[Segment]:
    rows = await calls.turns(connection, organization_id, call_id)
    return [Segment.model_validate(row) for row in rows]


async def transcript_of(work: Work, call_id: UUID) -> Transcript:
    """Raises NotFound for a call that is not the organization's."""
    call: sa.Row[Any] | None = await calls.get(work.connection, work.organization_id, call_id)
    if call is None:
        raise no_call()
    segments = await segments_of(work.connection, work.organization_id, call_id)
    return Transcript(call_id=call_id, segments=segments, latency=CallLatency.model_validate(call.latency))
