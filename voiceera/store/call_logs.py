"""Reading calls: one, a page of them, and what narrows a page."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.store.base import Connection
from voiceera.store.calls import call_turns, calls, is_call
from voiceera.store.filters import Span, equal
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.recordings import recordings

SORTABLE = {
    name: calls.c[name]
    for name in ("created_at", "answered_at", "ended_at", "duration_seconds", "cost", "status", "disposition")
}


@dataclass(frozen=True)
class CallFilter:
    """What a call must be to be shown; None: anything. `search`: in its notes, or in anything that was said."""

    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    contact_id: UUID | None = None
    status: str | None = None
    direction: str | None = None
    disposition: str | None = None
    phone_number: str | None = None
    search: str | None = None
    span: Span = field(default_factory=Span)

    def of_calls(self) -> Iterator[sa.ColumnElement[bool]]:
        """All but `span`, whose column depends on the list."""
        yield from equal(
            {
                calls.c.agent_id: self.agent_id,
                calls.c.campaign_id: self.campaign_id,
                calls.c.contact_id: self.contact_id,
                calls.c.status: self.status,
                calls.c.direction: self.direction,
                calls.c.disposition: self.disposition,
                calls.c.phone_number: self.phone_number,
            }
        )
        if self.search is not None:
            yield calls.c.notes.icontains(self.search, autoescape=True) | _was_said(self.search)


def _was_said(text: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        call_turns.c.organization_id == calls.c.organization_id,
        call_turns.c.call_id == calls.c.id,
        call_turns.c.text.icontains(text, autoescape=True),
    )


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
