"""An organization with webhooks, a receiver, and a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.webhooks.receiver import Receiver, receiving
from tests.world import World, make_world
from voiceera.ids import new_id
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.rules.webhooks import Event
from voiceera.services import events, webhooks
from voiceera.services.deliveries import Post
from voiceera.store import webhooks as webhook_rows
from voiceera.store.base import Database
from voiceera.store.jobs import DueRow
from voiceera.store.vault import Vault
from voiceera.store.webhooks import Webhook
from voiceera.worker.deliveries import Deliveries

VAULT = Vault(b"k" * 32)


@dataclass
class PostOffice:
    """What a worker does about webhooks, when the test says so and at the time that it says."""

    world: World
    receiver: Receiver
    sender: WebhookSender
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def post(self) -> Post:
        return Post(self.world.database, VAULT, self.sender, now=lambda: self.now)

    async def subscribe(self, *names: str, url: str | None = None, is_active: bool = True) -> tuple[UUID, str]:
        """Its id, and its secret."""
        async with self.world.scope() as connection:
            return await webhooks.create(
                connection,
                VAULT,
                self.world.organization_id,
                url=url or self.receiver.url,
                events=list(names) or ["*"],
                description="",
                is_active=is_active,
                secret=None,
                created_by=None,
                now=self.now,
            )

    async def happens(self, event: Event = Event.CALL_ENDED, **data: Any) -> None:
        async with self.world.scope() as connection:
            await events.emit(connection, self.world.organization_id, event, data or {"id": str(new_id())}, self.now)

    async def deliver(self) -> None:
        """All that is due now."""
        worker = Deliveries(self.post, asyncio.Event())
        async with self.world.database.platform() as connection:
            due = await worker.kind().due(connection, self.now)
        for row in due:
            await worker.deliver(DueRow(row.organization_id, row.row_id, self.now), self.now)

    async def deliver_at_next_try(self) -> timedelta:
        """Wait until the next try of anything, and make it; how long that was."""
        due_at = await self.world.value("SELECT min(due_at) FROM deliveries WHERE status = 'pending'")
        waited: timedelta = due_at - self.now
        self.now = due_at
        await self.deliver()
        return waited

    async def webhook(self, webhook_id: UUID) -> Webhook:
        async with self.world.scope() as connection:
            found = await webhook_rows.get(connection, self.world.organization_id, webhook_id)
        assert found is not None
        return found

    async def statuses(self) -> list[str]:
        return [row.status for row in await self.world.rows("SELECT status FROM deliveries ORDER BY id")]

    async def tries(self) -> list[Any]:
        return await self.world.rows("SELECT * FROM delivery_tries ORDER BY delivery_id, number")

    async def jobs(self) -> int:
        async with self.world.database.platform() as connection:
            return await connection.scalar(text("SELECT count(*) FROM pgqueuer")) or 0


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def office(database: Database, receiver: Receiver) -> AsyncIterator[PostOffice]:
    async with WebhookSender(allow_list(receiver.allow), timeout_seconds=1) as sender:
        yield PostOffice(await make_world(database), receiver, sender)
