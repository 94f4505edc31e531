"""Erases what an organization does not keep any longer, call by call, and writes down how much that was."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.errors import Conflict, NotFound, ProviderError
from voiceera.log import get_logger
from voiceera.rules.retention import Retention
from voiceera.services import call_logs, recordings
from voiceera.services.sound_archive import SoundArchive
from voiceera.store import audit, retention
from voiceera.store.base import Connection, Database
from voiceera.store.retention import Place

log = get_logger("retention")

_AT_ONCE = 100
_Look = Callable[[Connection, UUID, datetime, int, Place | None], Awaitable[Sequence[Place]]]
_Erase = Callable[[Connection, UUID, UUID], Awaitable[bool]]


@dataclass(frozen=True)
class Erased:
    """`left`: what could not be erased now (the store does not answer): the next round tries again."""

    recordings: int = 0
    calls: int = 0
    left: int = 0


async def erase_old(
    database: Database, organization_id: UUID, kept: Retention, archive: SoundArchive, now: datetime
) -> Erased:
    """Each call in a transaction of its own: whatever ends it half-way, what is left is found again."""

    async def recording(connection: Connection, organization_id: UUID, call_id: UUID) -> bool:
        return await recordings.erase(connection, organization_id, call_id, archive, now)

    async def call(connection: Connection, organization_id: UUID, call_id: UUID) -> bool:
        await call_logs.erase(connection, organization_id, call_id, archive, now)
        return True

    of = database, organization_id
    no_recordings = await _erase(*of, kept.recordings_before(now), retention.old_recordings, recording)
    no_calls = await _erase(*of, kept.calls_before(now), retention.old_calls, call)
    erased = Erased(no_recordings[0], no_calls[0], no_recordings[1] + no_calls[1])
    if erased.recordings or erased.calls:
        told = {"recordings": erased.recordings, "calls": erased.calls}
        async with database.organization(organization_id) as connection:
            await audit.write(connection, organization_id, "retention.erased", now, details=told)
    return erased


async def _erase(
    database: Database, organization_id: UUID, before: datetime | None, look: _Look, erase: _Erase
) -> tuple[int, int]:
    """(how many went, how many could not)."""
    gone = left = 0
    place: Place | None = None
    while before is not None:
        async with database.organization(organization_id) as connection:
            old = await look(connection, organization_id, before, _AT_ONCE, place)
        for _, call_id in old:
            try:
                async with database.organization(organization_id) as connection:
                    gone += await erase(connection, organization_id, call_id)
            except NotFound:  # another worker, or a person, was faster
                pass
            except (Conflict, ProviderError, OSError) as problem:
                left += 1
                log.warning("not_erased", call_id=str(call_id), problem=type(problem).__name__)
        if len(old) < _AT_ONCE:
            break
        place = old[-1]
    return gone, left
