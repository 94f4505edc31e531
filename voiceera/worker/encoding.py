"""The job that encodes recordings once their calls are over, and removes the originals an hour later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from voiceera.clock import utc_now
from voiceera.log import get_logger
from voiceera.rules.sound_files import SoundFormat
from voiceera.services import encodings as service
from voiceera.services.close import ENCODING
from voiceera.store import recordings
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind
from voiceera.worker.sound_encoder import NotEncoded, encode

log = get_logger("encoding")


def encoding(database: Database, directory: Path, sound_format: SoundFormat) -> Kind:
    """`directory`: where recordings lie. One at a time in each worker: encoding takes a core."""

    async def handle(row: DueRow, now: datetime) -> None:
        task = await service.claim(database, row.organization_id, row.row_id, directory, sound_format, now)
        if task is None:
            return
        try:
            encoded = await asyncio.to_thread(encode, task.source, task.target, task.sound_format)
        except NotEncoded as problem:
            log.warning("not_encoded", call_id=str(task.call_id), problem=problem.why)
            later = max(now, utc_now())
            await service.give_up(database, task, problem.why, later, may_pass=problem.may_pass)
        else:
            await service.finish(database, task, encoded, max(now, utc_now()))

    return Kind(ENCODING, handle, _due, at_once=1)


async def _due(connection: Connection, now: datetime) -> Sequence[DueRow]:
    return await recordings.due_encodings(connection, now, SWEPT_AT_ONCE)
