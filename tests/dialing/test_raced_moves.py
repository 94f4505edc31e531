"""Fifty people launch, pause, resume and stop one campaign at once, while two dialers dial it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from tests.world import World, make_world, number, quick
from voiceera.clock import utc_now
from voiceera.errors import Conflict
from voiceera.providers.protocols import Dial, DialAnswer, Placed
from voiceera.rules.campaigns import Action, CampaignStatus, ContactDraft, after
from voiceera.services import campaigns, contacts
from voiceera.services.campaigns import CampaignDraft
from voiceera.store.base import Database
from voiceera.worker.dialer import Dialer

PEOPLE = 300
CLIENTS = 50
SECONDS = 4.0
AT_ONCE = timedelta(seconds=1)
"""After the answer to a pause or a stop, no dial begins later than this."""
KINDS = {
    "launched": Action.LAUNCH,
    "paused": Action.PAUSE,
    "resumed": Action.RESUME,
    "stopped": Action.STOP,
    "completed": Action.COMPLETE,
}
MOVES: dict[Action, Callable[..., Awaitable[object]]] = {
    Action.LAUNCH: campaigns.launch,
    Action.PAUSE: campaigns.pause,
    Action.RESUME: campaigns.resume,
    Action.STOP: campaigns.stop,
}


class Race:
    def __init__(self, world: World, campaign_id: UUID) -> None:
        self.world = world
        self.campaign_id = campaign_id
        self.dialed: list[datetime] = []
        self.done: list[tuple[Action, datetime, datetime]] = []
        """What was done, with the instants at which it was asked for and answered."""

    def answer(self, dial: Dial) -> DialAnswer:
        self.dialed.append(utc_now())
        return DialAnswer(Placed.REFUSED, invalid_number=True)

    async def move(self, action: Action) -> None:
        asked = utc_now()
        try:
            async with self.world.scope() as connection:
                await MOVES[action](connection, self.world.organization_id, self.campaign_id, utc_now())
        except Conflict:
            return
        self.done.append((action, asked, utc_now()))

    async def client(self, seed: int, until: float) -> None:
        chance = random.Random(seed)
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            await self.move(chance.choice([Action.LAUNCH, Action.PAUSE, Action.RESUME]))
            await asyncio.sleep(chance.uniform(0.2, 1.5))

    def dials_after_an_answer(self) -> list[datetime]:
        """Those that began more than a second after a pause or stop, and before anybody asked to go on."""
        wrong = []
        for action, _, answered in self.done:
            if action in (Action.PAUSE, Action.STOP):
                on = [
                    asked for what, asked, at in self.done if what in (Action.RESUME, Action.LAUNCH) and at > answered
                ]
                until = min(on, default=utc_now())
                wrong += [dial for dial in self.dialed if answered + AT_ONCE < dial < until]
        return wrong


async def test_fifty_clients_make_legal_moves_only_and_a_pause_holds_within_a_second(database: Database) -> None:
    world = await make_world(database, utc_now())
    await world.connect_carrier()
    config = quick(calls_per_second=100, max_concurrent_calls=1000)
    async with world.scope() as connection:
        draft = CampaignDraft("Spring", world.agent_id, config=config)
        campaign = await campaigns.create(connection, world.organization_id, draft, utc_now())
        people = [ContactDraft(phone_number=number(index)) for index in range(PEOPLE)]
        await contacts.add(connection, world.organization_id, campaign.id, people, utc_now())
    race = Race(world, campaign.id)
    world.carrier.otherwise = race.answer
    stop = asyncio.Event()
    dialers = [Dialer(database, None, world.trunks, public_url="http://api", name=name) for name in "ab"]
    dialing = [asyncio.create_task(dialer.run(stop)) for dialer in dialers]
    until = asyncio.get_running_loop().time() + SECONDS
    await asyncio.gather(*(race.client(seed, until) for seed in range(CLIENTS)))
    await asyncio.gather(*(race.move(Action.STOP) for _ in range(CLIENTS)))
    await asyncio.sleep(1.2)
    stop.set()
    await asyncio.gather(*dialing)

    events = await world.rows("SELECT kind FROM campaign_events WHERE kind NOT LIKE 'breaker%' ORDER BY id")
    status = CampaignStatus.DRAFT
    for event in events:
        status = after(KINDS[event.kind], status)  # raises Conflict for a move that is not legal
    assert status is CampaignStatus.STOPPED
    assert [action for action, _, _ in race.done].count(Action.STOP) == 1
    assert len(events) == len(race.done) > 5
    assert race.dials_after_an_answer() == []
    assert len(race.dialed) == await world.value("SELECT count(*) FROM attempts WHERE outcome = 'invalid'")
