"""What a call has used of each vendor, priced and written down once it is over."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.providers.registry import BROUGHT, EMBEDDED
from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import Direction, Speaker
from voiceera.rules.costs import Part, Unit, Use, entry, merged, parts, told_by_carrier, total
from voiceera.store import agents, analyses, call_costs, call_tools, calls, prices
from voiceera.store.base import Connection

UNBILLED = frozenset({"scripted"}.union(*EMBEDDED.values(), *BROUGHT.values()))
"""Run on the operator's own machine."""
_TOKENS = {"prompt_tokens": Unit.PROMPT_TOKEN, "completion_tokens": Unit.COMPLETION_TOKEN}


async def charged(
    connection: Connection, call: sa.Row[Any], duration_seconds: float | Decimal | None, carrier_cost: Decimal | None
) -> dict[str, Any]:
    """Write the call's ledger anew; `cost` and `cost_parts` as its row shall have them, nothing if nothing has a
    price. `duration_seconds`: of the call from answer to end; `carrier_cost`: as the carrier told it."""
    of = call.organization_id, call.id
    listed = await prices.every(connection, call.organization_id)
    entries = []
    for use in await _uses(connection, call, Decimal(str(duration_seconds or 0)), carrier_cost):
        if use.part is Part.CARRIER and use.unit is Unit.MINUTE and carrier_cost is not None:
            entries.append(told_by_carrier(use, carrier_cost))
        elif use.part is not Part.CARRIER or carrier_cost is None:
            entries.append(entry(use, listed))
    await call_costs.put(connection, *of, entries)
    cost = total(entries)
    return {} if cost is None else {"cost": cost, "cost_parts": parts(entries)}


async def charge(connection: Connection, organization_id: UUID, call_id: UUID) -> None:
    """The same for a call that was over already, and of which more has become known."""
    call = await calls.get(connection, organization_id, call_id)
    if call is None or call.ended_at is None:
        return
    if cost := await charged(connection, call, call.duration_seconds, call.carrier_cost):
        await calls.change(connection, organization_id, call_id, **cost)


async def _uses(
    connection: Connection, call: sa.Row[Any], seconds: Decimal, carrier_cost: Decimal | None
) -> list[Use]:
    config = await agents.get_version(connection, call.organization_id, call.agent_id, call.agent_version)
    uses = list(_carriers(call, seconds, carrier_cost))
    if config is not None:
        uses += [use for use in await _vendors(connection, call, config) if use.provider not in UNBILLED]
    return merged(use for use in uses if use.quantity)


def _carriers(call: sa.Row[Any], seconds: Decimal, carrier_cost: Decimal | None) -> Iterator[Use]:
    """Only of calls that were answered: what carriers ask for others, they say themselves."""
    if call.direction != Direction.BROWSER and (call.answered_at or carrier_cost is not None):
        yield Use(Part.CARRIER, call.provider or "", "", Unit.MINUTE, max(seconds, Decimal("0.001")) / 60)
        yield Use(Part.CARRIER, call.provider or "", "", Unit.CALL, Decimal(1))


async def _vendors(connection: Connection, call: sa.Row[Any], config: AgentConfig) -> list[Use]:
    of = call.organization_id, call.id
    turns = await calls.turns(connection, *of)
    heard_ms = sum(turn.end_ms - turn.start_ms for turn in turns if turn.speaker == Speaker.CALLER)
    said = sum(len(turn.text) for turn in turns if turn.speaker == Speaker.AGENT)
    uses = [
        Use(Part.SPEECH_TO_TEXT, config.stt_provider, "", Unit.MINUTE, Decimal(heard_ms) / 60_000),
        Use(Part.TEXT_TO_SPEECH, config.tts_provider, "", Unit.CHARACTER, Decimal(said)),
    ]
    if config.llm_provider is not None:
        counted = await call_tools.usage(connection, *of)
        uses += _tokens(config.llm_provider, config.llm_model or "", counted)
    for used in await analyses.used(connection, *of) if turns else ():
        uses += _tokens(used["provider"], used["model"], used)
    return uses


def _tokens(provider: str, model: str, counted: Mapping[str, Any]) -> list[Use]:
    return [
        Use(Part.LANGUAGE_MODEL, provider, model, unit, Decimal(counted.get(name, 0)))
        for name, unit in _TOKENS.items()
    ]
