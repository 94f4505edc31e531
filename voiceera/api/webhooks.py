"""Webhooks: where events are sent to, signed as Standard Webhooks, and what became of each sending."""

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints

from voiceera.api.changes import changes, partial
from voiceera.api.depends import Acting, Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Nothing, Shown, Success
from voiceera.errors import FieldProblem, Invalid
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.rules.webhooks import MEANINGS, SECRET_PREFIX, Event
from voiceera.services import webhooks as service
from voiceera.services.deliveries import Post
from voiceera.store import deliveries, webhooks
from voiceera.store.webhooks import Webhook

routes = router("Webhooks")

Url = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Description = Annotated[str, StringConstraints(max_length=1000)]
Names = Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(min_length=1, max_length=50)]
Secret = Annotated[str, StringConstraints(max_length=120)]

_MASK = "••••"


class WebhookNew(Body):
    """`events`: names of `GET /webhooks/events`, or `*` for all. `secret` is made for you unless you bring one."""

    url: Url = Field(examples=["https://example.com/voiceera"])
    events: Names = Field(default=["*"], examples=[["call.ended", "campaign.completed"]])
    description: Description = ""
    is_active: bool = True
    secret: Secret | None = Field(default=None, json_schema_extra={"writeOnly": True})


class WebhookShown(Shown):
    """`secret` shows its last four characters. `disabled_reason`: why the platform switched it off, if it did."""

    id: UUID
    organization_id: UUID
    url: str
    events: list[str]
    description: str
    secret: str
    previous_secret_until: Instant | None = Field(description="Until then, the secret before signs as well.")
    is_active: bool
    disabled_at: Instant | None
    disabled_reason: str | None
    consecutive_failures: int
    failing_since: Instant | None
    paused_until: Instant | None = Field(description="The receiver asked to be left alone until then.")
    last_success_at: Instant | None
    last_failure_at: Instant | None
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant


class WebhookCreated(WebhookShown):
    """`secret` is shown here, whole, and never again."""


class WebhookWritten(Body):
    """What a change may hold beside the fields shown."""

    events: Names
    secret: Secret


class TryShown(Shown):
    """One sending. `error` says why there was no answer, or no whole one, in time."""

    number: int
    at: Instant
    status_code: int | None
    latency_ms: float
    response_excerpt: str = Field(description="The first kilobyte of what was answered.")
    error: str | None


class DeliveryShown(Shown):
    """One event on its way to one webhook. `event_id` is its `webhook-id` header, at every try."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    event: Event
    status: Literal["pending", "delivered", "failed", "canceled"]
    next_try_at: Instant | None
    resent_from: UUID | None
    attempts: list[TryShown]
    created_at: Instant
    ended_at: Instant | None


class TestShown(Shown):
    """What the receiver made of webhook.test. `delivery_id`: where it stands in the logs."""

    delivery_id: UUID
    delivered: bool
    status_code: int | None
    latency_ms: float
    response_excerpt: str
    error: str | None


class Resent(Shown):
    delivery_id: UUID
    resent_from: UUID


class EventShown(Shown):
    event: Event
    description: str


if TYPE_CHECKING:
    WebhookChange = Body
else:
    WebhookChange = partial("WebhookChange", WebhookShown, WebhookWritten)


class WebhooksQuery(DatedQuery):
    is_active: bool | None = None


class LogsQuery(DatedQuery):
    status: Literal["pending", "delivered", "failed", "canceled"] | None = None
    event: Event | None = None


_WRITABLE = frozenset({"url", "events", "description", "is_active", "secret"})
_MOVING = frozenset({"consecutive_failures", "failing_since", "paused_until", "last_success_at", "last_failure_at"})


def webhook_shown(webhook: Webhook) -> WebhookShown:
    return WebhookShown.model_validate({**webhook.__dict__, "secret": _masked(webhook)})


def _masked(webhook: Webhook) -> str:
    return SECRET_PREFIX + _MASK + webhook.secret_ending


async def _of(work: Work, webhook_id: UUID, *, hold: bool = False) -> Webhook:
    found = await webhooks.get(work.connection, work.organization_id, webhook_id, hold=hold)
    if found is None:
        raise service.no_webhook()
    return found


@routes.get("/webhooks")
async def list_webhooks(work: Reading, query: Annotated[WebhooksQuery, Query()]) -> Success[Items[WebhookShown]]:
    """The organization's webhooks; no secret is in them."""
    found = await webhooks.find(
        work.connection,
        work.organization_id,
        query.page(),
        is_active=query.is_active,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(webhook_shown))


@routes.post("/webhooks", status_code=201)
async def create_webhook(work: Writing, body: WebhookNew) -> Created[WebhookCreated]:
    """Have events sent to a URL. The answer holds the secret that they are signed with, and no other ever does."""
    allow = allow_list(work.backend.settings.outbound_allow)
    webhook_id, secret = await service.create(
        work.connection,
        work.backend.vault,
        work.organization_id,
        url=await service.checked_url(body.url, allow),
        events=service.checked_events(body.events),
        description=body.description,
        is_active=body.is_active,
        secret=None if body.secret is None else service.checked_secret(body.secret),
        created_by=work.caller.user.id,
        now=work.now,
    )
    await work.note("webhook.created", "webhook", webhook_id)
    webhook = await _of(work, webhook_id)
    return created(WebhookCreated.model_validate({**webhook.__dict__, "secret": secret}))


@routes.get("/webhooks/events")
async def list_webhook_events(work: Reading) -> Success[list[EventShown]]:
    """What can be subscribed to."""
    return success([EventShown(event=event, description=meaning) for event, meaning in MEANINGS.items()])


@routes.get("/webhooks/{webhook_id}")
async def get_webhook(work: Reading, webhook_id: UUID) -> Success[WebhookShown]:
    """One webhook: whether it works, since when it fails, and whether it was switched off for that."""
    return success(webhook_shown(await _of(work, webhook_id)))


@routes.put("/webhooks/{webhook_id}")
async def update_webhook(work: Writing, webhook_id: UUID, body: WebhookChange) -> Success[WebhookShown]:
    """Change the fields given. A new `secret` signs beside the old one for a day; `is_active: false` also stops what
    was to be tried again."""
    before = await _of(work, webhook_id, hold=True)
    given = changes(webhook_shown(before), body, _WRITABLE, _MOVING)
    await _check(work, given, before)
    await service.change(work.connection, work.backend.vault, before, given, work.now)
    await work.note("webhook.changed", "webhook", webhook_id, fields=sorted(given))
    return success(webhook_shown(await _of(work, webhook_id)))


async def _check(work: Work, given: dict[str, Any], before: Webhook) -> None:
    missing = [FieldProblem(name, "cannot be null") for name, value in given.items() if value is None]
    if missing:
        raise Invalid("The request does not fit.", *missing)
    if "url" in given:
        await service.checked_url(given["url"], allow_list(work.backend.settings.outbound_allow))
    if "events" in given:
        given["events"] = service.checked_events(given["events"])
    if given.get("secret") == _masked(before):
        del given["secret"]
    elif "secret" in given:
        service.checked_secret(given["secret"])


@routes.delete("/webhooks/{webhook_id}", status_code=204)
async def delete_webhook(work: Writing, webhook_id: UUID) -> None:
    """Send nothing there any more, retries included."""
    found = await _of(work, webhook_id, hold=True)
    await service.delete(work.connection, work.backend.vault, found, work.now)
    await work.note("webhook.deleted", "webhook", webhook_id)


@routes.post("/webhooks/{webhook_id}/test")
async def test_webhook(act: Acting, webhook_id: UUID, body: Nothing | None = None) -> Success[TestShown]:
    """Send `webhook.test` now, once, and say what the receiver answered."""
    async with WebhookSender(allow_list(act.backend.settings.outbound_allow)) as sender:
        post = Post(act.backend.database, act.backend.vault, sender)
        delivery_id, reply = await service.test(post, act.organization_id, webhook_id)
    async with act.scope() as connection:
        found = await deliveries.get(connection, act.organization_id, webhook_id, delivery_id)
    return success(
        TestShown(
            delivery_id=delivery_id,
            delivered=found is not None and found.status == "delivered",
            status_code=reply.status_code,
            latency_ms=reply.latency_ms,
            response_excerpt=reply.excerpt,
            error=reply.error,
        )
    )


@routes.get("/webhooks/{webhook_id}/logs")
async def list_webhook_logs(
    work: Reading, webhook_id: UUID, query: Annotated[LogsQuery, Query()]
) -> Success[Items[DeliveryShown]]:
    """Every delivery of the last 30 days, with each try of it."""
    await _of(work, webhook_id)
    found = await deliveries.find(
        work.connection,
        work.organization_id,
        webhook_id,
        query.page(),
        status=query.status,
        event=query.event,
        search=query.search,
        span=query.span(),
    )
    tries = await deliveries.tries_of(work.connection, work.organization_id, [row.id for row in found.items])
    return listed(found.map(lambda row: _delivery_shown(row, tries.get(row.id, []))))


def _delivery_shown(row: Any, tries: list[Any]) -> DeliveryShown:
    next_try_at = row.due_at if row.status == deliveries.PENDING else None
    return DeliveryShown.model_validate({**row._mapping, "attempts": tries, "next_try_at": next_try_at})


@routes.post("/webhooks/{webhook_id}/logs/{delivery_id}/resend", status_code=202)
async def resend_delivery(
    work: Writing, webhook_id: UUID, delivery_id: UUID, body: Nothing | None = None
) -> Created[Resent]:
    """Send this event once more, as a delivery of its own; a receiver knows it by the same `webhook-id`."""
    again = await service.resend(work.connection, work.organization_id, webhook_id, delivery_id, work.now)
    await work.note("webhook.resent", "webhook", webhook_id, delivery_id=str(delivery_id))
    return created(Resent(delivery_id=again, resent_from=delivery_id), "Queued to be sent again.")
