"""What a launch would do: of the contacts, how many now, how many later and why, and what their texts lack."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from voiceera.rules.agents import AgentConfig
from voiceera.rules.campaigns import CampaignConfig
from voiceera.rules.flows import problems as flow_problems
from voiceera.rules.gate import Reason
from voiceera.rules.windows import hours_of, zones_of

SAMPLE = 1000
_REQUIRED = re.compile(r"\{\{\s*([^{}|\s]+)\s*\}\}")


@dataclass(frozen=True)
class Preview:
    """`now + deferred + suppressed` are the contacts that have not been tried. Past a thousand, `now` and `deferred`
    are estimated from a sample (`is_estimate`). `never`: contacts whose window never opens before the campaign's end.
    """

    now: int
    deferred: int
    suppressed: int
    reasons: dict[str, int] = field(default_factory=dict)
    missing_variables: tuple[str, ...] = ()
    first_at: datetime | None = None
    is_estimate: bool = False


def look_ahead(
    sample: Sequence[tuple[str, str | None]],
    pending: int,
    suppressed: int,
    config: CampaignConfig,
    now: datetime,
    *,
    starts_at: datetime | None,
    ends_at: datetime | None,
) -> Preview:
    """`sample`: (number, own zone) of contacts not yet tried; `pending`: how many there are in all, `suppressed` of
    them on a do-not-call list."""
    start = max(now, starts_at) if starts_at else now
    openings: Counter[str] = Counter()
    first_at: datetime | None = None
    for number, own in sample:
        zones = zones_of(number, own, config.timezone)
        opening = hours_of(config, number).next_open(start, zones)
        if opening is not None and (ends_at is None or opening < ends_at):
            first_at = opening if first_at is None else min(first_at, opening)
        openings[_reason(opening, now, starts_at, ends_at, is_zone_known=bool(zones))] += 1
    dialable = pending - suppressed
    share = dialable / len(sample) if sample else 0.0
    scaled = {reason: round(count * share) for reason, count in openings.items()}
    at_once = scaled.pop("now", 0)
    return Preview(
        now=at_once,
        deferred=dialable - at_once,
        suppressed=suppressed,
        reasons=scaled,
        first_at=first_at,
        is_estimate=len(sample) < dialable,
    )


def _reason(
    opening: datetime | None,
    now: datetime,
    starts_at: datetime | None,
    ends_at: datetime | None,
    *,
    is_zone_known: bool,
) -> str:
    if not is_zone_known:
        return Reason.ZONE_UNKNOWN
    if opening is None or (ends_at is not None and opening >= ends_at):
        return Reason.WINDOW_NEVER_OPENS
    if opening <= now:
        return "now"
    is_waiting_for_start = starts_at is not None and opening == starts_at
    return Reason.CAMPAIGN_NOT_STARTED if is_waiting_for_start else Reason.OUTSIDE_HOURS


def required_variables(agent: AgentConfig) -> tuple[str, ...]:
    """Names that the agent's texts use without a fallback and that no step of its flow saves itself, in order."""
    saved = (
        {step.save_as for step in agent.flow.steps.values() if step.kind in ("ask", "tool")} if agent.flow else set()
    )
    names = (name for text in _texts(agent) for name in _REQUIRED.findall(text))
    return tuple(dict.fromkeys(name for name in names if name not in saved))


def _texts(agent: AgentConfig) -> Iterator[str]:
    yield agent.greeting_message
    if agent.resolved_brain == "llm":
        yield agent.system_prompt
    yield agent.conversation.voicemail_message or ""
    if agent.flow is not None:
        for step in agent.flow.steps.values():
            if step.kind in ("say", "ask", "end"):
                yield step.text
            if step.kind == "ask":
                yield step.reprompt or ""


def cannot_run(agent: AgentConfig) -> Iterable[str]:
    """What keeps the agent from holding a call, in words."""
    if agent.resolved_brain == "flow":
        if agent.flow is None:
            yield "its brain is a flow, and it has none"
        else:
            yield from (f"{problem.field}: {problem.message}" for problem in flow_problems(agent.flow))
    if agent.resolved_brain == "llm" and agent.llm_provider is None:
        yield "it has neither a flow nor an llm_provider"
