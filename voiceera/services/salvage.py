"""The recording of a call whose media process died: its file was playable at every moment, so it is kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.rules.calls import Speaker
from voiceera.rules.private_speech import Silence, as_json
from voiceera.rules.redactions import Redaction
from voiceera.rules.sound_files import ENCODING, EncodingState, recording_key
from voiceera.services.sound_archive import LOCAL
from voiceera.store import agents, calls, jobs, recordings
from voiceera.store.base import Connection

BROKEN_OFF = "the process that held the call died: the end is missing"
_TO_THE_END_MS = 24 * 3600 * 1000


async def salvage(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> None:
    """Have what was recorded of the call measured, encoded and kept. If its process lives after all and closes the
    call, what that says counts."""
    call = await calls.get(connection, organization_id, call_id)
    if call is None or await recordings.get(connection, organization_id, call_id) is not None:
        return
    row: dict[str, Any] = {"organization_id": organization_id, "call_id": call_id, "store": LOCAL, "format": "wav"}
    row |= {"key": recording_key(organization_id, call_id, call.created_at), "channels": 2, "sample_rate": 8000}
    row |= {"duration_seconds": 0, "size_bytes": 0, "sha256": None, "fault": BROKEN_OFF, "created_at": now}
    row |= {"encoding_state": EncodingState.PENDING, "encoding_due_at": now}
    row["silences"] = as_json(await _silences(connection, call))
    await recordings.put(connection, row)
    await jobs.enqueue(connection, ENCODING, organization_id, call_id, now)


async def _silences(connection: Connection, call: sa.Row[Any]) -> list[Silence]:
    """The turns of which something was hidden as they were kept, and all that the caller said after the last one."""
    agent = await agents.get_version(connection, call.organization_id, call.agent_id, call.agent_version)
    redaction = agent.redaction if agent else Redaction()
    if not redaction.kinds or not redaction.audio:
        return []
    turns = await calls.turns(connection, call.organization_id, call.id)
    hidden = [turn for turn in turns if any(f"[{kind}]" in turn.text for kind in (*redaction.kinds, "digits"))]
    silences = [Silence(Speaker(turn.speaker), turn.start_ms, turn.end_ms) for turn in hidden]
    last = max((turn.end_ms for turn in turns), default=0)
    return [*silences, Silence(Speaker.CALLER, last, _TO_THE_END_MS)]
