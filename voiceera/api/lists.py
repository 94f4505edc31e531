"""The query parameters that lists share."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from voiceera.store.filters import Span
from voiceera.store.page import PageRequest

_LARGEST = 2**63 - 1
EARLIEST = date(1900, 1, 1)
LATEST = date(9000, 12, 31)
"""Days that filters take: so far from the calendar's ends that a time zone or a day more cannot cross them."""


def _zone(value: Any) -> ZoneInfo:
    """An IANA zone by the pinned `tzdata`, never by the machine's own files."""
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        raise ValueError("is not an IANA time zone (like Asia/Kolkata)") from None


def _day_or_instant(value: Any) -> date | datetime:
    text = str(value).replace(" ", "+")
    try:
        moment = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is neither a date (2024-01-31) nor a date-time (2024-01-31T10:30:00Z)") from None
    if not EARLIEST.year <= moment.year <= LATEST.year:
        raise ValueError(f"must lie between {EARLIEST} and {LATEST}")
    return moment


def _unplussed(value: Any) -> Any:
    """A "+" that came unencoded has become a space."""
    text = str(value).strip()
    return f"+{text}" if text[:1].isdigit() else text


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Asia/Kolkata"]})]
DayOrInstant = Annotated[
    date | datetime,
    BeforeValidator(_day_or_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]
PhoneFilter = Annotated[
    str,
    Field(max_length=32),
    BeforeValidator(_unplussed),
    WithJsonSchema({"type": "string", "examples": ["+12025550123"]}),
]


class ListQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    skip: Annotated[int, Field(ge=0, le=_LARGEST, description="Number of items to skip.")] = 0
    limit: Annotated[int, Field(ge=1, le=100, description="Number of items to return.")] = 10
    cursor: Annotated[str | None, Field(max_length=2000, description="`next_cursor` of the page before.")] = None
    sort: Annotated[
        str | None,
        Field(max_length=200, description="Fields to sort by; a minus sorts downwards: `name,-created_at`."),
    ] = None
    order: Annotated[Literal["asc", "desc"], Field(description="For the fields without a minus.")] = "asc"
    total: Annotated[
        Literal["exact"] | None, Field(description="`exact` counts past 10,000, without a promise of speed.")
    ] = None

    def page(self) -> PageRequest:
        return PageRequest(self.skip, self.limit, self.cursor, self.sort, self.order, self.total == "exact")


class DatedQuery(ListQuery):
    """`date_from` and `date_to` filter `created_at`; a bare `date_to` includes that day."""

    date_from: DayOrInstant | None = None
    date_to: DayOrInstant | None = None
    timezone: Annotated[Zone, Field(description="Whose days the dates are.")] = ZoneInfo("UTC")
    search: Annotated[str | None, Field(min_length=1, max_length=200)] = None

    def span(self) -> Span:
        return Span(
            None if self.date_from is None else instant(self.date_from, self.timezone),
            None if self.date_to is None else instant(self.date_to, self.timezone, is_end=True),
        )


def instant(moment: date | datetime, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    """The instant that a date or date-time begins; with `is_end`, the first one that is no longer in it."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return aware.astimezone(UTC) + (timedelta(microseconds=1) if is_end else timedelta())
    day = moment + timedelta(days=1) if is_end else moment
    return datetime.combine(day, time.min, zone).astimezone(UTC)
