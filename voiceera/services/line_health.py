"""Whether an organization's line works, as its calls find out: the live half of an integration's status."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from voiceera.clock import monotonic
from voiceera.log import get_logger
from voiceera.providers.protocols import DialAnswer
from voiceera.rules.webhooks import Event
from voiceera.services.events import emit
from voiceera.services.trunks import Trunk
from voiceera.store import integrations
from voiceera.store.base import Database

log = get_logger("lines")

FAULTS = 3
"""Dials in a row that find the line broken make it fail; the first that does not makes it work."""
_SAID_AGAIN_SECONDS = 10.0
"""Others change the row, too: what we find is held against it this often, and not at every call."""


class LineHealth:
    """Of one worker. Each answer of a carrier goes in; what it means is written where it changes something."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._faults: Counter[UUID] = Counter()
        self._said: dict[UUID, tuple[bool, float]] = {}

    async def note(self, organization_id: UUID, trunk: Trunk, answer: DialAnswer, now: datetime) -> None:
        line = trunk.integration_id
        self._faults[line] = self._faults[line] + 1 if answer.fault else 0
        if 0 < self._faults[line] < FAULTS:
            return
        works = not answer.fault
        said, at = self._said.get(line, (None, 0.0))
        if said is works and monotonic() - at < _SAID_AGAIN_SECONDS:
            return
        self._said[line] = works, monotonic()
        await self._write(organization_id, line, works, answer.reason, now)

    async def _write(self, organization_id: UUID, line: UUID, works: bool, reason: str, now: datetime) -> None:
        detail = "Calls go through." if works else f"{FAULTS} calls in a row found the line broken: {reason}"
        status = "working" if works else "failing"
        async with self._database.organization(organization_id) as connection:
            found = await integrations.note_live(
                connection, organization_id, line, status=status, detail=detail, now=now
            )
            if found is None or works:
                return
            told = {"id": found.id, "name": found.name, "type": found.type, "provider": found.provider}
            await emit(connection, organization_id, Event.INTEGRATION_FAILING, told | {"detail": detail}, now)
        log.warning("line_failing", integration_id=str(line), reason=reason)
