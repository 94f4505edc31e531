"""What an organization's own server knows of somebody who rings in: asked before the agent speaks."""

import re
from typing import Annotated

from pydantic import Field

from voiceera.rules.tools import Argument, Endpoint, HttpTool, at_path

MOST_VARIABLES = 100
LONGEST_VALUE = 1000
OURS = ("caller_number", "called_number")
"""What we know ourselves, and nobody answers otherwise."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class CallerLookup(Endpoint):
    """Told `caller_number`, `called_number` and `call_id`, as JSON or as the query of a GET; what it answers, an
    object of texts, numbers and booleans, becomes variables of the call. Whoever rings in waits for it: `timeout`
    seconds at most, then the call begins without."""

    timeout: Annotated[float, Field(ge=0.5, le=5)] = 2.0

    def request(self) -> HttpTool:
        """The same as a tool of the name `caller_lookup`."""
        arguments = {name: Argument() for name in (*OURS, "call_id")}
        return HttpTool(kind="http", name="caller_lookup", arguments=arguments, **dict(self))


class NotVariables(ValueError):
    """What came back is no object of variables."""


def variables_in(answer: str, result: str | None) -> dict[str, str]:
    """Of an answer of JSON, or of the part that `result` leads to: names that texts can use, with their values.
    Raises NotVariables; what has no such name, or is no scalar, is left out."""
    found = at_path(answer, result)
    if not isinstance(found, dict):
        raise NotVariables("the answer is no JSON object" + (f" at {result}" if result else ""))
    named = {name: _text(value) for name, value in found.items() if _NAME.fullmatch(name) and name not in OURS}
    texts = {name: text[:LONGEST_VALUE] for name, text in named.items() if text is not None}
    return dict(list(texts.items())[:MOST_VARIABLES])


def _text(value: object) -> str | None:
    match value:
        case str():  # what no text can hold is left out of it
            return value.encode(errors="ignore").decode().replace("\0", "")
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
    return None
