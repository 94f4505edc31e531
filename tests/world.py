"""Rows that tests begin with, made through the real stores."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.ids import new_id
from voiceera.providers.carriers.scripted import ScriptedCarrier
from voiceera.providers.protocols import CarrierEvent
from voiceera.rules.agents import AgentConfig
from voiceera.rules.campaigns import WEEKDAYS, CampaignConfig, Interval, RetryRule
from voiceera.services.carrier_events import News, take_in_slice
from voiceera.services.trunks import FixedTrunks, Trunk
from voiceera.store import agents, media_nodes
from voiceera.store.base import Connection, Database
from voiceera.store.integrations import integrations
from voiceera.store.organizations import organizations

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""Tuesday, noon in New York."""

ANY_TIME = dict.fromkeys(WEEKDAYS, (Interval(start="00:00", end="24:00"),))
FLOW: dict[str, Any] = {"start": "bye", "steps": {"bye": {"kind": "end", "text": "Goodbye."}}}


def quick(**changes: Any) -> CampaignConfig:
    """A campaign that may dial at any hour, as fast as it likes."""
    values = {
        "calling_windows": ANY_TIME,
        "legal_hours": {"*": {"promotional": None, "service": None}},
        "calls_per_second": 100,
        "max_concurrent_calls": 100,
        "retries": {"busy": RetryRule(delays_seconds=(60, 120)), "no_answer": RetryRule(delays_seconds=(60,))},
    }
    return CampaignConfig.model_validate(values | changes)


def number(index: int) -> str:
    return f"+1202555{index:04d}"


async def carrier_says(
    database: Database, organization_id: UUID, attempt_id: UUID, event: CarrierEvent, now: datetime
) -> bool:
    """Whether the attempt of which the carrier tells is known."""
    (known,) = await take_in_slice(database, None, organization_id, [News(attempt_id, event, now)])
    assert isinstance(known, bool)
    return known


@dataclass
class World:
    """One organization with an agent, a scripted carrier and a media node that is there."""

    database: Database
    organization_id: UUID
    agent_id: UUID
    carrier: ScriptedCarrier = field(default_factory=ScriptedCarrier)
    caller_id: str = "+12025550000"
    trunk_settings: dict[str, Any] = field(default_factory=dict)
    """More of the trunk's settings, to be given before the first dial."""

    @property
    def trunk(self) -> Trunk:
        return Trunk(
            integration_id=self.organization_id,
            provider="plivo",
            carrier=self.carrier,
            caller_ids=(self.caller_id,),
            allowed_countries=("US",),
            calls_per_second=1000,
            max_concurrent_calls=1000,
            **self.trunk_settings,
        )

    @property
    def trunks(self) -> FixedTrunks:
        return FixedTrunks({self.organization_id: self.trunk})

    def scope(self) -> AbstractAsyncContextManager[Connection]:
        return self.database.organization(self.organization_id)

    async def connect_carrier(self) -> None:
        """A row that says there is a carrier; the trunk of the tests is `trunk`."""
        async with self.scope() as connection:
            row = {"organization_id": self.organization_id, "id": new_id(), "name": "line", "type": "telephony"}
            row |= {"provider": "scripted", "config": {}, "credential_endings": {}, "status": "untested"}
            await connection.execute(sa.insert(integrations).values(created_at=NOON, updated_at=NOON, **row))

    async def value(self, statement: str, **parameters: Any) -> Any:
        async with self.database.organization(self.organization_id) as connection:
            return (await connection.execute(sa.text(statement), parameters)).scalar_one()

    async def rows(self, statement: str, **parameters: Any) -> list[Any]:
        async with self.database.organization(self.organization_id) as connection:
            return list((await connection.execute(sa.text(statement), parameters)).all())


async def make_world(database: Database, now: datetime = NOON, *, capacity: int = 1000) -> World:
    organization_id, agent_id = new_id(), new_id()
    config = AgentConfig.model_validate(
        {"name": "Anna", "flow": FLOW, "stt_provider": "scripted", "tts_provider": "scripted"}
    )
    async with database.platform() as connection:
        row = {"id": organization_id, "name": "Acme", "created_at": now}
        await connection.execute(sa.insert(organizations).values(**row))
        await media_nodes.heartbeat(
            connection,
            new_id(),
            url="ws://127.0.0.1:8001",
            capacity=capacity,
            live=0,
            now=now + timedelta(days=400),
        )
    async with database.organization(organization_id) as connection:
        await agents.add(connection, organization_id, agent_id, config, status="active", created_by=None, now=now)
    return World(database, organization_id, agent_id)
