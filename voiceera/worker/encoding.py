"""The job that encodes recordings once their calls are over, and removes the originals an hour later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from voiceera.clock import utc_now
from voiceera.errors import ProviderError
from voiceera.log import get_logger
from voiceera.rules.sound_files import ENCODING, SoundFormat, key_in
from voiceera.services import encodings as service
from voiceera.services.encodings import Task
from voiceera.services.sound_archive import SoundArchive
from voiceera.store import recordings
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.worker.jobs import SWEPT_AT_ONCE, Kind
from voiceera.worker.sound_encoder import NotEncoded, encode

log = get_logger("encoding")


def encoding(database: Database, archive: SoundArchive, sound_format: SoundFormat) -> Kind:
    """One at a time in each worker: encoding takes a core."""

    async def handle(row: DueRow, now: datetime) -> None:
        task = await service.claim(database, row.organization_id, row.row_id, archive, sound_format, now)
        if task is None:
            return
        try:
            encoded = await asyncio.to_thread(encode, task.source, task.target, task.sound_format, task.silences)
            store = await archive.keep(key_in(task.sound_format, task.key))
        except NotEncoded as problem:
            await give_up(task, problem.why, now, may_pass=problem.may_pass)
        except ProviderError as problem:
            await give_up(task, problem.message, now, may_pass=True)
        else:
            await service.finish(database, task, encoded, archive, store, max(now, utc_now()))

    async def give_up(task: Task, why: str, now: datetime, *, may_pass: bool) -> None:
        log.warning("not_encoded", call_id=str(task.call_id), problem=why)
        await service.give_up(database, task, why, max(now, utc_now()), may_pass=may_pass)

    return Kind(ENCODING, handle, _due, at_once=1)


async def _due(connection: Connection, now: datetime) -> Sequence[DueRow]:
    return await recordings.due_encodings(connection, now, SWEPT_AT_ONCE)
