"""Reading calls: one, and a page of them."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.store.base import Connection
from voiceera.store.call_filter import CallFilter
from voiceera.store.calls import calls, is_call
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.recordings import recordings

SORTABLE = {
    name: calls.c[name]
    for name in ("created_at", "answered_at", "ended_at", "duration_seconds", "cost", "status", "disposition")
}


def _calls() -> sa.Select[Any]:
    """Calls, with `is_recorded`: whether there is a sound to download."""
    its_own = (recordings.c.organization_id == calls.c.organization_id) & (recordings.c.call_id == calls.c.id)
    is_kept = recordings.c.deleted_at.is_(None) & recordings.c.sha256.is_not(None)
    return sa.select(calls, recordings.c.call_id.is_not(None).label("is_recorded")).outerjoin(
        recordings, its_own & is_kept
    )


async def get(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    found = await connection.execute(_calls().where(is_call(organization_id, call_id)))
    row: sa.Row[Any] | None = found.one_or_none()
    return row


async def find(
    connection: Connection, organization_id: UUID, request: PageRequest, wanted: CallFilter
) -> Page[sa.Row[Any]]:
    query = _calls().where(
        calls.c.organization_id == organization_id, *wanted.of_calls(), *wanted.span.of(calls.c.created_at)
    )
    return await page(connection, query, request, SORTABLE, calls.c.id)
