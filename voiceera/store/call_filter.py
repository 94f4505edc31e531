"""What narrows a list of calls, or of their recordings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.rules.calls import Direction
from voiceera.store.calls import call_turns, calls
from voiceera.store.filters import Span, equal

_EQUAL = ("agent_id", "campaign_id", "contact_id", "status", "disposition", "phone_number")
_SOME_DAY = datetime.min
MARK: Any = "given"
_ESCAPED = re.compile("[%_/]")


def _escape(found: re.Match[str]) -> str:
    return "/" + found[0]


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

    def values(self) -> dict[str, Any]:
        """The parameters of `conditions`, by name."""
        given = {name: getattr(self, name) for name in _EQUAL}
        given |= {"start": self.span.start, "end": self.span.end}
        given |= {"pattern": None if self.search is None else f"%{_ESCAPED.sub(_escape, self.search)}%"}
        return {name: value for name, value in given.items() if value is not None}

    def shape(self) -> "CallFilter":
        """The same for all filters that ask the same question of other values."""
        marks: dict[str, Any] = {name: MARK for name in _EQUAL if getattr(self, name) is not None}
        # Its index holds the few that are not outbound: to use it the planner must see which ones are asked for.
        marks["direction"] = self.direction
        span = Span(*(None if edge is None else _SOME_DAY for edge in (self.span.start, self.span.end)))
        return CallFilter(**marks, search=None if self.search is None else MARK, span=span)

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """Of a shape, with named parameters for its values."""
        for name in _EQUAL:
            if getattr(self, name) is not None:
                yield calls.c[name] == sa.bindparam(name, type_=calls.c[name].type)
        if self.direction is not None:
            yield calls.c.direction == sa.literal_column(f"'{Direction(self.direction)}'")
        for name, is_given in (("start", self.span.start), ("end", self.span.end)):
            if is_given is not None:
                edge = sa.bindparam(name, type_=calls.c.created_at.type)
                yield calls.c.created_at >= edge if name == "start" else calls.c.created_at < edge
        if self.search is not None:
            pattern = sa.bindparam("pattern", type_=sa.Text)
            said = (call_turns.c.organization_id == calls.c.organization_id) & (call_turns.c.call_id == calls.c.id)
            was_said = sa.exists().where(said, call_turns.c.text.ilike(pattern, escape="/"))
            yield calls.c.notes.ilike(pattern, escape="/") | was_said


def _was_said(text: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        call_turns.c.organization_id == calls.c.organization_id,
        call_turns.c.call_id == calls.c.id,
        call_turns.c.text.icontains(text, autoescape=True),
    )
