"""Conditions that lists share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_


@dataclass(frozen=True)
class Span:
    """From `start` (included) up to `end` (excluded); None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def of(self, column: ColumnElement[datetime]) -> Iterator[ColumnElement[bool]]:
        if self.start is not None:
            yield column >= self.start
        if self.end is not None:
            yield column < self.end


def equal(pairs: dict[ColumnElement[Any], Any]) -> Iterator[ColumnElement[bool]]:
    """column = value for every value that is not None."""
    for column, value in pairs.items():
        if value is not None:
            yield column == value


def matching(search: str | None, *columns: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
    """The text stands somewhere in one of the columns, in whatever case; % and _ are only themselves."""
    if search is not None:
        yield or_(*(column.icontains(search, autoescape=True) for column in columns))
