"""A flow under way: what the agent says next, and what each answer was taken for. Pure and deterministic.

    run = FlowRun(flow, {"name": "Maria"}, "en-US", today)
    move = run.open()                 say the greeting, ask the first question
    move = run.hear("yes that's fine")    …until `move.ended` names the disposition

A move with a `tool` waits for `tool_done` before anything is heard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from voiceera.rules.answers import interpret, interpret_keys
from voiceera.rules.dates import spoken_date
from voiceera.rules.expectation import Expectation
from voiceera.rules.flows import AskStep, BranchStep, EndStep, Flow, LanguageStep, SayStep, ToolStep, in_language
from voiceera.rules.intents import intent_of
from voiceera.rules.numbers import spoken_digits
from voiceera.rules.stock import Stock, stock_for
from voiceera.rules.templates import fill
from voiceera.rules.wordings import Meaning
from voiceera.rules.words import words_of

MISUNDERSTANDINGS = 2
"""So many answers to one question that were not understood lead to `on_unknown`."""
_LONGEST_CHAIN = 100
"""Steps without a question in a row; a flow with more goes in circles."""


class Ending(StrEnum):
    """Dispositions that no flow names: how a conversation ends where the flow has no step for it."""

    OPTED_OUT = "opted_out"
    WRONG_NUMBER = "wrong_number"
    NOT_UNDERSTOOD = "not_understood"
    NO_RESPONSE = "no_response"
    FLOW_ERROR = "flow_error"


@dataclass(frozen=True)
class Prompt:
    """Something to say. `recording`: key of the operator's own recording of it in this call's language."""

    text: str
    step: str
    interruptible: bool = True
    recording: str | None = None
    private: bool = False
    language: str = ""
    """What it is said in."""


@dataclass(frozen=True)
class ToolCall:
    step: str
    tool: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What an answer to `step` was taken for: the step's result, a global intent's name, or None (not understood)."""

    step: str
    result: str | None


@dataclass(frozen=True)
class FlowMove:
    """What follows. `ended`: the disposition, to be acted on when all has been said."""

    say: tuple[Prompt, ...] = ()
    ended: str | None = None
    opted_out: bool = False
    tool: ToolCall | None = None
    answered: Answer | None = None
    understood: bool = True


class FlowRun:
    def __init__(
        self,
        flow: Flow,
        variables: Mapping[str, str],
        language: str,
        today: date,
        *,
        max_reprompts: int = 2,
    ) -> None:
        self._flow = flow
        self._variables = variables
        self.language = language
        """What is spoken now."""
        self._today = today
        self._max_reprompts = max_reprompts
        self._step = flow.start
        self._misunderstood = 0
        self._silences = 0
        self._spoken: dict[str, str] = {}
        self._last_said: tuple[Prompt, ...] = ()
        self._opened = False
        self.results: dict[str, str] = {}
        """What the steps saved, by `save_as`."""
        self.secrets: set[str] = set()
        """What was answered to private steps, as it is saved and as it is said aloud."""
        self.ended: str | None = None

    @property
    def step(self) -> str:
        """The step that the conversation stands at."""
        return self._step

    @property
    def expectation(self) -> Expectation | None:
        """What the present question waits for; None while no question is open."""
        step = self._flow.steps.get(self._step)
        if not self._opened or self.ended is not None or not isinstance(step, AskStep):
            return None
        return Expectation(self._step, step.expect, self._today)

    @property
    def is_private(self) -> bool:
        """Whether what is said or asked now is."""
        step = self._flow.steps.get(self._step)
        asks_privately = self.ended is None and isinstance(step, AskStep) and step.private
        return asks_privately or any(prompt.private for prompt in self._last_said)

    def open(self) -> FlowMove:
        """The first words of the call."""
        self._opened = True
        return self._arrive(self._flow.start)

    def hear(
        self, text: str, confidence: float | None = None, digits: str | None = None, silent: bool = False
    ) -> FlowMove:
        """The caller's answer: words (empty if they were rejected), keys, or silence that lasted."""
        expectation = self.expectation
        if expectation is None:
            return FlowMove(ended=self.ended)
        step = self._flow.steps[self._step]
        assert isinstance(step, AskStep)
        if silent:
            return self._silence(step)
        if digits:
            result = interpret_keys(step.expect, digits)
        else:
            meaning = intent_of(words_of(text))
            if meaning is not None and not (meaning is Meaning.WRONG_NUMBER and step.expect.type == "choice"
                                            and interpret(step.expect, text, self._today)):  # fmt: skip
                return self._intent(meaning)
            result = interpret(step.expect, text, self._today)
        return self._unknown(step) if result is None else self._answer(step, result)

    def tool_done(self, result: str | None) -> FlowMove:
        """The tool of the last move has answered (None: it failed, or answers nothing)."""
        step = self._flow.steps[self._step]
        assert isinstance(step, ToolStep)
        if step.save_as is not None and result is not None:
            self.results[step.save_as] = result
        return self._arrive(step.next)

    # ── the ways on from a question ──────────────────────────────────────────────────────────────────────────────

    def _answer(self, step: AskStep, result: str) -> FlowMove:
        answered = Answer(self._step, result)
        if step.save_as is not None:
            self.results[step.save_as] = result
            self._spoken[step.save_as] = self._aloud(step, result)
        if step.private:
            self.secrets |= {result, self._aloud(step, result)}
        target = step.branches.get(result) or step.next
        if target is None:
            return replace(self._end(Ending.FLOW_ERROR, self._stock.goodbye), answered=answered)
        return replace(self._arrive(target), answered=answered)

    def _intent(self, meaning: Meaning) -> FlowMove:
        answered = Answer(self._step, meaning.value)
        match meaning:
            case Meaning.OPT_OUT:
                move = replace(self._end(Ending.OPTED_OUT, self._stock.opted_out), opted_out=True)
            case Meaning.WRONG_NUMBER:
                move = self._end(Ending.WRONG_NUMBER, self._stock.wrong_number)
            case _:
                move = FlowMove(say=self._last_said)
        return replace(move, answered=answered)

    def _unknown(self, step: AskStep) -> FlowMove:
        answered = Answer(self._step, None)
        self._misunderstood += 1
        if self._misunderstood < MISUNDERSTANDINGS:
            move = FlowMove(say=self._again(step))
        elif step.on_unknown is not None:
            move = self._arrive(step.on_unknown)
        else:
            move = self._end(Ending.NOT_UNDERSTOOD, self._stock.goodbye)
        return replace(move, answered=answered, understood=False)

    def _silence(self, step: AskStep) -> FlowMove:
        self._silences += 1
        if self._silences <= self._max_reprompts:
            return FlowMove(say=(self._prompt(self._step, step),))
        if step.on_silence is not None:
            return self._arrive(step.on_silence)
        return self._end(Ending.NO_RESPONSE, self._stock.goodbye)

    # ── the ways between steps ───────────────────────────────────────────────────────────────────────────────────

    def _arrive(self, name: str) -> FlowMove:
        """Go on from this step to the next question, tool or end, collecting what is said on the way."""
        say: list[Prompt] = []
        self._misunderstood = self._silences = 0
        for _ in range(_LONGEST_CHAIN):
            if name not in self._flow.steps:
                break
            self._step = name
            step = self._flow.steps[name]
            if not isinstance(step, BranchStep | ToolStep | LanguageStep):
                say.append(self._prompt(name, step))
            match step:
                case SayStep():
                    name = step.next
                case LanguageStep():
                    self.language, name = step.language, step.next
                case BranchStep():
                    name = step.branches.get(self._values().get(step.on, ""), step.next)
                case ToolStep():
                    arguments = {key: fill(value, self._values()) for key, value in step.arguments.items()}
                    return self._said(say, tool=ToolCall(name, step.tool, arguments))
                case EndStep():
                    self.ended = step.disposition
                    return self._said(say, ended=step.disposition)
                case AskStep():
                    return self._said(say)
        return self._end(Ending.FLOW_ERROR, self._stock.goodbye)

    def _said(self, say: list[Prompt], ended: str | None = None, tool: ToolCall | None = None) -> FlowMove:
        prompts = tuple(prompt for prompt in say if prompt.text or prompt.recording)
        self._last_said = prompts
        return FlowMove(say=prompts, ended=ended, tool=tool)

    def _end(self, ending: Ending, words: str) -> FlowMove:
        self.ended = ending.value
        self._last_said = say = (self._own(words),) if words else ()
        return FlowMove(say=say, ended=self.ended)

    def _again(self, step: AskStep) -> tuple[Prompt, ...]:
        question = self._prompt(self._step, step)
        before = fill(step.reprompt, self._told()) if step.reprompt is not None else self._stock.not_understood
        return (self._own(before), question) if before else (question,)

    def _prompt(self, name: str, step: SayStep | AskStep | EndStep) -> Prompt:
        text = in_language(step.texts, self.language)
        return Prompt(
            fill(step.text if text is None else text, self._told()),
            name,
            step.interruptible,
            in_language(step.prompts, self.language),
            step.private,
            self.language,
        )

    def _own(self, words: str) -> Prompt:
        """What no step has words for."""
        return Prompt(words, self._step, language=self.language)

    @property
    def _stock(self) -> Stock:
        return stock_for(self.language)

    # ── what texts are filled with ───────────────────────────────────────────────────────────────────────────────

    def _values(self) -> dict[str, str]:
        return {**self._variables, **self.results}

    def _told(self) -> dict[str, str]:
        """The same, as it is said aloud: digits one by one, dates as days."""
        return {**self._values(), **self._spoken}

    def _aloud(self, step: AskStep, result: str) -> str:
        match step.expect.type:
            case "digits" | "keypad":
                return spoken_digits(result)
            case "date" if self.language.lower().startswith("en"):
                return spoken_date(date.fromisoformat(result))
            case _:
                return result
