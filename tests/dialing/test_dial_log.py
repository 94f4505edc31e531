"""A campaign's log says why it does not dial."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.dialing.floor import Floor
from tests.world import NOON, number, quick
from voiceera.rules.campaigns import ContactDraft
from voiceera.rules.dial_stories import hold_story, story
from voiceera.services import campaigns, contacts
from voiceera.services.trunks import FixedTrunks
from voiceera.worker.dialer import Dialer

MADRID = ZoneInfo("Europe/Madrid")
MIDNIGHT = datetime(2026, 3, 10, 0, 30, tzinfo=UTC)
MORNING = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "reason", "until", "zone", "told"),
    [
        (412, "outside_hours", MORNING, MADRID, "412 deferred: outside window until 08:00 Europe/Madrid"),
        (1, "outside_hours", MORNING, None, "1 deferred: outside window until 07:00 UTC"),
        (
            *(2000, "contact_cap", MORNING + timedelta(days=1), MADRID),
            "2,000 deferred: tried as often in a day as is allowed until Wed 11 Mar 08:00 Europe/Madrid",
        ),
        (3, "do_not_call", None, MADRID, "3 suppressed: on a do-not-call list"),
    ],
)
def test_a_refusal_is_told_on_the_contacts_clock(
    count: int, reason: str, until: datetime | None, zone: ZoneInfo | None, told: str
) -> None:
    assert story(count, reason, until, zone, MIDNIGHT) == told


def test_a_campaign_that_is_held_says_until_when() -> None:
    assert hold_story("no_caller_id", MORNING, MIDNIGHT) == "Nobody is dialled: no free caller id until 07:00 UTC"
    assert hold_story("no_trunk", None, MIDNIGHT) == "Nobody is dialled: no carrier is connected"


async def told(floor: Floor, kind: str) -> list[str]:
    rows = await floor.world.rows("SELECT message FROM campaign_events WHERE kind = :kind ORDER BY id", kind=kind)
    return [row.message for row in rows]


async def test_what_is_refused_for_one_reason_is_one_entry_that_grows(floor: Floor) -> None:
    nights = {"tuesday": [{"start": "20:00", "end": "21:00"}]}
    config = quick(calling_windows=nights)
    campaign_id = await floor.launch(people=2, config=config)
    await floor.dial()
    await floor.dialer().write_log()
    assert floor.world.carrier.dialed == []
    [first] = await told(floor, "deferred")
    assert first == "2 deferred: outside window until 20:00 America/New_York"
    async with floor.world.scope() as connection:
        more = [ContactDraft(phone_number=number(900))]
        await contacts.add(connection, floor.world.organization_id, campaign_id, more, floor.now)
    await floor.dial()
    await floor.dialer().write_log()
    assert await told(floor, "deferred") == [first.replace("2", "3", 1)]


async def test_without_a_line_the_log_says_so_once(floor: Floor) -> None:
    await floor.launch(people=1)
    world = floor.world
    lost = Dialer(world.database, None, FixedTrunks({}), public_url="http://api", name="two", now=lambda: floor.now)
    for _ in range(3):
        await lost.round()
        await lost.write_log()
    assert await told(floor, "held") == ["Nobody is dialled: no carrier is connected"]


async def test_a_change_names_what_was_changed(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    async with floor.world.scope() as connection:
        changes = {"name": "Autumn", "config": quick(ring_seconds=20)}
        key = (floor.world.organization_id, campaign_id)
        await campaigns.update(connection, *key, changes, NOON)
        await campaigns.update(connection, *key, changes, NOON)
    assert await told(floor, "changed") == ["Changed: name, ring_seconds."]
