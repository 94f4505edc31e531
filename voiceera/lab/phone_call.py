"""One call on the lab's network, and how it can end in the vendor's words."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

from voiceera.lab.instructions import Instruction


class CallState(StrEnum):
    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    ENDED = "ended"


class EndedBy(StrEnum):
    AGENT = "agent"
    CALLEE = "callee"
    API = "api"
    NETWORK = "network"


@dataclass(frozen=True)
class Ending:
    """The vendor's words: https://www.plivo.com/docs/voice/troubleshooting/hangup-causes"""

    status: str
    cause: str
    code: int
    name: str
    source: str
    by: EndedBy


COMPLETED_BY_CALLEE = Ending("completed", "NORMAL_CLEARING", 4000, "Normal Hangup", "Callee", EndedBy.CALLEE)
COMPLETED_BY_API = Ending("completed", "NORMAL_CLEARING", 4000, "Normal Hangup", "API Request", EndedBy.API)
HUNG_UP_BY_XML = Ending("completed", "NORMAL_CLEARING", 4000, "Normal Hangup", "Answer XML", EndedBy.AGENT)
END_OF_XML = Ending("completed", "NORMAL_CLEARING", 4010, "End Of XML Instructions", "Plivo", EndedBy.AGENT)
TIME_LIMIT = Ending("completed", "ALLOTTED_TIMEOUT", 6000, "Scheduled Hangup", "Plivo", EndedBy.NETWORK)
TRANSFERRED = Ending("completed", "NORMAL_CLEARING", 4000, "Normal Hangup", "Callee", EndedBy.CALLEE)
TURNED_DOWN = Ending("busy", "CALL_REJECTED", 3020, "Rejected", "Answer XML", EndedBy.AGENT)
CANCELED = Ending("cancel", "ORIGINATOR_CANCEL", 1000, "Canceled", "API Request", EndedBy.API)
BUSY = Ending("busy", "USER_BUSY", 3010, "Busy Line", "Carrier", EndedBy.CALLEE)
REJECTED = Ending("busy", "CALL_REJECTED", 3020, "Rejected", "Carrier", EndedBy.CALLEE)
RING_TIMEOUT = Ending("no-answer", "NO_ANSWER", 6010, "Ring Timeout Reached", "Plivo", EndedBy.NETWORK)
NO_ANSWER = Ending("no-answer", "NO_ANSWER", 3000, "No Answer", "Carrier", EndedBy.NETWORK)
INVALID = Ending("failed", "UNALLOCATED_NUMBER", 2000, "Invalid Destination Address", "Carrier", EndedBy.NETWORK)
FAILED = Ending("failed", "NORMAL_TEMPORARY_FAILURE", 5000, "Network Error", "Carrier", EndedBy.NETWORK)
ANSWER_URL_FAILED = Ending(
    "completed", "NORMAL_CLEARING", 7011, "Error Reaching Answer URL", "Error", EndedBy.NETWORK
)
INVALID_XML = Ending("completed", "NORMAL_CLEARING", 8011, "Invalid Answer XML", "Error", EndedBy.NETWORK)


@dataclass(frozen=True)
class CallRequest:
    """What was asked for. Numbers are bare digits, as the vendor's documents have them."""

    from_number: str
    to_number: str
    answer_url: str
    answer_method: str = "POST"
    ring_url: str | None = None
    ring_method: str = "POST"
    hangup_url: str | None = None
    hangup_method: str = "POST"
    ring_timeout: float = 120.0
    time_limit: float = 14400.0
    machine_detection: bool = False
    is_inbound: bool = False
    """A person rings `to_number`, and the answer URL is its owner's."""
    context: str = ""
    """What the caller wanted to be told again, where the vendor has a field for it."""

    @property
    def person(self) -> str:
        """The telephone that is not the caller's own, E.164."""
        return f"+{self.from_number if self.is_inbound else self.to_number}"

    @property
    def reference(self) -> str:
        """The last UUID in the answer URL's path, or in what was to be told again; else the path."""
        path = urlsplit(self.answer_url).path
        if self.context:
            path = f"{path}/{self.context.partition('.')[0]}"
        return next((part for part in reversed(path.split("/")) if _is_uuid(part)), path)


@dataclass(eq=False)
class PhoneCall:
    uuid: str
    request: CallRequest
    vendor: str
    """Whose words it was asked for in."""
    initiated_at: datetime
    state: CallState = CallState.QUEUED
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
    is_silent: bool = False
    """Nobody is called back about it."""
    told: int = 0
    """Callbacks about it so far, for vendors that number them."""
    _over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _redirected: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _next: Sequence[Instruction] = ()

    def end(self, ending: Ending) -> None:
        """The first ending counts; whoever runs the call notices it by `ended_within`."""
        if self.ending is None:
            self.ending = ending
            self._over.set()

    def redirect(self, instructions: Sequence[Instruction]) -> None:
        """Leave what is played now, and go on with these."""
        self._next = instructions
        self._redirected.set()

    @property
    def is_redirected(self) -> bool:
        return self._redirected.is_set()

    async def redirected(self) -> None:
        await self._redirected.wait()

    def next_instructions(self) -> Sequence[Instruction]:
        self._redirected.clear()
        return self._next

    async def ended_within(self, seconds: float | None) -> bool:
        """Wait at most so long (None: for ever) for the call to end."""
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return False
        return True

    @property
    def is_live(self) -> bool:
        return self.state in (CallState.RINGING, CallState.IN_PROGRESS)

    @property
    def talk_seconds(self) -> float:
        if self.answered_at is None or self.ended_at is None:
            return 0.0
        return (self.ended_at - self.answered_at).total_seconds()


def utc_now() -> datetime:
    return datetime.now(UTC)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
