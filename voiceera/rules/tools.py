"""What an agent may do besides talking: its tools, as its configuration declares them and as a model is told of them.

A model only ever names what stands here. It never gives a telephone number, a URL or a secret: a transfer goes to one
of the agent's own numbers by its name, an HTTP tool to its declared address.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, StringConstraints, field_validator

from voiceera.errors import FieldProblem
from voiceera.rules.flows import LanguageTag
from voiceera.rules.sent import Sent

MOST_ROUNDS = 3
"""How often a model may use tools in one turn of the agent's."""
MOST_USES = 20
"""How many tools may be used in one call."""
LONGEST_ARGUMENTS = 4000
LONGEST_ANSWER = 2000
"""Characters of a tool's answer that the model is told, and that are kept with the call."""

ToolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]
Scalar = str | int | float | bool


class Argument(Sent):
    """One argument of a tool. `choices`: the only values that a text may have."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    choices: tuple[str, ...] = ()
    required: bool = True


class _Tool(Sent):
    description: str = Field("", max_length=1000)
    """When to use it, in words for the model."""


class EndCall(_Tool):
    kind: Literal["end_call"]


class TransferCall(_Tool):
    kind: Literal["transfer_call"]
    numbers: Annotated[dict[ToolName, E164], Field(min_length=1, max_length=50)]
    """Name ("billing") → number: the only numbers that a call of this agent is ever transferred to."""


class SendDtmf(_Tool):
    kind: Literal["send_dtmf"]


class ScheduleCallback(_Tool):
    kind: Literal["schedule_callback"]
    max_days: Annotated[int, Field(ge=1, le=365)] = 30


class OptOut(_Tool):
    kind: Literal["opt_out"]


class RecordOutcome(_Tool):
    """`dispositions`: how a call may have come out; `fields`: what else to note of it."""

    kind: Literal["record_outcome"]
    dispositions: tuple[str, ...] = ()
    fields: Annotated[dict[ToolName, Argument], Field(max_length=50)] = Field(default_factory=dict)


class CollectPrivate(_Tool):
    """Asks for digits (a card, a PIN) that are kept from the recording, the transcript, the logs and the model: an
    HTTP tool's argument takes them as `{{private.name}}`. `digits`: how many; unset: any."""

    kind: Literal["collect_private"]
    name: ToolName
    digits: Annotated[int, Field(ge=1, le=32)] | None = None


class SwitchLanguage(_Tool):
    """The call goes on in one of `languages`: what is heard and what is said."""

    kind: Literal["switch_language"]
    languages: Annotated[tuple[LanguageTag, ...], Field(min_length=1, max_length=20)]


class Endpoint(Sent):
    """`headers` may hold `{{secret.name}}`, from the credentials of `integration`: the name of an integration of type
    `tool`. `result`: a dotted path into the JSON that comes back; unset: all of it."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#{}@]+(/[^\s#]*)?$", max_length=2000)]
    method: Literal["GET", "POST", "PUT", "PATCH"] = "POST"
    headers: Annotated[dict[str, str], Field(max_length=20)] = Field(default_factory=dict)
    integration: str | None = None
    result: str | None = None

    @field_validator("headers")
    @classmethod
    def _are_one_line(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not name.isascii() or not name.replace("-", "").isalnum() or any(ord(sign) < 32 for sign in value):
                raise ValueError("must be header names and one-line values")
        return headers


class HttpTool(_Tool, Endpoint):
    """One declared endpoint. `{name}` in the path of `url` takes an argument; the others go as JSON, or as the query
    of a GET."""

    kind: Literal["http"]
    name: ToolName
    arguments: Annotated[dict[ToolName, Argument], Field(max_length=50)] = Field(default_factory=dict)
    timeout: Annotated[float, Field(ge=0.5, le=10)] = 5.0


Tool = Annotated[
    EndCall
    | TransferCall
    | SendDtmf
    | ScheduleCallback
    | OptOut
    | RecordOutcome
    | CollectPrivate
    | SwitchLanguage
    | HttpTool,
    Field(discriminator="kind"),
]


def name_of(tool: Tool) -> str:
    return tool.name if isinstance(tool, HttpTool | CollectPrivate) else tool.kind


def problems(tools: tuple[Tool, ...]) -> list[FieldProblem]:
    """Names that two tools share."""
    names = [name_of(tool) for tool in tools]
    return [
        FieldProblem(f"tools.{place}", f"there are two tools named {name!r}")
        for place, name in enumerate(names)
        if name in names[:place]
    ]


# ── what a model is told ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ToolSpec:
    """`parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


_SAY = Argument(description="What to say to the caller first, in their language.", required=False)
_DESCRIPTIONS = {
    "end_call": "Say goodbye and hang up.",
    "transfer_call": "Connect the caller to somebody else.",
    "send_dtmf": "Press keys on the other side's telephone menu.",
    "schedule_callback": "Note when the caller wants to be called back.",
    "opt_out": "The caller does not want to be called again.",
    "record_outcome": "Note how the call came out.",
    "switch_language": "Go on in another language, from the next sentence on, for a caller who speaks it.",
    "collect_private": "Ask for digits that you must not see, like a card number; other tools take them.",
}


def arguments_of(tool: Tool) -> dict[str, Argument]:
    """What the tool takes, by name."""
    match tool:
        case EndCall() | OptOut():
            return {"say": _SAY}
        case CollectPrivate():
            return {"say": _SAY}
        case SwitchLanguage(languages=languages):
            return {"language": Argument(description="Which one.", choices=tuple(languages))}
        case TransferCall(numbers=numbers):
            return {"to": Argument(description="Whom.", choices=tuple(numbers)), "say": _SAY}
        case SendDtmf():
            return {"digits": Argument(description="0-9, * and #, at most 32 of them.")}
        case ScheduleCallback():
            return {
                "at": Argument(description="ISO 8601 date and time with an offset, like 2026-03-01T15:00:00+05:30.")
            }
        case RecordOutcome(dispositions=dispositions, fields=fields):
            outcome = Argument(description="How it came out.", choices=dispositions, required=False)
            return fields | {"disposition": outcome}
        case HttpTool(arguments=arguments):
            return dict(arguments)


def spec(tool: Tool) -> ToolSpec:
    arguments = arguments_of(tool)
    properties = {name: _schema(argument) for name, argument in arguments.items()}
    required = [name for name, argument in arguments.items() if argument.required]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return ToolSpec(name_of(tool), tool.description or _DESCRIPTIONS.get(tool.kind, name_of(tool)), schema)


def _schema(argument: Argument) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": argument.type}
    if argument.description:
        schema["description"] = argument.description
    if argument.choices:
        schema["enum"] = list(argument.choices)
    return schema


# ── what a model (or a flow) asks for ────────────────────────────────────────────────────────────────────────────


class BadArguments(ValueError):
    """What does not fit, in words that the model can go by."""


def checked(tool: Tool, written: str) -> dict[str, Scalar]:
    """The arguments of a use, each of its declared type. Raises BadArguments."""
    if len(written) > LONGEST_ARGUMENTS:
        raise BadArguments("the arguments are too long")
    try:
        given = json.loads(written or "{}")
    except (ValueError, RecursionError):
        raise BadArguments("the arguments are not JSON") from None
    if not isinstance(given, dict):
        raise BadArguments("the arguments are not an object")
    declared = arguments_of(tool)
    if unknown := given.keys() - declared.keys():
        raise BadArguments(f"there is no argument {sorted(unknown)[0][:64]!r}")
    taken: dict[str, Scalar] = {}
    for name, argument in declared.items():
        if given.get(name) is None:
            if argument.required:
                raise BadArguments(f"{name} is missing")
            continue
        taken[name] = _fitting(name, argument, given[name])
    return taken


def _fitting(name: str, argument: Argument, value: object) -> Scalar:
    match argument.type, value:
        case "string", str():
            if argument.choices and value not in argument.choices:
                raise BadArguments(f"{name} must be one of: {', '.join(argument.choices)}")
            return value
        case "boolean", bool():
            return value
        case "boolean", "true" | "false":
            return value == "true"
        case (("integer" | "number"), bool()):
            pass
        case "integer", int():
            return value
        case "number", int() | float() if abs(value) < 1e15:
            return value
        case (("integer" | "number"), str()):  # a flow's arguments are texts
            try:
                return int(value) if argument.type == "integer" else _finite(value)
            except ValueError:
                pass
    raise BadArguments(f"{name} must be of type {argument.type}")


def _finite(text: str) -> float:
    number = float(text)
    if not abs(number) < 1e15:
        raise ValueError(text)
    return number


def filled_url(tool: HttpTool, arguments: Mapping[str, Scalar]) -> tuple[str, dict[str, Scalar]]:
    """(URL, the arguments that are not in its path). An argument never leaves its place in the path."""
    parts = urlsplit(tool.url)
    path, rest = parts.path, dict(arguments)
    for name, value in arguments.items():
        if f"{{{name}}}" in path:
            text = str(value)
            if not text.strip("."):
                raise BadArguments(f"{name} cannot stand in an address")
            path = path.replace(f"{{{name}}}", quote(text, safe=""))
            del rest[name]
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}{query}", rest


def picked(answer: str, path: str | None) -> str:
    """What `path` ("order.items.0.name") leads to in an answer of JSON; all of the answer without a path, nothing
    where it leads nowhere."""
    if not path:
        return answer[:LONGEST_ANSWER]
    value = at_path(answer, path)
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text[:LONGEST_ANSWER]


def at_path(answer: str, path: str | None) -> Any:
    """The value of an answer of JSON, or the one that `path` leads to; None where there is none."""
    try:
        value: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    for key in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
