"""Who decides what the agent says: a scripted flow, or a language model. One Protocol for all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Protocol

from voiceera.errors import ProviderError
from voiceera.providers.protocols import LanguageModel, Message
from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import CallBrief, Speaker, TurnRecord
from voiceera.rules.flow_run import FlowMove, FlowRun
from voiceera.rules.sentences import SentenceCutter, sentences
from voiceera.rules.stock import stock_for
from voiceera.rules.templates import fill
from voiceera.rules.turn_events import (
    CallerTurn,
    End,
    Expecting,
    Opening,
    OptedOut,
    Part,
    Sentence,
    Silence,
    Understood,
)


class Brain(Protocol):
    """One call's. Parts come as they are ready; the stream's end is the reply's."""

    @property
    def results(self) -> Mapping[str, str]:
        """What the conversation has found out so far."""

    def reply(self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]) -> AsyncIterator[Part]:
        """`turns`: what was really said and heard so far, without `about`. Raises ProviderError."""


def brain_for(brief: CallBrief, model: LanguageModel | None, today: date) -> Brain:
    """The brain that the agent asks for. Raises ProviderError when it cannot be had."""
    agent = brief.agent
    if agent.resolved_brain == "flow" and agent.flow is not None:
        return FlowBrain(agent, brief.variables, today)
    if agent.resolved_brain == "llm" and model is not None:
        return ModelBrain(agent, brief.variables, model)
    raise ProviderError("voiceera", f"the agent has no {agent.resolved_brain} to think with", permanent=True)


class FlowBrain:
    """A scripted conversation."""

    def __init__(self, agent: AgentConfig, variables: Mapping[str, str], today: date) -> None:
        assert agent.flow is not None
        limit = agent.conversation.max_reprompts
        self._run = FlowRun(agent.flow, variables, agent.language, today, max_reprompts=limit)
        self._greeting = fill(agent.greeting_message, variables)
        self._last_move = FlowMove()

    @property
    def results(self) -> Mapping[str, str]:
        return self._run.results

    async def reply(self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]) -> AsyncIterator[Part]:
        move = self._move(about)
        if move.answered is not None:
            yield Understood(move.answered.step, move.answered.result)
        if isinstance(about, Opening):
            for text in sentences(self._greeting):
                yield Sentence(text)
        while True:
            yield Expecting(self._run.expectation)
            for part in _said(move):
                yield part
            if move.tool is None:
                break
            if move.tool.tool == "opt_out":
                yield OptedOut()
            move = self._run.tool_done(None)  # what a tool does otherwise is not known yet

    def _move(self, about: Opening | CallerTurn | Silence) -> FlowMove:
        match about:
            case Opening():
                move = self._run.open()
            case CallerTurn(unheard=True):
                return FlowMove(say=self._last_move.say, ended=self._last_move.ended)
            case CallerTurn(text=text, confidence=confidence, digits=digits):
                move = self._run.hear(text, confidence, digits or None)
            case Silence():
                move = self._run.hear("", silent=True)
        self._last_move = move
        return move


def _said(move: FlowMove) -> list[Part]:
    parts: list[Part] = [
        Sentence(text, prompt.interruptible) for prompt in move.say for text in sentences(prompt.text)
    ]
    if move.opted_out:
        parts.append(OptedOut())
    if move.ended is not None:
        parts.append(End(move.ended))
    return parts


class ModelBrain:
    """A language model: the system prompt, what was said so far, and a reply cut into sentences as it is written."""

    def __init__(self, agent: AgentConfig, variables: Mapping[str, str], model: LanguageModel) -> None:
        self.results: dict[str, str] = {}
        self._model = model
        self._prompt = fill(agent.system_prompt, variables)
        self._greeting = fill(agent.greeting_message, variables)
        self._stock = stock_for(agent.language)

    async def reply(self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]) -> AsyncIterator[Part]:
        match about:
            case Opening(text="") if self._greeting:
                for sentence in sentences(self._greeting):
                    yield Sentence(sentence)
                return
            case Silence(last=True):
                for sentence in sentences(self._stock.goodbye):
                    yield Sentence(sentence)
                yield End("no_response")
                return
            case Silence():
                asked = "(The caller says nothing. Ask briefly whether they are still there.)"
            case CallerTurn(rejected=True):
                asked = "(The caller said something that could not be understood. Ask them to say it again.)"
            case CallerTurn(text=text, digits=digits):
                asked = f"{text} (keys pressed: {digits})".strip() if digits else text
            case Opening(text=text):
                asked = text or "(The call has been answered. Greet the caller.)"
        cutter = SentenceCutter()
        async for piece in self._model.reply(self._prompt, _history(turns, asked)):
            for sentence in cutter.feed(piece):
                yield Sentence(sentence)
        for sentence in cutter.flush():
            yield Sentence(sentence)


def _history(turns: Sequence[TurnRecord], asked: str) -> tuple[Message, ...]:
    """Only what the caller really heard counts as said."""
    said = [
        Message("user" if turn.speaker is Speaker.CALLER else "assistant", turn.text) for turn in turns if turn.text
    ]
    return (*said, Message("user", asked))
