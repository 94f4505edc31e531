"""The base of all that a client sends: what it does not know is refused, and nothing is taken for something else."""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

_SCALARS = ("int", "float", "bool")


def _make_strict(schema: Any) -> None:
    """Pydantic's own `strict` would refuse text for ids and instants too."""
    if isinstance(schema, dict):
        if schema.get("type") in _SCALARS:
            schema["strict"] = True
        for part in schema.values():
            _make_strict(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _make_strict(part)


class Sent(BaseModel):
    """An unknown field is refused, since a mistyped one must not be dropped in silence; "5" is no number and 1 is not
    true. Text is read as an id, an instant or a word of a list, because JSON has nothing else for them."""

    # An answer that holds one of these holds all of its fields: its schema says so.
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _make_strict(schema)
        return schema
