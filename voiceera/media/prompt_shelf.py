"""The operators' recordings as lines carry them, kept between calls."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from voiceera.clock import monotonic
from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import CallBrief
from voiceera.services.prompts import on_line
from voiceera.store import prompts
from voiceera.store.base import Database

_FRESH_SECONDS = 30.0
"""How long one is played without asking whether it has been replaced."""
_LARGEST_BYTES = 64_000_000


@dataclass(frozen=True)
class _Kept:
    sound: bytes | None
    """None: there is none of this name."""
    read_at: float


class PromptShelf:
    """Of one media process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[tuple[UUID, str, AudioFormat], _Kept] = OrderedDict()
        self._bytes = 0

    async def sound(self, brief: CallBrief, name: str, audio_format: AudioFormat) -> bytes | None:
        """In the line's format; None where there is no recording of this name (any more)."""
        key = (brief.organization_id, name, audio_format)
        kept = self._kept.get(key)
        if kept is not None and monotonic() - kept.read_at < _FRESH_SECONDS:
            self._kept.move_to_end(key)
            return kept.sound
        async with self._database.organization(brief.organization_id) as connection:
            found = await prompts.named(connection, brief.organization_id, name)
        sound = await asyncio.to_thread(on_line, found[1], audio_format) if found is not None else None
        self._keep(key, _Kept(sound, monotonic()))
        return sound

    def _keep(self, key: tuple[UUID, str, AudioFormat], kept: _Kept) -> None:
        before = self._kept.pop(key, None)
        self._kept[key] = kept
        self._bytes += len(kept.sound or b"") - len((before and before.sound) or b"")
        while self._bytes > _LARGEST_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.sound or b"")
