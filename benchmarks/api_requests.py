"""Which call-log lists the benchmark asks for: every filter with every sort, drawn with a fixed seed."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from benchmarks.rows import DAYS
from voiceera.store.call_pages import SORTABLE

LIMIT = 20
SORTS = tuple(SORTABLE)
_AGENT = "01900000-0000-7000-8000-a{:011x}"
_CAMPAIGN = "01900000-0000-7000-8000-c{:011x}"


def sorts() -> Iterator[str]:
    for name in SORTS:
        yield name
        yield f"-{name}"


def filters(end: datetime, dice: random.Random) -> list[dict[str, str]]:
    """One of each kind; rare and frequent values, an old and a new campaign, and pairs that people use."""
    day = (end - timedelta(days=dice.randrange(1, DAYS - 1))).date().isoformat()
    week = {"date_from": (end - timedelta(days=7)).date().isoformat()}
    agent = {"agent_id": _AGENT.format(dice.randrange(0, 12, 2))}
    return [
        {},
        {"status": "completed"},
        {"status": "no_answer"},
        {"status": "canceled"},
        {"status": "in_progress"},
        {"direction": "outbound"},
        {"direction": "inbound"},
        {"disposition": "confirmed"},
        {"disposition": "no_such_disposition"},
        {"phone_number": f"+1202{dice.randrange(500_000):07d}"},
        agent,
        {"campaign_id": _CAMPAIGN.format(1)},
        {"campaign_id": _CAMPAIGN.format(38)},
        week,
        {"date_from": day, "date_to": day, "timezone": "Asia/Kolkata"},
        agent | {"status": "voicemail"},
        agent | week | {"disposition": "declined"},
        {"campaign_id": _CAMPAIGN.format(dice.randrange(40)), "status": "failed"},
    ]


def lists(end: str, seed: int = 1) -> list[str]:
    """Every filter × every sort once, in random order."""
    dice = random.Random(seed)
    asked = [
        each | {"limit": str(LIMIT), "sort": sort}
        for sort in sorts()
        for each in filters(datetime.fromisoformat(end).astimezone(UTC), dice)
    ]
    dice.shuffle(asked)
    return ["/call-logs?" + urlencode(each) for each in asked]
