"""Events: what happened is told to whoever subscribed, or to nobody at the price of nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import to_jsonable_python

from voiceera.ids import new_id
from voiceera.rules.webhooks import Event, subscribers_of
from voiceera.store import calls, deliveries, jobs
from voiceera.store.base import Connection
from voiceera.store.jobs import DueRow

_OF_A_CALL = (
    *("id", "direction", "status", "agent_id", "agent_version", "campaign_id", "contact_id", "contact_name"),
    *("phone_number", "caller_id", "provider", "variables", "outcome", "answered_by", "hangup_cause", "disposition"),
    *("extracted", "duration_seconds", "cost", "turns", "error"),
    *("created_at", "ringing_at", "answered_at", "ended_at"),
)
_NUMBERS = ("duration_seconds", "cost")

DELIVER = "deliver"
"""The kind of the jobs that wake for a webhook with something to send."""


async def emit(
    connection: Connection, organization_id: UUID, event: Event, data: Mapping[str, Any], now: datetime
) -> None:
    """Write the event and a delivery for each active webhook that subscribed to it, in the transaction of its cause.

    Nobody listens: nothing is written. On a path where even that question is too much, ask `is_listening` (of
    `store.webhooks`) within a statement that is made anyway, and call this only if it says so.
    """
    found = await deliveries.listening(connection, organization_id, subscribers_of(event))
    if not found:
        return
    event_id = new_id()
    await deliveries.add_event(connection, organization_id, event_id, event, to_jsonable_python(dict(data)), now)
    rows = [{"id": new_id(), "webhook_id": each, "event_id": event_id, "event": event} for each in found]
    await deliveries.add(connection, organization_id, rows, due_at=now, now=now)
    await jobs.enqueue_all(connection, DELIVER, [DueRow(organization_id, each, now) for each in found])


async def emit_of_call(
    connection: Connection,
    organization_id: UUID,
    call_id: UUID,
    event: Event,
    now: datetime,
    more: dict[str, Any] | None = None,
) -> None:
    """An event about a call: the call as it now is, and `more`."""
    call = await calls.get(connection, organization_id, call_id)
    if call is not None:
        await emit(connection, organization_id, event, call_data(call) | (more or {}), now)


def call_data(call: sa.Row[Any]) -> dict[str, Any]:
    """What an event tells of a call: its log's fields, without what was said."""
    told = {name: call._mapping[name] for name in _OF_A_CALL}
    return told | {name: None if told[name] is None else float(told[name]) for name in _NUMBERS}
