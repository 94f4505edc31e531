"""PUT changes the fields given and leaves the rest; what is read-only may come back unchanged, and only so."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model

from voiceera.api.shapes import Body
from voiceera.errors import FieldProblem, Invalid

M = TypeVar("M", bound=BaseModel)


def partial(name: str, shown: type[BaseModel], *more: type[BaseModel]) -> type[Body]:
    """A body with every field of what is shown (and of `more`), none of them required."""
    fields: dict[str, Any] = {}
    for model in (shown, *more):
        for field, about in model.model_fields.items():
            kind: Any = about.annotation
            for each in about.metadata:
                kind = Annotated[kind, each]
            fields[field] = (kind | None, None)
    made: type[Body] = create_model(name, __base__=Body, **fields)
    return made


def changes(
    before: BaseModel, change: BaseModel, writable: frozenset[str], moving: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The writable fields that were given, as JSON. Raises Invalid for a read-only one with another value; those in
    `moving` change by themselves, and pass."""
    given = change.model_dump(mode="json", exclude_unset=True)
    was = before.model_dump(mode="json")
    problems = [
        FieldProblem(field, "cannot be changed")
        for field, value in given.items()
        if field not in writable | moving and was.get(field) != value
    ]
    if problems:
        raise Invalid("The request changes what is read-only.", *problems)
    return {field: value for field, value in given.items() if field in writable}


def merged(before: dict[str, Any], given: dict[str, Any], *nested: str) -> dict[str, Any]:
    """`before` with the given fields; of those named in `nested`, whose values are objects, only the parts given."""
    result = {**before, **given}
    for name in nested:
        if isinstance(given.get(name), dict) and isinstance(before.get(name), dict):
            result[name] = {**before[name], **given[name]}
    return result


def validated(model: type[M], values: dict[str, Any], prefix: str = "") -> M:
    """`values` as a `model`. Raises Invalid, naming each field that does not fit below `prefix`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = (
            FieldProblem(prefix + ".".join(map(str, each["loc"])), each["msg"])
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise Invalid("The request does not fit.", *problems) from None
