"""Circuit breakers as they are stored, with the limits of a line and of a campaign, and shared by all dialers."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from voiceera.log import get_logger
from voiceera.providers.protocols import DialAnswer, Placed
from voiceera.rules.breakers import WINDOW, Heard, heard, story
from voiceera.store import campaigns, dial_queue
from voiceera.store.base import Connection, Database

log = get_logger("dialer")

_KINDS = {True: "breaker_opened", False: "breaker_closed"}


def line_key(integration_id: UUID) -> str:
    return f"trunk:{integration_id}"


def campaign_key(campaign_id: UUID) -> str:
    return f"campaign:{campaign_id}"


def news_of(answer: DialAnswer) -> Heard:
    """What an answer says of the line: a number that does not exist says that it works, and one that is too busy
    says nothing."""
    is_refused = answer.placed is Placed.REFUSED and not answer.invalid_number
    if answer.fault or is_refused or answer.placed is Placed.UNKNOWN:
        return Heard(faults=1, reason=answer.reason[:200])
    return Heard(good=int(answer.placed is not Placed.BUSY_NOW))


Line = tuple[UUID, UUID]
"""An organization's integration."""
News = tuple[UUID | None, Heard]
"""What the dials of a campaign, or (None) single calls, came to."""


class Hearsay:
    """What one dialer has heard. Good news is kept until there is bad: while all is well nothing is written."""

    def __init__(self) -> None:
        self._good: dict[Line, Counter[UUID | None]] = {}
        self._since: dict[Line, datetime] = {}

    def add(
        self, line: Line, campaign_id: UUID | None, news: Heard, now: datetime, *, is_watched: bool
    ) -> list[News]:
        """What is to be told now. `is_watched`: a breaker wants to hear good news, too."""
        if line not in self._since or now - self._since[line] > WINDOW:
            self._good[line], self._since[line] = Counter(), now
        if not news.faults and not is_watched:
            self._good[line][campaign_id] += news.good
            return []
        kept = [(each, Heard(good=count)) for each, count in self._good[line].items()]
        self._good[line].clear()
        return [*kept, (campaign_id, news)] if news.good or news.faults else kept


def _sum(news: Iterable[Heard]) -> Heard:
    found = list(news)
    reason = next((each.reason for each in reversed(found) if each.reason), "")
    return Heard(sum(each.good for each in found), sum(each.faults for each in found), reason)


async def note(
    database: Database,
    organization_id: UUID,
    integration_id: UUID,
    news: Iterable[News],
    now: datetime,
) -> None:
    """Let the breakers of the line and of each campaign hear what its dials came to; a campaign's events say what
    follows. In a transaction of its own: whoever claims holds the same rows, and waits for other rows of ours."""
    told = list(news)
    of_campaigns = {each for each, _ in told if each is not None}
    heard_by = {line_key(integration_id): _sum(each for _, each in told)}
    for campaign_id in of_campaigns:
        heard_by[campaign_key(campaign_id)] = _sum(each for of, each in told if of == campaign_id)
    async with database.organization(organization_id) as connection:
        gates = await dial_queue.lock_gates(connection, organization_id, list(heard_by))
        for key, gate in gates.items():
            breaker = heard(gate.breaker, heard_by[key], now)
            if breaker == gate.breaker:
                continue
            await dial_queue.set_breaker(connection, organization_id, key, breaker)
            message = story(gate.breaker, breaker)
            if message is not None:
                kind = _KINDS[breaker.next_at is not None]
                about = await _concerned(connection, organization_id, key, of_campaigns)
                await _tell(connection, organization_id, about, kind, message, now)
                log.warning(kind, organization_id=str(organization_id), limit=key, message=message)


async def _concerned(
    connection: Connection, organization_id: UUID, key: str, of_campaigns: set[UUID]
) -> list[tuple[UUID, str]]:
    """Whose events tell of it, and how the message begins there."""
    for campaign_id in of_campaigns:
        if key == campaign_key(campaign_id):
            return [(campaign_id, "This campaign: ")]
    return [(each, "The carrier's line: ") for each in await campaigns.active(connection, organization_id)]


async def _tell(
    connection: Connection,
    organization_id: UUID,
    about: list[tuple[UUID, str]],
    kind: str,
    message: str,
    now: datetime,
) -> None:
    for campaign_id, whose in about:
        await campaigns.add_event(connection, organization_id, campaign_id, kind, whose + message, now=now)
