"""An organization's own phone numbers, held to the lines and agents that they name."""

from typing import Any
from uuid import UUID

from voiceera.errors import FieldProblem, Invalid, NotFound
from voiceera.rules.phones import ANY_COUNTRY, NotANumber, to_e164
from voiceera.store import agents, integrations
from voiceera.store.base import Connection


def no_number() -> NotFound:
    return NotFound("NUMBER_001", "No such phone number.")


def own_number(written: str) -> str:
    """As E.164; it must begin with its country code. Raises Invalid."""
    try:
        return to_e164(written, ANY_COUNTRY)
    except NotANumber as problem:
        raise Invalid("The number does not fit.", FieldProblem("phone_number", str(problem))) from None


async def check(connection: Connection, organization_id: UUID, given: dict[str, Any]) -> None:
    """Raises Invalid for an `integration_id` that is no line of the organization's, or an `agent_id` of nobody."""
    problems = []
    if (integration_id := given.get("integration_id")) is not None:
        line = await integrations.get(connection, organization_id, UUID(str(integration_id)))
        if line is None or line.type != "telephony":
            problems.append(FieldProblem("integration_id", "is no integration of type telephony"))
    agent_id = given.get("agent_id")
    if agent_id is not None and await agents.get(connection, organization_id, UUID(str(agent_id))) is None:
        problems.append(FieldProblem("agent_id", "is no agent"))
    if problems:
        raise Invalid("The number does not fit.", *problems)
