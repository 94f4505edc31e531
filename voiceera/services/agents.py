"""Agents: what a configuration may name, what it lacks to run, and cloning."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from voiceera import ids
from voiceera.errors import FieldProblem, Invalid
from voiceera.providers import registry
from voiceera.providers.registry import BROUGHT, EMBEDDED, Kind
from voiceera.rules import analysis_plan, flows, tools
from voiceera.rules.agents import AgentConfig
from voiceera.rules.flows import LanguageStep
from voiceera.rules.languages import short
from voiceera.rules.tools import RecordOutcome, SwitchLanguage
from voiceera.services.provider_catalog import languages_of, without_model
from voiceera.store import agents, integrations, prompts
from voiceera.store.agents import Agent
from voiceera.store.base import Connection

_PROVIDER_FIELDS = {
    "llm_provider": Kind.LANGUAGE_MODEL,
    "stt_provider": Kind.SPEECH_TO_TEXT,
    "tts_provider": Kind.TEXT_TO_SPEECH,
    "telephony_provider": Kind.CARRIER,
}
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Missing:
    """One thing that keeps an agent from running; `field` is the configuration's."""

    field: str
    message: str


def check(config: AgentConfig) -> None:
    """Raises Invalid for a flow that cannot run and for providers that nobody knows."""
    problems = [] if config.flow is None else flows.problems(config.flow)
    problems += tools.problems(config.tools)
    problems += analysis_plan.problems(config.analysis, _saved_in_calls(config))
    for field, kind in _PROVIDER_FIELDS.items():
        name = getattr(config, field)
        outside = field == "llm_provider" and config.resolved_brain == "external"
        known = registry.names(Kind.BRAIN if outside else kind)
        if name is not None and name.partition("/")[0] not in known:
            there_are = ", ".join(known) or "none yet"
            problems.append(FieldProblem(field, f"there is no such provider; there are: {there_are}"))
    analyst = config.analysis.provider
    if analyst is not None and analyst.partition("/")[0] not in registry.names(Kind.LANGUAGE_MODEL):
        there_are = ", ".join(registry.names(Kind.LANGUAGE_MODEL))
        problems.append(FieldProblem("analysis.provider", f"there is no such provider; there are: {there_are}"))
    for kind_, spares in config.fallback_providers.items():
        known = registry.names(Kind(kind_))
        problems += [
            FieldProblem(
                f"fallback_providers.{kind_}.{place}", f"there is no such provider; there are: {', '.join(known)}"
            )
            for place, name in enumerate(spares)
            if name.partition("/")[0] not in known
        ]
    if problems:
        raise Invalid("The agent cannot run like this.", *problems)


def _saved_in_calls(config: AgentConfig) -> frozenset[str]:
    """The names under which calls of this agent note something by themselves."""
    steps = config.flow.steps.values() if config.flow else ()
    saved = {name for step in steps if (name := getattr(step, "save_as", None))}
    for tool in config.tools:
        if isinstance(tool, RecordOutcome):
            saved |= tool.fields.keys()
    return frozenset(saved)


async def missing(connection: Connection, agent: Agent, models_dir: Path) -> list[Missing]:
    """What the agent lacks for a call, in the order in which a call would need it."""
    config = agent.config
    lines = await integrations.of_type(connection, agent.organization_id, "telephony", config.telephony_provider)
    found = (
        [] if lines else [Missing("telephony_provider", "No carrier is connected: create a telephony integration.")]
    )
    found += _brain(config)
    kinds: tuple[tuple[str, Literal["llm", "stt", "tts"]], ...] = (
        ("llm_provider", "llm"),
        ("stt_provider", "stt"),
        ("tts_provider", "tts"),
    )
    if config.resolved_brain == "external":
        wanted = (config.llm_provider or "").partition("/")[2]
        brains = await integrations.of_type(connection, agent.organization_id, "brain", "external")
        if not any(not wanted or row.name == wanted for row in brains):
            found.append(Missing("brain", "The brain is an outside one, and there is no integration of type brain."))
    for field, kind in kinds:
        if kind == "llm" and config.resolved_brain == "external":
            continue
        for name in filter(None, (getattr(config, field), *config.fallback_providers.get(kind, ()))):
            provider, _, wanted = name.partition("/")
            if provider in EMBEDDED.get(Kind(kind), ()):
                continue
            if provider in BROUGHT.get(Kind(kind), ()):
                if (why := without_model(Kind(kind), name, models_dir)) is not None:
                    found.append(Missing(field, f"{name}: {why}."))
                continue
            there = await integrations.of_type(connection, agent.organization_id, kind, provider)
            if not any(not wanted or row.name == wanted for row in there):
                found.append(Missing(field, f"No integration of type {kind} for {name}."))
    return found + await _prompts(connection, agent) + _languages(config)


async def _prompts(connection: Connection, agent: Agent) -> list[Missing]:
    """Recordings that its flow names and that there are none of."""
    steps = agent.config.flow.steps if agent.config.flow else {}
    wanted = {
        prompt: f"flow.steps.{name}.prompts.{language}"
        for name, step in steps.items()
        for language, prompt in getattr(step, "prompts", {}).items()
    }
    unknown = await prompts.unknown(connection, agent.organization_id, list(wanted))
    return [Missing(wanted[name], f"There is no recording named {name}: upload it to /prompts.") for name in unknown]


def _languages(config: AgentConfig) -> list[Missing]:
    """A recognizer or a voice that is known not to know a language that calls of this agent may be held in."""
    found = []
    ear, voice = config.stt_provider.partition("/")[0], config.tts_provider.partition("/")[0]
    heard, spoken = languages_of(Kind.SPEECH_TO_TEXT, ear), languages_of(Kind.TEXT_TO_SPEECH, voice)
    keys_do = config.resolved_brain == "flow" and config.flow is not None and flows.takes_keys(config.flow)
    for field, language in _spoken_in(config):
        code = short(language)
        if heard is not None and code not in heard and not keys_do:
            message = f"The recognizer {ear} does not know {language}: keypad answers work, speech not."
            found.append(Missing(field, message))
        if spoken is not None and code not in spoken:
            found.append(Missing(field, f"The voice {voice} does not speak {language}."))
    return found


def _spoken_in(config: AgentConfig) -> list[tuple[str, str]]:
    """(field, language) of each that a call may be held in, the agent's own first."""
    found = [("language", config.language)]
    for name, step in (config.flow.steps if config.flow else {}).items():
        if isinstance(step, LanguageStep):
            found.append((f"flow.steps.{name}.language", step.language))
    for place, tool in enumerate(config.tools):
        if isinstance(tool, SwitchLanguage):
            found += [(f"tools.{place}.languages", language) for language in tool.languages]
    return found


def _brain(config: AgentConfig) -> list[Missing]:
    match config.resolved_brain:
        case "flow" if config.flow is None:
            return [Missing("flow", "The brain is a flow, and there is none.")]
        case "llm" if config.llm_provider is None:
            return [Missing("llm_provider", "The brain is a language model, and none is named.")]
        case _:
            return []


async def clone(connection: Connection, agent: Agent, name: str | None, by: UUID, now: datetime) -> UUID:
    """A new agent with all of the old one but the name. Raises Conflict for a given name that another has."""
    chosen = name or await _copy_name(connection, agent)
    copy_id = ids.new_id()
    config = agent.config.model_copy(update={"name": chosen})
    await agents.add(connection, agent.organization_id, copy_id, config, status=agent.status, created_by=by, now=now)
    return copy_id


async def _copy_name(connection: Connection, agent: Agent) -> str:
    """ "… (copy)", else "… (copy 2)" and so on; cut where it grows too long."""
    stem = agent.config.name[: _LONGEST_NAME - len(" (copy 1000)")]
    taken = await agents.names_beginning(connection, agent.organization_id, stem)
    candidates = (f"{stem} (copy {n})" if n > 1 else f"{stem} (copy)" for n in range(1, len(taken) + 2))
    return next(name for name in candidates if name.lower() not in taken)
