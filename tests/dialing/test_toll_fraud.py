"""Toll fraud: what must not be dialled never reaches the carrier, by the carrier's own account of what it was asked.

The lab listens on a real socket, and the adapter dials as it would dial its vendor.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import HttpUrl, SecretStr

from tests.dialing.floor import Floor
from tests.lab.agent import AUTH_ID, AUTH_TOKEN, Lab, running_lab
from tests.world import World, make_world, number, quick
from voiceera.lab.ledger import Event
from voiceera.lab.main import LabOptions
from voiceera.providers.carriers.plivo import Plivo, PlivoCredentials, PlivoSettings
from voiceera.providers.outbound import allow_list
from voiceera.services import calls
from voiceera.services.trunks import FixedTrunks, Trunk
from voiceera.store.base import Database
from voiceera.worker.dialer import Dialer

ALLOWED = ("US", "GB", "DE", "IN")
NEVER = (
    "+19002345678",  # premium rate
    "+448431234567",
    "+491805123456",  # shared cost
    "+447012345678",  # "personal" numbers
    "+4916412345678",  # pagers
    "+881612345678",  # satellites
    "+870773111632",
    "+883510012345",  # global networks
    "+12425021234",  # the Bahamas, under the United States' country code
    "+18765550123",  # Jamaica
    "+447624123456",  # the Isle of Man, under the United Kingdom's
    "+33140205050",  # a country that is not allowed
)


@dataclass
class Line:
    """An organization whose carrier is the lab."""

    world: World
    floor: Floor
    lab: Lab
    trunk: Trunk

    def asked(self) -> list[str]:
        """The numbers that the carrier was asked to call, by its ledger."""
        return [row.number for row in self.lab.rows(Event.DIAL_REQUEST, Event.DIAL_REFUSED)]

    async def place(self, to: str, caller_id: str | None = None) -> None:
        async with self.world.scope() as connection:
            await calls.place(
                connection,
                self.world.organization_id,
                agent_id=self.world.agent_id,
                to=to,
                caller_id=caller_id,
                now=self.floor.now,
            )

    async def dial(self, dialers: int = 1, rounds: int = 4) -> None:
        found = [
            Dialer(
                self.world.database,
                None,
                FixedTrunks({self.world.organization_id: self.trunk}),
                public_url="http://127.0.0.1:9",
                name=f"dialer {index}",
                now=lambda: self.floor.now,
            )
            for index in range(dialers)
        ]
        for _ in range(rounds):
            claims = await asyncio.gather(*(each.round() for each in found))
            starts = [claim.start_at for part in claims for claim, _ in part]
            self.floor.now = max([self.floor.now, *starts[:1]])
            await asyncio.gather(
                *(each.dial(claim, trunk) for each, part in zip(found, claims, strict=True) for claim, trunk in part)
            )
            self.floor.later(seconds=1)


@asynccontextmanager
async def line_into_the_lab(database: Database, directory: Path, **trunk: object) -> AsyncIterator[Line]:
    options = LabOptions(
        port=0, auth_id=AUTH_ID, auth_token=AUTH_TOKEN, ledger=directory / "ledger.jsonl", calls_per_second=1000
    )
    world = await make_world(database)
    await world.connect_carrier()
    async with running_lab(options) as lab:
        port = lab.url.rpartition(":")[2]
        carrier = Plivo(
            PlivoSettings(base_url=HttpUrl(f"{lab.url}/v1")),
            PlivoCredentials(auth_id=AUTH_ID, auth_token=SecretStr(AUTH_TOKEN)),
            allow_list(f"127.0.0.1/32:{port}"),
        )
        try:
            given = {"allowed_countries": ALLOWED, **trunk}
            yield Line(world, Floor(world), lab, replace(world.trunk, carrier=carrier, **given))  # type: ignore[arg-type]
        finally:
            await carrier.close()


async def test_expensive_ranges_and_other_countries_never_reach_the_carrier(
    database: Database, tmp_path: Path
) -> None:
    async with line_into_the_lab(database, tmp_path) as line:
        for to in (*NEVER, number(1)):
            await line.place(to)
        await line.floor.launch_to(NEVER, name="Spring")
        await line.dial()
        assert line.asked() == [number(1)]
        states = await line.world.rows("SELECT state, count(*) AS n FROM contacts GROUP BY state")
        assert [(row.state, row.n) for row in states] == [("suppressed", len(NEVER))]


async def test_with_an_empty_list_of_countries_nothing_does(database: Database, tmp_path: Path) -> None:
    async with line_into_the_lab(database, tmp_path, allowed_countries=()) as line:
        await line.place(number(1))
        await line.floor.launch(people=3)
        await line.dial()
        assert line.asked() == []


@pytest.mark.parametrize("caller_ids", [(), ("+12025550000",)])
async def test_a_caller_id_that_is_not_owned_never_does(
    database: Database, tmp_path: Path, caller_ids: tuple[str, ...]
) -> None:
    async with line_into_the_lab(database, tmp_path, caller_ids=caller_ids) as line:
        await line.place(number(1), caller_id="+12025559999")
        await line.floor.launch(people=3, config=quick(caller_ids=("+12025558888",)))
        await line.dial()
        assert line.asked() == []


async def test_of_fifty_dials_at_the_edge_of_the_cap_only_those_that_it_pays_for_do(
    database: Database, tmp_path: Path
) -> None:
    async with line_into_the_lab(database, tmp_path, price_per_minute=0.5) as line:
        a_call = 0.5 * 11
        await line.floor.launch(people=50, config=quick(spend_cap=a_call * 7))
        await line.dial(dialers=4)
        assert len(line.asked()) == 7
