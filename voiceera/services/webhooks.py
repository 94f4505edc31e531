"""What people do to a webhook: make, change, remove and try it; send a delivery again."""

import asyncio
import ipaddress
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import httpcore
import httpx

from voiceera.errors import Conflict, FieldProblem, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.providers.outbound import Address, Allowed, may_reach, resolve
from voiceera.providers.webhook_sender import Reply
from voiceera.rules.webhooks import ALL_EVENTS, SECRET_OVERLAP, Event, secret_key, secret_of
from voiceera.services.deliveries import Post
from voiceera.services.events import DELIVER
from voiceera.store import deliveries, jobs, webhooks
from voiceera.store.base import Connection
from voiceera.store.deliveries import Claimed
from voiceera.store.vault import Vault
from voiceera.store.webhooks import Secrets, Webhook

_SECRET_BYTES = 32
_RESOLVE_SECONDS = 2.0
_SUBSCRIBABLE = frozenset(Event) - {Event.WEBHOOK_TEST}


def no_webhook() -> NotFound:
    return NotFound("WEBHOOK_001", "No such webhook.")


def new_secret() -> str:
    return secret_of(os.urandom(_SECRET_BYTES))


def checked_secret(secret: str) -> str:
    """Raises Invalid."""
    try:
        secret_key(secret)
    except ValueError as problem:
        raise Invalid("The secret does not fit.", FieldProblem("secret", str(problem))) from None
    return secret


def checked_events(names: Iterable[str]) -> list[str]:
    """Without doubles, in the published order. Raises Invalid, naming each that nobody emits."""
    given = list(names)
    known = {*_SUBSCRIBABLE, ALL_EVENTS}
    problems = [
        FieldProblem(f"events.{place}", "is not an event; GET /webhooks/events lists them")
        for place, name in enumerate(given)
        if name not in known
    ]
    if problems or not given:
        raise Invalid("The events do not fit.", *problems or [FieldProblem("events", "name at least one, or *")])
    return [name for name in (ALL_EVENTS, *Event) if name in given]


async def checked_url(url: str, allow: tuple[Allowed, ...]) -> str:
    """Raises Invalid for what could never be delivered to. A name without an address yet is taken."""
    try:
        read = httpx.URL(url)
        port = read.port or {"http": 80, "https": 443}.get(read.scheme, 0)
    except (httpx.InvalidURL, ValueError):
        raise _bad_url("is not a URL") from None
    if read.scheme not in ("http", "https") or not read.host:
        raise _bad_url("must be an http or https URL")
    if read.userinfo or read.fragment or not url.isascii() or any(char <= " " for char in url):
        raise _bad_url("may have no credentials, fragment, blanks or characters that are not ASCII")
    for address in await _addresses(read.host, port):
        if not may_reach(address, port, allow):
            raise _bad_url("leads to an inside address, which webhooks may not reach")
    return url


async def _addresses(host: str, port: int) -> list[Address]:
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    try:
        return await asyncio.wait_for(resolve(host, port), _RESOLVE_SECONDS)
    except (TimeoutError, httpcore.ConnectError):
        return []


def _bad_url(why: str) -> Invalid:
    return Invalid("The URL cannot be delivered to.", FieldProblem("url", why))


async def create(
    connection: Connection,
    vault: Vault,
    organization_id: UUID,
    *,
    url: str,
    events: list[str],
    description: str,
    is_active: bool,
    secret: str | None,
    created_by: UUID | None,
    now: datetime,
) -> tuple[UUID, str]:
    """Its id, and its secret, which nobody is shown again. `url` and `events` are checked."""
    webhook_id, secret = new_id(), secret or new_secret()
    await webhooks.add(
        connection,
        vault,
        organization_id,
        webhook_id,
        Secrets(secret),
        now,
        url=url,
        events=events,
        description=description,
        is_active=is_active,
        created_by=created_by,
    )
    return webhook_id, secret


async def change(
    connection: Connection, vault: Vault, before: Webhook, given: Mapping[str, Any], now: datetime
) -> None:
    """Write the fields given, checked by the caller, to a webhook that it holds. A new `secret` signs beside the old
    one for a day; switched off, nothing waits any more; switched on, its failures are forgotten."""
    values = {name: value for name, value in given.items() if name != "secret"} | {"updated_at": now}
    key = before.organization_id, before.id
    if given.get("is_active") is not None and given["is_active"] != before.is_active:
        await deliveries.cancel_pending(connection, *key, now)
        if given["is_active"]:
            values |= {"disabled_at": None, "disabled_reason": None, "paused_until": None}
            values |= {"consecutive_failures": 0, "failing_since": None}
    secrets = None
    if "secret" in given:
        old = await webhooks.secrets_of(connection, vault, *key)
        if old.current != given["secret"]:
            secrets = Secrets(given["secret"], old.current, now + SECRET_OVERLAP)
    await webhooks.change(connection, vault, *key, secrets, **values)


async def delete(connection: Connection, vault: Vault, webhook: Webhook, now: datetime) -> None:
    """Nothing arrives there any more, retries included."""
    await webhooks.change(
        connection, vault, webhook.organization_id, webhook.id, deleted_at=now, is_active=False, updated_at=now
    )
    await deliveries.cancel_pending(connection, webhook.organization_id, webhook.id, now)


async def test(post: Post, organization_id: UUID, webhook_id: UUID) -> tuple[UUID, Reply]:
    """Send webhook.test now, once, even if it is switched off; the delivery's id, and what was answered."""
    now = post.now()
    data = {"webhook_id": str(webhook_id), "message": "This webhook works."}
    key = organization_id, webhook_id
    async with post.database.organization(organization_id) as connection:
        webhook = await webhooks.get(connection, *key)
        if webhook is None:
            raise no_webhook()
        secrets = await webhooks.secrets_of(connection, post.vault, *key)
        event_id, delivery_id, leased = new_id(), new_id(), now + post.pace.lease
        await deliveries.add_event(connection, organization_id, event_id, Event.WEBHOOK_TEST, data, now)
        row = {"id": delivery_id, "webhook_id": webhook_id, "event_id": event_id, "event": Event.WEBHOOK_TEST}
        await deliveries.add(connection, organization_id, [row], due_at=leased, now=now)
    claimed = Claimed(
        organization_id=organization_id,
        webhook_id=webhook_id,
        id=delivery_id,
        due_at=leased,
        tries=0,
        event_id=event_id,
        type=Event.WEBHOOK_TEST,
        data=data,
        occurred_at=now,
        url=webhook.url,
        secrets=webhooks.seal(post.vault, *key, secrets),
        consecutive_failures=webhook.consecutive_failures,
    )
    reply = await post.send(claimed, once=True)
    return delivery_id, reply


async def resend(
    connection: Connection, organization_id: UUID, webhook_id: UUID, delivery_id: UUID, now: datetime
) -> UUID:
    """Send a delivery's event once more, as a delivery of its own under the same message id; the new one's id.

    Raises NotFound, or Conflict for a webhook that is switched off.
    """
    webhook = await webhooks.get(connection, organization_id, webhook_id)
    if webhook is None:
        raise no_webhook()
    found = await deliveries.get(connection, organization_id, webhook_id, delivery_id)
    if found is None:
        raise NotFound("WEBHOOK_001", "No such delivery.")
    if not webhook.is_active:
        raise Conflict("WEBHOOK_002", "The webhook is switched off.", "switch it on first: PUT is_active=true")
    again = new_id()
    row = {"id": again, "webhook_id": webhook_id, "event_id": found.event_id, "event": found.event}
    await deliveries.add(connection, organization_id, [row | {"resent_from": delivery_id}], due_at=now, now=now)
    await jobs.enqueue(connection, DELIVER, organization_id, webhook_id, now)
    return again
