"""The book of calls that the database keeps."""

from pathlib import Path
from uuid import UUID

from voiceera import clock
from voiceera.media.caller_lookups import CallerLookups
from voiceera.rules.calls import CallBrief, CallResult, TurnRecord
from voiceera.services import browser_calls, calls
from voiceera.services.browser_calls import Wanted
from voiceera.services.live import tell
from voiceera.services.maintenance import MaintenanceWatch
from voiceera.services.tokens import Tokens
from voiceera.store.base import Database
from voiceera.store.bus import Bus


class DatabaseBook:
    """Implements `CallBook`."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        recordings_dir: Path,
        tokens: Tokens,
        maintenance: MaintenanceWatch,
        node_id: UUID,
        voice_calls_per_user: int,
        lookups: CallerLookups,
    ) -> None:
        self._database = database
        self._bus = bus
        self._recordings_dir = recordings_dir
        self._tokens = tokens
        self._maintenance = maintenance
        self._node_id = node_id
        self._voice_calls_per_user = voice_calls_per_user
        self._lookups = lookups

    async def redeem(self, token: str, carrier: str) -> CallBrief | None:
        now = clock.utc_now()
        brief = await calls.redeem_media_token(self._database, token, carrier, now, self._recordings_dir)
        return None if brief is None else await self._lookups.known(brief)

    async def begin(self, wanted: Wanted) -> CallBrief:
        brief, state = await browser_calls.begin(
            self._database,
            self._tokens,
            self._maintenance,
            wanted,
            self._node_id,
            clock.utc_now(),
            self._recordings_dir,
            self._voice_calls_per_user,
        )
        await tell(self._bus, state)
        return brief

    async def note_metadata(self, brief: CallBrief, values: dict[str, str]) -> None:
        await browser_calls.note_metadata(self._database, brief, values)

    async def record_turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
        await calls.record_turn(self._database, brief.organization_id, brief.call_id, index, turn)

    async def close(self, brief: CallBrief, result: CallResult) -> None:
        await calls.close(self._database, brief, result, clock.utc_now(), bus=self._bus)
