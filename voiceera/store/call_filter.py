"""What narrows a list of calls, or of their recordings."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from voiceera.store.calls import call_turns, calls
from voiceera.store.filters import Span, equal


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
