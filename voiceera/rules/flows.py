"""Scripted conversations: what a flow is. (How one runs: `flow_run.py`.)"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints

from voiceera.errors import FieldProblem
from voiceera.rules.languages import short
from voiceera.rules.sent import Sent

T = TypeVar("T")
AnswerType = Literal["yes_no", "choice", "digits", "date", "number", "name", "keypad", "free"]


class Expect(Sent):
    """What a step waits for.

    `choices`: result → the phrases that mean it. `phrases`: further wordings to recognize (free, name).
    For yes_no the results are "yes" and "no"; for digits and keypad a string of digits of `digits` length (any if
    None); for date an ISO date; for number a decimal; for name and free the words.
    """

    type: AnswerType
    choices: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    phrases: tuple[str, ...] = ()
    digits: Annotated[int, Field(ge=1, le=32)] | None = None


LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class _Spoken(Sent):
    text: str = ""
    """`{{name | fallback}}` is filled from the contact's variables and from what earlier steps saved."""
    texts: dict[LanguageTag, str] = Field(default_factory=dict)
    """Language → the same in it, for calls that go on in another one."""
    prompts: dict[str, str] = Field(default_factory=dict)
    """Language → key of the operator's own recording of this text."""
    interruptible: bool = True
    private: bool = False
    """Nothing of this step is recorded, and what is answered is written down nowhere; tools are given it."""


class SayStep(_Spoken):
    kind: Literal["say"]
    next: str


class AskStep(_Spoken):
    kind: Literal["ask"]
    expect: Expect
    save_as: str | None = None
    next: str | None = None
    branches: dict[str, str] = Field(default_factory=dict)
    """Result → step; `next` takes the others."""
    on_silence: str | None = None
    """Step after the caller stayed silent through the reprompts; unset: a goodbye."""
    on_unknown: str | None = None
    """Step after two answers that were not understood; unset: a goodbye."""
    reprompt: str | None = None
    """What is said before asking again; unset: a stock phrase and the question."""


class BranchStep(Sent):
    """Goes on by what an earlier step saved under `on`; `next` where no branch fits."""

    kind: Literal["branch"]
    on: str
    branches: dict[str, str]
    next: str


class ToolStep(Sent):
    kind: Literal["tool"]
    tool: str
    arguments: dict[str, str] = Field(default_factory=dict)
    save_as: str | None = None
    next: str


class LanguageStep(Sent):
    """The call goes on in another language: what is heard, said and played from here."""

    kind: Literal["language"]
    language: LanguageTag
    next: str


class EndStep(_Spoken):
    kind: Literal["end"]
    disposition: str = "completed"


Step = Annotated[SayStep | AskStep | BranchStep | ToolStep | LanguageStep | EndStep, Field(discriminator="kind")]


class Flow(Sent):
    start: str
    steps: Annotated[dict[str, Step], Field(min_length=1)]


def in_language(texts: Mapping[str, T], language: str) -> T | None:
    """Of values by language the one for this: its own tag's, else its language's, like "hi" for "hi-IN"."""
    found = texts.get(language)
    return found if found is not None else texts.get(short(language))


def takes_keys(flow: Flow) -> bool:
    """Whether every question can be answered by keypad, so that nobody has to be understood."""
    return all(step.expect.type in ("keypad", "digits") for step in flow.steps.values() if isinstance(step, AskStep))


def targets(step: Step) -> Iterator[tuple[str, str]]:
    """(field, step name) of every way out of a step."""
    if isinstance(step, EndStep):
        return
    if step.next is not None:
        yield "next", step.next
    if isinstance(step, AskStep | BranchStep):
        for result, target in step.branches.items():
            yield f"branches.{result}", target
    if isinstance(step, AskStep):
        for name in ("on_silence", "on_unknown"):
            if (target := getattr(step, name)) is not None:
                yield name, target


def problems(flow: Flow) -> list[FieldProblem]:
    """What keeps a flow from running: ways that lead nowhere, questions without an answer's way out."""
    names = ", ".join(flow.steps)
    found = []
    if flow.start not in flow.steps:
        found.append(FieldProblem("flow.start", f"step {flow.start!r} does not exist; there are: {names}"))
    for name, step in flow.steps.items():
        for field, target in targets(step):
            if target not in flow.steps:
                message = f"step {target!r} does not exist; there are: {names}"
                found.append(FieldProblem(f"flow.steps.{name}.{field}", message))
        if isinstance(step, AskStep):
            found.extend(_question_problems(name, step))
    return found


def _question_problems(name: str, step: AskStep) -> Iterator[FieldProblem]:
    where = f"flow.steps.{name}"
    if step.expect.type == "choice" and not step.expect.choices:
        yield FieldProblem(f"{where}.expect.choices", "a choice needs at least one choice")
    results = {"yes_no": {"yes", "no"}, "choice": set(step.expect.choices)}.get(step.expect.type)
    if results is not None:
        for branch in step.branches.keys() - results:
            yield FieldProblem(
                f"{where}.branches.{branch}",
                f"can never happen; the answers are: {', '.join(sorted(results))}",
            )
    if step.next is None and (results is None or results - step.branches.keys()):
        yield FieldProblem(f"{where}.next", "is needed: an answer without a branch has no way on")
