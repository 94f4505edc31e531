"""Sending deliveries: claim, sign, post, and write down what came of it."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from voiceera.clock import utc_now
from voiceera.log import get_logger
from voiceera.providers.webhook_sender import TIMEOUT_SECONDS, Reply, WebhookSender
from voiceera.rules import webhooks as rules
from voiceera.rules.mails import MailKind
from voiceera.rules.webhooks import Verdict
from voiceera.services.events import DELIVER
from voiceera.services.notices import tell_owners
from voiceera.store import audit, deliveries, jobs, webhooks
from voiceera.store.base import Connection, Database
from voiceera.store.deliveries import Claimed, Try
from voiceera.store.vault import Vault

log = get_logger("webhooks")

_TRANSACTIONS_AT_ONCE = 3
"""However many receivers there are: the worker's other parts share the same few connections."""


@dataclass(frozen=True)
class Pace:
    """`scale` shortens the schedule of tries, for a benchmark of it."""

    scale: float = 1.0
    lease: timedelta = timedelta(seconds=2 * TIMEOUT_SECONDS)
    """How long a claimed delivery stays ours: longer than sending it can take."""


@dataclass(frozen=True)
class Post:
    """What sending takes. One a process."""

    database: Database
    vault: Vault
    sender: WebhookSender
    pace: Pace = field(default_factory=Pace)
    now: Callable[[], datetime] = utc_now
    _transactions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_TRANSACTIONS_AT_ONCE))

    async def claim(self, organization_id: UUID, webhook_id: UUID, now: datetime, count: int) -> list[Claimed]:
        async with self._transactions, self.database.organization(organization_id) as connection:
            return await deliveries.claim(connection, organization_id, webhook_id, now, self.pace.lease, count)

    async def send(self, claimed: Claimed, *, once: bool = False) -> Reply:
        """Post it and write down what came of it. `once`: if this try fails, there is no other."""
        at = self.now()
        body = message(claimed)
        key = claimed.organization_id, claimed.webhook_id
        secrets = webhooks.opened(self.vault, *key, claimed.secrets).at(at)
        reply = await self.sender.post(claimed.url, rules.headers(secrets, str(claimed.event_id), at, body), body)
        async with self._transactions, self.database.organization(claimed.organization_id) as connection:
            await self._write_down(connection, claimed, at, reply, once)
        return reply

    async def _write_down(
        self, connection: Connection, claimed: Claimed, at: datetime, reply: Reply, once: bool
    ) -> None:
        now = self.now()
        found = rules.verdict(reply.status_code if reply.error is None or reply.status_code == 410 else None)
        tried = Try(at, reply.status_code, reply.latency_ms, reply.excerpt, reply.error)
        key = claimed.organization_id, claimed.webhook_id
        if found is Verdict.DELIVERED:
            await webhooks.note_success(connection, *key, now)
            await deliveries.note_try(connection, claimed, tried)
            await deliveries.move(connection, claimed, status="delivered", ended_at=now)
            return
        wait = rules.retry_after(reply.status_code, reply.retry_after, now)
        failing_since = await webhooks.note_failure(connection, *key, now, now + wait if wait else None)
        await deliveries.note_try(connection, claimed, tried)
        tries = claimed.tries + 1
        again_at = None if once else rules.next_try(tries, now, random.random(), wait, self.pace.scale)
        if found is Verdict.GONE:
            await self._disable(connection, claimed, "the receiver answered 410: it wants no more events", now)
        elif rules.is_given_up(failing_since, tries, now):
            days = rules.DISABLED_AFTER.days
            await self._disable(connection, claimed, f"nothing has arrived for {days} days", now)
        elif again_at is None:
            await deliveries.move(connection, claimed, status="failed", ended_at=now)
        elif await deliveries.move(connection, claimed, due_at=again_at):
            await jobs.enqueue(connection, DELIVER, *key, again_at)

    async def _disable(self, connection: Connection, claimed: Claimed, reason: str, now: datetime) -> None:
        """Switch the webhook off and say so: in its row, in the audit of its organization, by mail to its owners."""
        key = claimed.organization_id, claimed.webhook_id
        is_news = await webhooks.disable(connection, *key, reason, now)
        await deliveries.move(connection, claimed, status="failed", ended_at=now)
        await deliveries.cancel_pending(connection, *key, now)
        if not is_news:
            return
        await audit.write(
            connection,
            claimed.organization_id,
            "webhook.disabled",
            now,
            subject="webhook",
            subject_id=claimed.webhook_id,
            details={"reason": reason},
        )
        await tell_owners(connection, claimed.organization_id, MailKind.WEBHOOK_DISABLED, claimed.webhook_id, now)
        log.warning("webhook_disabled", webhook_id=str(claimed.webhook_id), reason=reason)


def message(claimed: Claimed) -> bytes:
    """The body: the same bytes at every try."""
    moment = claimed.occurred_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {"type": claimed.type, "timestamp": moment, "data": claimed.data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
