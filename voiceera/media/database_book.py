"""The book of calls that the database keeps."""

from pathlib import Path

from voiceera import clock
from voiceera.rules.calls import CallBrief, CallResult, TurnRecord
from voiceera.services import calls
from voiceera.store.base import Database
from voiceera.store.bus import Bus


class DatabaseBook:
    """Implements `CallBook`."""

    def __init__(self, database: Database, bus: Bus, recordings_dir: Path) -> None:
        self._database = database
        self._bus = bus
        self._recordings_dir = recordings_dir

    async def redeem(self, token: str, carrier: str) -> CallBrief | None:
        return await calls.redeem_media_token(self._database, token, carrier, clock.utc_now(), self._recordings_dir)

    async def record_turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
        await calls.record_turn(self._database, brief.organization_id, brief.call_id, index, turn)

    async def close(self, brief: CallBrief, result: CallResult) -> None:
        await calls.close(self._database, brief, result, clock.utc_now(), bus=self._bus)
