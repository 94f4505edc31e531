"""Lists: skip/limit and cursor paging, sorting with the id as tie-break, and a total that is capped.

A query is paged by `page`; the cursor holds the last row's sort values, so the page after a million rows costs what
the first does (keyset pagination).
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, tuple_

from voiceera.errors import FieldProblem, Invalid
from voiceera.store.base import Connection

T = TypeVar("T")
S = TypeVar("S")

EXACT_TOTAL_LIMIT = 10_000
DEFAULT_SORT = "-created_at"


@dataclass(frozen=True)
class PageRequest:
    """`sort` as the API takes it ("name,-created_at"); `order` applies to the fields without a minus."""

    skip: int = 0
    limit: int = 10
    cursor: str | None = None
    sort: str | None = None
    order: str = "asc"
    exact_total: bool = False


@dataclass(frozen=True)
class Page(Generic[T]):
    items: Sequence[T]
    total: int
    skip: int
    limit: int
    next_cursor: str | None
    total_is_capped: bool = False

    def map(self, show: Callable[[T], S]) -> "Page[S]":
        return Page(
            [show(item) for item in self.items],
            self.total,
            self.skip,
            self.limit,
            self.next_cursor,
            self.total_is_capped,
        )


@dataclass(frozen=True)
class Key:
    """`known`: the query leaves out the rows where it is null."""

    column: ColumnElement[Any]
    descending: bool
    known: bool = False

    @property
    def never_null(self) -> bool:
        return self.known or getattr(self.column, "nullable", True) is False

    @property
    def ordered(self) -> ColumnElement[Any]:
        """NULLs last; said only where there may be some, since an index serves no order that names them otherwise."""
        ordered = self.column.desc() if self.descending else self.column.asc()
        return ordered if self.never_null else ordered.nulls_last()


async def page(
    connection: Connection,
    query: Select[Any],
    request: PageRequest,
    sortable: Mapping[str, ColumnElement[Any]],
    id_column: ColumnElement[UUID],
) -> Page[Row[Any]]:
    """One page of `query`, which filters but neither orders nor limits; its rows have every sortable column.

    `sortable`: the API's name → column. Raises Invalid for a field that cannot be sorted by or a foreign cursor.
    """
    sort = DEFAULT_SORT if request.sort is None else request.sort
    keys = keys_of(sort, request.order, sortable, id_column)
    total = await _count(connection, query, None if request.exact_total else EXACT_TOTAL_LIMIT + 1)
    marks = [key.column.label(f"page_key_{index}") for index, key in enumerate(keys)]
    paged = query.add_columns(*marks).order_by(*(key.ordered for key in keys)).limit(request.limit + 1)
    signature = f"{sort}|{request.order}"
    if request.cursor is None:
        paged = paged.offset(request.skip)
    else:
        paged = paged.where(after(keys, read_cursor(request.cursor, signature, keys)))
    rows = (await connection.execute(paged)).all()
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(
        items=shown,
        total=min(total, EXACT_TOTAL_LIMIT) if not request.exact_total else total,
        total_is_capped=not request.exact_total and total > EXACT_TOTAL_LIMIT,
        skip=request.skip,
        limit=request.limit,
        next_cursor=write_cursor(signature, shown[-1][-len(keys) :]) if more else None,
    )


async def _count(connection: Connection, query: Select[Any], limit: int | None) -> int:
    rows = query.with_only_columns(literal(1).label("one"), maintain_column_froms=True)
    if limit is not None:
        rows = rows.limit(limit)
    return await connection.scalar(select(func.count()).select_from(rows.subquery())) or 0


def keys_of(
    sort: str, order: str, sortable: Mapping[str, ColumnElement[Any]], *ties: ColumnElement[Any]
) -> list[Key]:
    """What rows are ordered by; ties go the way of the first field: newest first stays newest first among equals.

    Raises Invalid for a field that cannot be sorted by.
    """
    keys = []
    for name in sort.split(","):
        field = name.removeprefix("-")
        if field not in sortable:
            message = f"{field!r} cannot be sorted by; these can: {', '.join(sorted(sortable))}"
            raise Invalid("The list cannot be sorted like that.", FieldProblem("sort", message))
        keys.append(Key(sortable[field], name.startswith("-") or order == "desc"))
    return keys + [Key(tie, keys[0].descending) for tie in ties if not any(tie is key.column for key in keys)]


def after(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that come after the one with these values; NULLs come last either way."""
    if (
        len({key.descending for key in keys}) == 1
        and all(value is not None for value in values)
        and _never_null(keys)
    ):
        here, there = tuple_(*(key.column for key in keys)), tuple_(*values)
        return here < there if keys[0].descending else here > there
    alternatives: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for key, value in zip(keys, values, strict=True):
        if value is None:
            same.append(key.column.is_(None))
            continue
        beyond = key.column < value if key.descending else key.column > value
        alternatives.append(and_(*same, beyond if key.never_null else or_(beyond, key.column.is_(None))))
        same.append(key.column == value)
    return or_(*alternatives)


def _never_null(keys: Sequence[Key]) -> bool:
    return all(key.never_null for key in keys)


def write_cursor(signature: str, values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    document = [signature, *(str(value) if isinstance(value, UUID) else value for value in plain)]
    return base64.urlsafe_b64encode(json.dumps(document, default=str).encode()).decode().rstrip("=")


def read_cursor(cursor: str, signature: str, keys: Sequence[Key]) -> list[Any]:
    try:
        document = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, *values = document
        if made_for != signature or len(values) != len(keys):
            raise ValueError(made_for)
        return [_typed(key, value) for key, value in zip(keys, values, strict=True)]
    except (ValueError, TypeError, ArithmeticError, binascii.Error):
        message = "is not a cursor of this list in this order"
        raise Invalid("The page cannot be found.", FieldProblem("cursor", message)) from None


def _typed(key: Key, value: Any) -> Any:
    kind: type = key.column.type.python_type
    if value is None:
        return None
    if kind is datetime:
        return _aware(datetime.fromisoformat(value))
    if kind is UUID:
        return UUID(value)
    if kind in (int, float) and isinstance(value, bool | str):
        raise ValueError(value)
    return kind(value)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(moment)
    return moment.astimezone(UTC)
