"""Where calls come from and where they are written down: the seam between the sockets and the database."""

from typing import Protocol

from voiceera.rules.calls import CallBrief, CallResult, TurnRecord
from voiceera.services.browser_calls import Wanted


class CallBook(Protocol):
    """In production the database's (`main.py`); a benchmark's and a test's own otherwise."""

    async def redeem(self, token: str, carrier: str) -> CallBrief | None:
        """The call that this one-shot token opens; None for one that is forged, used, late or another carrier's."""

    async def begin(self, wanted: Wanted) -> CallBrief:
        """A new call that somebody asks for over the voice WebSocket. Raises VoiceEraError for whoever may not."""

    async def note_metadata(self, brief: CallBrief, values: dict[str, str]) -> None:
        """What the client of such a call tells of itself."""

    async def record_turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
        """A turn as it completes, for those who watch. The result holds all turns again."""

    async def close(self, brief: CallBrief, result: CallResult) -> None:
        """The conversation is over. May raise: it is tried again, so doing it twice must do no harm."""
