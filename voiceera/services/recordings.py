"""The recording of a call, erased for good."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.services.sound_archive import SoundArchive
from voiceera.store import recordings
from voiceera.store.base import Connection


async def erase(
    connection: Connection, organization_id: UUID, call_id: UUID, archive: SoundArchive, now: datetime
) -> bool:
    """Delete the files and note it. False: there is no recording.

    The files go before the commit: if that fails, asking again ends what was begun. The other way round, a crash
    would leave somebody's voice behind that nobody knows of.
    """
    found: sa.Row[Any] | None = await recordings.lock(connection, organization_id, call_id)
    if found is None:
        return False
    await recordings.delete(connection, organization_id, call_id, now)
    await archive.remove(found.store, found.key)
    return True
