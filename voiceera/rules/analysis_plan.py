"""What an agent's finished calls shall be read for, besides what is read from every call: its `analysis` plan."""

import json
from typing import Annotated, Any

import jsonschema_rs
from pydantic import Field, StringConstraints

from voiceera.errors import FieldProblem
from voiceera.rules.sent import Sent
from voiceera.rules.tools import ToolName

_LONGEST_SCHEMA = 20_000

Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class PlannedCheck(Sent):
    """A rule of the operator's own: `rule` says what has to hold ("The agent named the price before it asked")."""

    name: ToolName
    rule: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class AnalysisPlan(Sent):
    """Without a `provider` calls are analyzed by the embedded analyzer alone. `provider`: a language model, by its
    name or, after a slash, that of its integration; `model`: unless the integration's."""

    provider: str | None = None
    model: str | None = None
    instructions: str = Field("", max_length=4000)
    """What matters in these calls, in the operator's words."""
    dispositions: Annotated[tuple[Words, ...], Field(max_length=50)] = ()
    """How a call may have come out. A call that noted none itself gets the one that fits."""
    extract: dict[str, Any] | None = Field(
        None, description="A JSON schema of an object: what is read from the call into its `extracted`."
    )
    checks: Annotated[tuple[PlannedCheck, ...], Field(max_length=20)] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what is extracted."""
        return tuple((self.extract or {}).get("properties", {}))

    @property
    def needs_model(self) -> bool:
        return bool(self.instructions or self.dispositions or self.extract or self.checks)


RESERVED_CHECKS = frozenset({"greeting_said", "recording_announced", "opt_out_honoured"})
"""Made of every call."""


def problems(plan: AnalysisPlan, answers: frozenset[str] = frozenset()) -> list[FieldProblem]:
    """What keeps the plan from being carried out. `answers`: what the agent's flow saves by itself."""
    found = []
    if plan.needs_model and plan.provider is None:
        message = "the embedded analyzer does none of this: name a language model that does"
        found.append(FieldProblem("analysis.provider", message))
    if plan.extract is not None:
        found += [FieldProblem("analysis.extract", message) for message in _schema_problems(plan.extract)]
    for name in sorted(answers.intersection(plan.fields if not found else ())):
        message = f"the flow saves {name!r} already: give one of the two another name"
        found.append(FieldProblem("analysis.extract", message))
    names = [check.name for check in plan.checks]
    for place, name in enumerate(names):
        if name in names[:place] or name in RESERVED_CHECKS:
            found.append(FieldProblem(f"analysis.checks.{place}.name", f"there is a check named {name!r} already"))
    return found


def _schema_problems(schema: dict[str, Any]) -> list[str]:
    if len(json.dumps(schema)) > _LONGEST_SCHEMA:
        return [f"the schema is longer than {_LONGEST_SCHEMA:,} characters"]
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict) or not schema["properties"]:
        return ['must be the JSON schema of an object: {"type": "object", "properties": {…}}']
    try:
        validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        return [f"is no JSON schema that can be used: {str(error).splitlines()[0]}"]
    return []


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Fetches nothing, quotes no value, and gives up patterns that take too long. Raises ValidationError."""
    return jsonschema_rs.validator_for(schema, offline=True, mask="the value")
