"""The sound of a call as a file: opened to be sent, erased for good."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa

from voiceera.errors import NotFound
from voiceera.rules.sound_files import keys_of
from voiceera.services.close import LOCAL
from voiceera.store import recordings
from voiceera.store.base import Connection


def no_recording() -> NotFound:
    return NotFound("RECORDING_001", "No such recording.")


async def open_file(directory: Path, store: str, key: str) -> BinaryIO:
    """The file, open for reading: it can be read to its end whoever deletes it meanwhile. Raises NotFound."""
    try:
        return await asyncio.to_thread(path_of(directory, store, key).open, "rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise no_recording() from None


async def erase(connection: Connection, organization_id: UUID, call_id: UUID, directory: Path, now: datetime) -> bool:
    """Delete the file and note it. False: there is no recording.

    The file goes before the commit: if that fails, asking again ends what was begun. The other way round, a crash
    would leave somebody's voice on disk that nobody knows of.
    """
    found: sa.Row[Any] | None = await recordings.lock(connection, organization_id, call_id)
    if found is None:
        return False
    await recordings.delete(connection, organization_id, call_id, now)
    await remove_files(directory, found.store, found.key)
    return True


async def remove_files(directory: Path, store: str, key: str) -> None:
    """Every file of the call's sound: as it was recorded, and encoded. Raises NotFound for a key that leads away."""
    paths = [path_of(directory, store, each) for each in (key, *keys_of(key))]
    for path in paths:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def path_of(directory: Path, store: str, key: str) -> Path:
    """Where the recording lies. Raises NotFound for a key that leads out of the directory."""
    root = directory.resolve()
    path = (root / key).resolve()
    if store != LOCAL or root not in path.parents:
        raise no_recording()
    return path
