"""Whom an agent is tried on: simulated people, of whom a flow asks for one for each of its endings."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from voiceera.rules.agents import AgentConfig
from voiceera.rules.flows import AskStep, BranchStep, EndStep, Flow, Step
from voiceera.rules.sent import Sent

MOST_CALLEES = 30
_MOST_PATHS = 20
_LONGEST_PATH = 40
_UNRELATED = "I wonder whether it is going to rain in the mountains tonight."

Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class TrialReply(Sent):
    """What a callee answers when the agent has spoken: words, or keys."""

    says: Words | None = None
    press: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,32}$")] | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> "TrialReply":
        if (self.says is None) == (self.press is None):
            raise ValueError("a reply either says or presses something")
        return self


class TrialCallee(Sent):
    """A simulated person. `replies` are given one after the other, the last one three times more where the agent goes
    on; then they hang up. Without any they say nothing. `voicemail`: a machine takes the call. `reaches` (a
    disposition), `max_turns` (both sides together), `latency_p95_ms` and `never_says` are what must come of it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
    replies: Annotated[tuple[TrialReply, ...], Field(max_length=40)] = ()
    interrupts: bool = False
    voicemail: bool = False
    variables: Annotated[dict[str, Annotated[str, StringConstraints(max_length=500)]], Field(max_length=50)] = Field(
        default_factory=dict
    )
    reaches: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    max_turns: Annotated[int, Field(ge=1, le=500)] | None = None
    latency_p95_ms: Annotated[float, Field(gt=0, le=60_000)] | None = None
    never_says: Annotated[tuple[Words, ...], Field(max_length=20)] = ()


def suggested(config: AgentConfig) -> list[TrialCallee]:
    """Who should be tried on this agent: of a flow, a callee for each ending that answers lead to; for any agent,
    people who say nothing, something else, or who are not there."""
    led = list(_by_flow(config.flow)) if config.flow is not None and config.resolved_brain == "flow" else []
    talkers = led or list(_TALKERS)
    return [*talkers, *_ALWAYS]


_TALKERS = (
    TrialCallee(
        name="Agrees", replies=tuple(TrialReply(says=text) for text in ("Yes.", "Yes, please.", "Thank you."))
    ),
    TrialCallee(name="Declines", replies=tuple(TrialReply(says=text) for text in ("No.", "No, thank you.", "No."))),
    TrialCallee(name="Cuts in", replies=(TrialReply(says="Sorry, who is calling?"),) * 2, interrupts=True),
)
_ALWAYS = (
    TrialCallee(name="Says nothing"),
    TrialCallee(name="Talks about something else", replies=(TrialReply(says=_UNRELATED),) * 3),
    TrialCallee(name="Has a voicemail", voicemail=True),
)


@dataclass(frozen=True)
class _Way:
    """Answers that lead to a step, and what they left in variables."""

    step: str
    replies: tuple[TrialReply, ...] = ()
    said: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def _by_flow(flow: Flow) -> Iterator[TrialCallee]:
    """One callee for each ending, by the shortest way there; breadth first."""
    ways, reached, found = deque([_Way(flow.start)]), set[str](), 0
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    while ways and found < _MOST_PATHS:
        way = ways.popleft()
        step = flow.steps.get(way.step)
        here = (way.step, tuple(sorted(way.known.items())))
        if step is None or here in seen or len(way.replies) > _LONGEST_PATH:
            continue
        seen.add(here)
        if isinstance(step, EndStep):
            if way.step not in reached:
                reached.add(way.step)
                found += 1
                yield TrialCallee(
                    name=" → ".join(way.said)[:100] or "Listens",
                    replies=way.replies,
                    variables=dict(way.variables),
                    reaches=step.disposition,
                )
            continue
        ways.extend(_onward(way, step))


def _onward(way: _Way, step: Step) -> Iterator[_Way]:
    if isinstance(step, AskStep):
        yield from _answers(way, step)
    elif isinstance(step, BranchStep):
        yield from _branches(way, step)
    elif not isinstance(step, EndStep):
        yield replace(way, step=step.next)


def _branches(way: _Way, step: BranchStep) -> Iterator[_Way]:
    """By what was answered, else by a variable that the contact would bring along."""
    if step.on in way.known:
        yield replace(way, step=step.branches.get(way.known[step.on], step.next))
        return
    for value, target in step.branches.items():
        variables, known = {**way.variables, step.on: value}, {**way.known, step.on: value}
        yield replace(way, step=target, variables=variables, known=known, said=(*way.said, f"{step.on}: {value}"))
    yield replace(way, step=step.next)


def _answers(way: _Way, step: AskStep) -> Iterator[_Way]:
    for result, reply in _replies(step):
        target = step.branches.get(result, step.next)
        if target is None:
            continue
        known = {**way.known, step.save_as: result} if step.save_as else way.known
        said = (*way.said, reply.says.rstrip(".") if reply.says else f"presses {reply.press}")
        yield replace(way, step=target, replies=(*way.replies, reply), said=said, known=known)


def _replies(step: AskStep) -> Iterator[tuple[str, TrialReply]]:
    """Answers that the question takes, each with its result."""
    expect = step.expect
    match expect.type:
        case "yes_no":
            yield "yes", TrialReply(says="Yes.")
            yield "no", TrialReply(says="No.")
        case "choice":
            for result, phrases in expect.choices.items():
                yield result, TrialReply(says=f"{_sentence(max(phrases, key=len, default=result))}.")
        case "keypad" | "digits":
            keys = [key for key in step.branches if re.fullmatch(r"[0-9*#]{1,32}", key)]
            others = "1234567890123456789012345678901"[: expect.digits or 1]
            for key in [*keys, *([others] if step.next is not None and others not in keys else [])]:
                yield key, TrialReply(press=key)
        case "number":
            yield from _said_or(step, "3", "Three.")
        case "date":
            yield "", TrialReply(says="Next Monday.")
        case "name":
            yield "", TrialReply(says="My name is Peter Miller.")
        case "free":
            yield "", TrialReply(says="That is fine with me.")


def _said_or(step: AskStep, result: str, says: str) -> Iterator[tuple[str, TrialReply]]:
    for key in step.branches:
        yield key, TrialReply(says=f"{key}.")
    if step.next is not None:
        yield result, TrialReply(says=says)


def _sentence(phrase: str) -> str:
    """Of several wordings the longest is taken: one word alone is hard to make out, by people as well."""
    return phrase[:1].upper() + phrase[1:]
