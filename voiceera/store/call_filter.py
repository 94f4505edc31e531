"""What narrows a list of calls, or of their recordings."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from voiceera.rules.calls import Direction
from voiceera.store.calls import call_texts, calls
from voiceera.store.filters import Span, equal

EQUAL = ("agent_id", "campaign_id", "contact_id", "status", "disposition", "phone_number")
_SOME_DAY = datetime.min
MARK: Any = "given"


@dataclass(frozen=True)
class CallFilter:
    """What a call must be to be shown; None: anything. `search`: words that stand in its notes or in
    what was said. `first_id`, `end_id`: no bounds of the list, but between which of the partitions' it lies."""

    agent_id: UUID | None = None
    campaign_id: UUID | None = None
    contact_id: UUID | None = None
    status: str | None = None
    direction: str | None = None
    disposition: str | None = None
    phone_number: str | None = None
    search: str | None = None
    span: Span = field(default_factory=Span)
    first_id: UUID | None = None
    end_id: UUID | None = None

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
            yield said(sa.literal(self.search))

    def values(self) -> dict[str, Any]:
        """The parameters of `conditions`, by name."""
        given = {name: getattr(self, name) for name in EQUAL}
        given |= {"start": self.span.start, "end": self.span.end}
        given |= {"search": self.search, "first_id": self.first_id, "end_id": self.end_id}
        return {name: value for name, value in given.items() if value is not None}

    def shape(self) -> "CallFilter":
        """The same for all filters that ask the same question of other values."""
        marks: dict[str, Any] = {name: MARK for name in EQUAL if getattr(self, name) is not None}
        # Its index holds the few that are not outbound: to use it the planner must see which ones are asked for.
        marks["direction"] = self.direction
        span = Span(*(None if edge is None else _SOME_DAY for edge in (self.span.start, self.span.end)))
        marks |= {name: None if getattr(self, name) is None else MARK for name in ("search", "first_id", "end_id")}
        return CallFilter(**marks, span=span)

    def without_search(self) -> "CallFilter":
        return replace(self, search=None)

    def conditions(self, unindexed: frozenset[str] = frozenset()) -> Iterator[sa.ColumnElement[bool]]:
        """Of a shape, with parameters for its values. `unindexed`: equalities that no index may be asked for."""
        for name in EQUAL:
            if getattr(self, name) is not None:
                is_equal = calls.c[name] == sa.bindparam(name, type_=calls.c[name].type)
                yield is_equal.is_(True) if name in unindexed else is_equal
        if self.direction is not None:
            yield calls.c.direction == sa.literal_column(f"'{Direction(self.direction)}'")
        for name, is_given in (("start", self.span.start), ("end", self.span.end)):
            if is_given is not None:
                edge = sa.bindparam(name, type_=calls.c.created_at.type)
                yield calls.c.created_at >= edge if name == "start" else calls.c.created_at < edge
        for name in ("first_id", "end_id"):
            if getattr(self, name) is not None:
                edge = sa.bindparam(name, type_=calls.c.id.type)
                yield calls.c.id >= edge if name == "first_id" else calls.c.id < edge
        if self.search is not None:
            yield said(SEARCH)


SEARCH = sa.bindparam("search", type_=sa.Text)


def asked(text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """The words of a search, all of which must have been said or noted; the last may be the beginning of one."""
    return sa.func.words_asked(text, type_=TSQUERY)


def said(text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The words stand in what was said in the call, or in its notes."""
    its_own = (call_texts.c.organization_id == calls.c.organization_id) & (call_texts.c.call_id == calls.c.id)
    return sa.exists().where(its_own, call_texts.c.words.op("@@")(asked(text)))
