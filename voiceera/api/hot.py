"""Answers of hot lists: what the pydantic model would say, made by msgspec from the driver's own rows.

The model stays the one description of an item: each field's way into JSON is found from its type, once.
"""

import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Union, get_args, get_origin

import asyncpg
import msgspec
from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

from voiceera import clock
from voiceera.api.shapes import iso
from voiceera.store.page import Page

_Way = Callable[[Any], Any]


class Shower:
    """Shows rows of `table` as `model`; what the row has no column for is computed from it, by name."""

    def __init__(self, model: type[BaseModel], table: Table) -> None:
        of_row = [name for name in model.model_fields if name in table.c]
        self._names = list(model.model_fields)
        self._ways: list[tuple[str, _Way | None]] = [
            (name, _way(model.model_fields[name].annotation, is_json=isinstance(table.c[name].type, JSONB)))
            for name in of_row
        ]
        defaults = {name: field.default for name, field in model.model_fields.items() if name not in table.c}
        self._template = dict.fromkeys(self._names) | {n: d for n, d in defaults.items() if not callable(d)}

    def show(self, row: asyncpg.Record, computed: Mapping[str, Any]) -> dict[str, Any]:
        shown = self._template.copy()
        for name, way in self._ways:
            value = row[name]
            shown[name] = value if way is None or value is None else way(value)
        shown.update(computed)
        return shown


def listed(page: Page[dict[str, Any]]) -> Response:
    """The page in the envelope, as bytes."""
    data = {
        "items": page.items,
        "total": page.total,
        "skip": page.skip,
        "limit": page.limit,
        "next_cursor": page.next_cursor,
        "total_is_capped": page.total_is_capped,
    }
    content = msgspec.json.encode({"success": True, "data": data, "timestamp": iso(clock.utc_now())})
    return Response(content, media_type="application/json")


def _way(annotation: Any, *, is_json: bool) -> _Way | None:
    """How a column's value becomes what JSON shows; None: as it is."""
    kind = _bare(annotation)
    if kind is datetime:
        return _instant
    if kind is float:
        return float
    if not is_json:
        return None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        decode = msgspec.json.Decoder(_struct(kind), strict=False).decode
        return lambda text: decode(text)
    if get_origin(kind) is dict and get_args(kind)[1] is Any:
        return lambda text: msgspec.Raw(text.encode())
    return msgspec.json.Decoder(kind, strict=False).decode


def _struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    fields = [(name, field.annotation, field.default) for name, field in model.model_fields.items()]
    return msgspec.defstruct(model.__name__, fields)


def _bare(annotation: Any) -> Any:
    """Without Annotated and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _instant(moment: datetime) -> str:
    """`shapes.iso`, of what the driver gives: always in UTC."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z" if moment.tzinfo is UTC else iso(moment)
