"""A dialer, a reaper and a scripted carrier on a clock that the test moves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.world import NOON, World, carrier_says, number, quick
from voiceera.providers.protocols import CarrierEvent, CarrierEventKind, Dial, DialAnswer, EndedAs, Placed
from voiceera.rules.campaigns import ContactDraft
from voiceera.services import campaigns, contacts
from voiceera.services.campaigns import CampaignDraft
from voiceera.store import campaigns as stored
from voiceera.worker.dialer import Dialer
from voiceera.worker.reaper import Reaper

STATES = ("pending", "in_progress", "reached", "exhausted", "suppressed", "invalid", "canceled")


@dataclass
class Floor:
    world: World
    now: datetime = NOON
    dialers: dict[str, Dialer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.carrier.otherwise = self._accept

    def _accept(self, dial: Dial) -> DialAnswer:
        """Taken at the test's own time, so that a look-up finds it."""
        name = f"c-{dial.reference}"
        self.world.carrier.place(dial, name, self.now)
        return DialAnswer(Placed.ACCEPTED, name)

    def dialer(self, name: str = "one") -> Dialer:
        if name not in self.dialers:
            self.dialers[name] = Dialer(
                self.world.database,
                None,
                self.world.trunks,
                public_url="http://api",
                name=name,
                now=lambda: self.now,
                answers_wait_seconds=0,
            )
        return self.dialers[name]

    async def launch(self, people: int = 3, name: str = "Spring", **changes: Any) -> UUID:
        return await self.launch_to([number(100 + index) for index in range(people)], name, **changes)

    async def launch_to(self, numbers: Sequence[str], name: str = "Spring", **changes: Any) -> UUID:
        draft = CampaignDraft(name, self.world.agent_id, config=changes.pop("config", quick()), **changes)
        async with self.world.scope() as connection:
            campaign = await campaigns.create(connection, self.world.organization_id, draft, self.now)
            drafts = [ContactDraft(phone_number=each, name=f"P{i}") for i, each in enumerate(numbers)]
            await contacts.add(connection, self.world.organization_id, campaign.id, drafts, self.now)
            await campaigns.launch(connection, self.world.organization_id, campaign.id, self.now)
        return campaign.id

    async def dial(self, name: str = "one") -> int:
        """One round of a dialer, each claim dialled at its instant; how many there were."""
        claims = await self.dialer(name).round()
        for claim, trunk in sorted(claims, key=lambda each: each[0].start_at):
            self.now = max(self.now, claim.start_at)
            await self.dialer(name).dial(claim, trunk)
        return len(claims)

    async def reap(self) -> None:
        await Reaper(self.world.database, None, self.world.trunks, now=lambda: self.now).round()

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    async def ends(self, attempt_id: UUID, ended_as: EndedAs) -> None:
        event = CarrierEvent(CarrierEventKind.ENDED, f"c-{attempt_id}", ended_as)
        await carrier_says(self.world.database, self.world.organization_id, attempt_id, event, self.now)

    async def rings(self, attempt_id: UUID) -> None:
        event = CarrierEvent(CarrierEventKind.RINGING, f"c-{attempt_id}")
        await carrier_says(self.world.database, self.world.organization_id, attempt_id, event, self.now)

    async def open_attempts(self, states: Iterable[str] = ("dialing", "ringing")) -> list[UUID]:
        words = ", ".join(f"'{state}'" for state in states)
        rows = await self.world.rows(f"SELECT id FROM attempts WHERE state IN ({words}) ORDER BY id")
        return [row.id for row in rows]

    async def attempt_states(self) -> list[str]:
        return [row.state for row in await self.world.rows("SELECT state FROM attempts ORDER BY id")]

    async def contact(self, index: int = 0) -> Any:
        return (await self.world.rows("SELECT * FROM contacts ORDER BY id"))[index]

    async def status(self, campaign_id: UUID) -> str:
        return str(await self.world.value("SELECT status FROM campaigns WHERE id = :id", id=campaign_id))

    async def counted(self, campaign_id: UUID) -> dict[str, int]:
        """The counters; that they equal a recount of the rows is checked on the way."""
        async with self.world.scope() as connection:
            kept = await stored.counts(connection, self.world.organization_id, campaign_id)
        rows = await self.world.rows(
            "SELECT state, count(*) AS n FROM contacts WHERE campaign_id = :id GROUP BY state", id=campaign_id
        )
        recount = {row.state: row.n for row in rows}
        assert {state: kept[state] for state in STATES} == {state: recount.get(state, 0) for state in STATES}
        assert kept["total"] == sum(recount.values())
        rows = await self.world.rows(
            "SELECT outcome, count(*) AS n FROM attempts WHERE campaign_id = :id AND outcome IS NOT NULL GROUP BY 1",
            id=campaign_id,
        )
        ended = {name: n for name, n in kept.items() if name.startswith("ended_") and n}
        assert ended == {f"ended_{row.outcome}": row.n for row in rows}
        return kept
