"""Finished recordings on their way to the form in which they are kept. The work on the sound is the worker's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.rules.private_speech import Silence, from_json
from voiceera.rules.sound_files import ENCODING, EncodingState, SoundFormat, key_in
from voiceera.rules.waveforms import Waveform
from voiceera.rules.webhooks import Event
from voiceera.services.events import emit
from voiceera.services.sound_archive import SoundArchive
from voiceera.store import calls, jobs, recordings
from voiceera.store.base import Connection, Database

LEASE = timedelta(minutes=15)
"""A worker that has not finished by then is taken for dead."""
SPARE_FOR = timedelta(hours=1)
"""The original stays that long, for whoever has begun to read it."""
_DELAYS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
MOST_TRIES = len(_DELAYS) + 1


@dataclass(frozen=True)
class Task:
    """A claimed recording: `source` is to be encoded to `target`, which may be the same file."""

    organization_id: UUID
    call_id: UUID
    tries: int
    store: str
    key: str
    sound_format: SoundFormat
    source: Path
    target: Path
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True)
class Encoded:
    """What lies at the task's target now, read back and found whole."""

    size_bytes: int
    sha256: str
    sample_rate: int
    duration_seconds: float
    waveform: Waveform


def is_withheld(recording: sa.Row[Any]) -> bool:
    """Whether its sound holds what nobody may hear: it was to be redacted, and is not (yet)."""
    return bool(recording.silences) and recording.encoding_state in (EncodingState.PENDING, EncodingState.FAILED)


async def claim(
    database: Database,
    organization_id: UUID,
    call_id: UUID,
    archive: SoundArchive,
    wanted: SoundFormat,
    now: datetime,
) -> Task | None:
    """Take up a recording that is to be encoded. None: there is nothing to do, or it was only to be tidied up."""
    async with database.organization(organization_id) as connection:
        row = await recordings.claim_encoding(connection, organization_id, call_id, now, now + LEASE)
        if row is None:
            return None
        if row.deleted_at is not None or row.encoding_state == EncodingState.SPARE:
            await _tidy_up(connection, row, archive)
            return None
    paths = [archive.path(key) for key in (row.key, key_in(wanted, row.key))]
    silences = from_json(row.silences)
    return Task(
        organization_id, call_id, row.encoding_tries, row.store, row.key, wanted, paths[0], paths[1], silences
    )


async def _tidy_up(connection: Connection, row: sa.Row[Any], archive: SoundArchive) -> None:
    """Remove the original of what is encoded, and all of what was deleted meanwhile."""
    if row.deleted_at is not None:
        await archive.remove(row.store, row.key)
    else:
        await archive.remove_spare(row.store, row.key)
    await recordings.change_encoding(connection, row.organization_id, row.call_id, encoding_state=EncodingState.DONE)


async def finish(
    database: Database, task: Task, encoded: Encoded, archive: SoundArchive, store: str, now: datetime
) -> None:
    """The recording is what was encoded and lies in `store`, from now on. Of one that was deleted meanwhile nothing
    stays."""
    of = task.organization_id, task.call_id
    async with database.organization(task.organization_id) as connection:
        if await recordings.lock(connection, *of) is None:
            await archive.remove(store, task.key)
            return
        is_copy = task.source != task.target or store != task.store
        later = now if task.silences else now + SPARE_FOR  # what nobody may hear goes at once
        await recordings.change_encoding(
            connection,
            *of,
            store=store,
            key=key_in(task.sound_format, task.key),
            format=task.sound_format,
            size_bytes=encoded.size_bytes,
            sample_rate=encoded.sample_rate,
            duration_seconds=encoded.duration_seconds,
            sha256=encoded.sha256,
            encoding_state=EncodingState.SPARE if is_copy else EncodingState.DONE,
            encoding_due_at=later if is_copy else None,
            encoding_error=None,
        )
        await recordings.put_waveform(connection, *of, encoded.waveform)
        if is_copy:
            await jobs.enqueue(connection, ENCODING, *of, later)
        await _tell(connection, *of, now)


async def give_up(database: Database, task: Task, why: str, now: datetime, *, may_pass: bool) -> None:
    """Say why it stays as it was recorded. `may_pass`: the reason may go away, so it is tried again a few times."""
    of = task.organization_id, task.call_id
    async with database.organization(task.organization_id) as connection:
        if may_pass and task.tries < MOST_TRIES:
            due_at = now + _DELAYS[task.tries - 1]
            await recordings.change_encoding(connection, *of, encoding_due_at=due_at, encoding_error=why)
            await jobs.enqueue(connection, ENCODING, *of, due_at)
            return
        failed: dict[str, Any] = {"encoding_state": EncodingState.FAILED, "encoding_error": why}
        failed["encoding_due_at"] = None
        await recordings.change_encoding(connection, *of, **failed)
        await _tell(connection, *of, now)


async def _tell(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> None:
    """It can be downloaded, and will not change any more. One whose end is missing is told with its `fault`."""
    recording = await recordings.get(connection, organization_id, call_id)
    call = await calls.get(connection, organization_id, call_id)
    if recording is None or call is None:
        return
    told = {"call_id": call_id, "campaign_id": call.campaign_id, "agent_id": call.agent_id}
    told |= {name: getattr(recording, name) for name in ("format", "channels", "sample_rate", "sha256", "fault")}
    told |= {"duration_seconds": float(recording.duration_seconds), "size_bytes": recording.size_bytes}
    await emit(connection, organization_id, Event.RECORDING_READY, told, now)
