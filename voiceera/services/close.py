"""The end of a conversation, as the engine tells it: turns, recording, results, and an opt-out that acts at once."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from voiceera.rules.attempts import ENDS_AS, OVER, conversation_verdict
from voiceera.rules.calls import CallBrief, CallResult, RecordingFile, TurnRecord
from voiceera.rules.private_speech import Silence, as_json, redacted, redacted_use, redacted_values
from voiceera.rules.sound_files import ENCODING, EncodingState
from voiceera.rules.transcripts import LIVE
from voiceera.rules.webhooks import Event
from voiceera.services import analyses, costs
from voiceera.services.events import emit, emit_of_call
from voiceera.services.live import CallState, tell
from voiceera.services.settle import settle
from voiceera.services.sound_archive import LOCAL
from voiceera.store import attempts, call_tools, calls, do_not_call, jobs, recordings
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus


async def close(
    database: Database, brief: CallBrief, result: CallResult, now: datetime, *, bus: Bus | None = None
) -> None:
    """Write down what a conversation left behind, and end its call if the carrier has hung up already.

    Told twice, it changes nothing. A call that ended without it (its media process was taken for dead) still gets its
    transcript and recording, and keeps the state that it ended in. One that was deleted meanwhile leaves nothing.
    """
    digest = await asyncio.to_thread(_digest, result.recording) if result.recording else None
    result, silences = _redacted(brief, result)
    async with database.organization(brief.organization_id) as connection:
        attempt = await attempts.lock(connection, brief.organization_id, brief.call_id)
        if attempt is not None and attempt.conversation_ended_at is not None:
            return
        call = await calls.hold(connection, brief.organization_id, brief.call_id)
        if call is None:
            await asyncio.to_thread(Path(brief.recording_path).unlink, missing_ok=True)
            return
        await _write_down(connection, brief, result, digest, silences, now)
        verdict = conversation_verdict(result)
        state: CallState | None = None
        if attempt is None:
            is_over = call.ended_at is not None
            state = None if is_over else await _end_without_carrier(connection, brief, result)
        elif attempt.state in OVER:
            await attempts.change(connection, attempt, conversation_ended_at=now)
            await costs.charge(connection, brief.organization_id, brief.call_id)
        else:
            told = await attempts.change(
                connection,
                attempt,
                conversation_ended_at=now,
                conversation_outcome=verdict.outcome,
                conversation_fault=verdict.fault,
                opted_out=result.opted_out,
                callback_at=result.callback_at,
            )
            state = await settle(connection, told, now)
        if result.opted_out and call.phone_number is not None:
            contact_id = attempt.contact_id if attempt else None
            await _opt_out(connection, brief, call.phone_number, contact_id, now)
    await tell(bus, state)


async def _opt_out(
    connection: Connection, brief: CallBrief, phone_number: str, contact_id: UUID | None, now: datetime
) -> None:
    why = "asked for in a call"
    await do_not_call.add(connection, brief.organization_id, phone_number, reason=why, now=now, call_id=brief.call_id)
    told = _named(brief) | {"contact_id": contact_id, "phone_number": phone_number, "reason": why}
    await emit(connection, brief.organization_id, Event.CONTACT_OPTED_OUT, told, now)


def _named(brief: CallBrief) -> dict[str, Any]:
    return {"call_id": brief.call_id, "campaign_id": brief.campaign_id, "agent_id": brief.agent_id}


def _redacted(brief: CallBrief, result: CallResult) -> tuple[CallResult, Sequence[Silence]]:
    """What may be kept of it."""
    redaction, name = brief.agent.redaction, brief.variables.get("name")
    turns, silences = redacted(result.turns, redaction, name)
    values = redacted_values(result.results, redaction, name)
    uses = tuple(redacted_use(use, redaction, name) for use in result.tools)
    return replace(result, turns=turns, results=values, tools=uses), silences


async def _write_down(
    connection: Connection,
    brief: CallBrief,
    result: CallResult,
    digest: str | None,
    silences: Sequence[Silence],
    now: datetime,
) -> None:
    for index, turn in enumerate(result.turns):
        await calls.put_turn(connection, brief.organization_id, brief.call_id, index, turn)
    await call_tools.put(connection, brief.organization_id, brief.call_id, result.tools, result.usage)
    if result.recording is not None:
        row = _recording_row(brief, result.recording, digest, now)
        row["silences"] = as_json(silences)
        await recordings.put(connection, row)
        if row["encoding_state"] is EncodingState.PENDING:
            await jobs.enqueue(connection, ENCODING, brief.organization_id, brief.call_id, now)
    disposition = result.disposition or ("opted_out" if result.opted_out else None)
    heard = await calls.move(
        connection,
        brief.organization_id,
        brief.call_id,
        answered_by=result.answered_by,
        hangup_cause=result.cause,
        disposition=disposition,
        goal_reached=disposition in brief.agent.success_dispositions,
        extracted=dict(result.results),
        turns=len(result.turns),
        interruptions=result.interruptions,
        latency=_latency(result.turns),
        answer_ms=[turn.latency.total_ms for turn in result.turns if turn.latency is not None],
        error=result.error,
        audio_format=f"{result.audio_format.encoding}/{result.audio_format.sample_rate}",
    )
    if result.turns:
        await analyses.make_due(connection, brief.organization_id, brief.call_id, now)
    if heard:
        await _tell_what_is_ready(connection, brief, result, now)


async def _tell_what_is_ready(connection: Connection, brief: CallBrief, result: CallResult, now: datetime) -> None:
    """The recording is ready once it is encoded."""
    if result.turns:
        told = _named(brief) | {"turns": len(result.turns), "version": LIVE}
        await emit(connection, brief.organization_id, Event.TRANSCRIPT_READY, told, now)


async def _end_without_carrier(connection: Connection, brief: CallBrief, result: CallResult) -> CallState:
    """A call that nobody dialled (a browser's) is over when its conversation is."""
    outcome = conversation_verdict(result).outcome
    duration = (result.ended_at - result.started_at).total_seconds()
    call = await calls.get(connection, brief.organization_id, brief.call_id)
    cost = {} if call is None else await costs.charged(connection, call, duration, None)
    heard = await calls.move(
        connection,
        brief.organization_id,
        brief.call_id,
        **cost,
        status=ENDS_AS[outcome],
        outcome=outcome,
        ended_at=result.ended_at,
        duration_seconds=duration,
    )
    if heard:
        await emit_of_call(connection, brief.organization_id, brief.call_id, Event.CALL_ENDED, result.ended_at)
    return CallState(brief.call_id, brief.campaign_id, None, None, ENDS_AS[outcome], outcome, result.disposition)


def _recording_row(brief: CallBrief, file: RecordingFile, digest: str | None, now: datetime) -> dict[str, Any]:
    return {
        "organization_id": brief.organization_id,
        "call_id": brief.call_id,
        "store": LOCAL,
        "key": "/".join(Path(brief.recording_path).parts[-5:]),
        "format": "wav",
        "channels": file.channels,
        "sample_rate": file.sample_rate,
        "duration_seconds": file.duration_seconds,
        "size_bytes": file.size_bytes,
        "sha256": digest,
        "fault": file.fault,
        "created_at": now,
        "deleted_at": None,
        "encoding_state": EncodingState.PENDING if digest and file.duration_seconds else EncodingState.DONE,
        "encoding_due_at": now,
    }


def _digest(file: RecordingFile) -> str | None:
    try:
        with Path(file.path).open("rb") as sound:
            return hashlib.file_digest(sound, "sha256").hexdigest()
    except OSError:
        return None


def _latency(turns: tuple[TurnRecord, ...]) -> dict[str, Any]:
    """Milliseconds of the call's answers: how many, the median, and the slowest, in all and the platform's share."""
    answers = [turn.latency for turn in turns if turn.latency is not None]
    if not answers:
        return {}
    totals = [answer.total_ms for answer in answers]
    own = [answer.platform_ms for answer in answers]
    return {
        "answers": len(answers),
        "total_ms_p50": round(median(totals), 1),
        "total_ms_max": round(max(totals), 1),
        "platform_ms_p50": round(median(own), 1),
        "platform_ms_max": round(max(own), 1),
    }
