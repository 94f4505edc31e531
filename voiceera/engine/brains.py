"""Who decides what the agent says: a scripted flow, or a language model. One Protocol for all."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import date
from typing import Protocol

from voiceera.engine.model_brain import ModelBrain
from voiceera.engine.outside_brain import OutsideBrain, Talk
from voiceera.engine.tools import CallTools
from voiceera.errors import ProviderError
from voiceera.providers.protocols import LanguageModel, ToolRequest
from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import CallBrief, TurnRecord
from voiceera.rules.flow_run import FlowMove, FlowRun, Prompt
from voiceera.rules.sentences import sentences
from voiceera.rules.templates import fill
from voiceera.rules.turn_events import (
    CallerTurn,
    End,
    Expecting,
    Language,
    Opening,
    OptedOut,
    Part,
    Private,
    Sentence,
    Silence,
    Understood,
)


class Brain(Protocol):
    """One call's. Parts come as they are ready; the stream's end is the reply's."""

    @property
    def results(self) -> Mapping[str, str]:
        """What the conversation has found out so far."""

    @property
    def usage(self) -> Mapping[str, int]:
        """What vendors counted."""

    def reply(self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]) -> AsyncGenerator[Part, None]:
        """`turns`: what was really said and heard so far, without `about`. Raises ProviderError."""

    def think_ahead(self, about: CallerTurn, turns: Sequence[TurnRecord]) -> None:
        """`reply` may be asked for next, with just this."""

    async def close(self) -> None:
        """The call is over."""


def brain_for(
    brief: CallBrief, model: LanguageModel | None, tools: CallTools, today: date, talk: Talk | None = None
) -> Brain:
    """The brain that the agent asks for. Raises ProviderError when it cannot be had."""
    agent = brief.agent
    if agent.resolved_brain == "external" and talk is not None:
        return OutsideBrain(brief, talk, tools)
    if agent.resolved_brain == "flow" and agent.flow is not None:
        return FlowBrain(agent, brief.variables, tools, today)
    if agent.resolved_brain == "llm" and model is not None:
        return ModelBrain(agent, brief.variables, model, tools)
    raise ProviderError("voiceera", f"the agent has no {agent.resolved_brain} to think with", permanent=True)


class FlowBrain:
    """A scripted conversation."""

    def __init__(self, agent: AgentConfig, variables: Mapping[str, str], tools: CallTools, today: date) -> None:
        assert agent.flow is not None
        self._tools = tools
        limit = agent.conversation.max_reprompts
        self._run = FlowRun(agent.flow, variables, agent.language, today, max_reprompts=limit)
        self._greeting = fill(agent.greeting_message, variables)
        self._last_move = FlowMove()
        self._is_private = False
        self._language = agent.language

    @property
    def results(self) -> Mapping[str, str]:
        return self._run.results

    @property
    def usage(self) -> Mapping[str, int]:
        return {}

    async def reply(
        self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]
    ) -> AsyncGenerator[Part, None]:
        move = self._move(about)
        if move.answered is not None:
            yield Understood(move.answered.step, move.answered.result)
        self._tools.hide(self._run.secrets)
        if isinstance(about, Opening):
            for text in sentences(self._greeting):
                yield Sentence(text)
        while True:
            if self._run.is_private != self._is_private:
                self._is_private = self._run.is_private
                yield Private(self._is_private)
            yield Expecting(self._run.expectation)
            for part in self._said(move):
                yield part
            if move.tool is None:
                break
            request = ToolRequest(move.tool.step, move.tool.tool, json.dumps(dict(move.tool.arguments)))
            answer = await self._tools.use(request, by_flow=True)
            for part in answer.parts:
                yield part
            if any(isinstance(part, End) for part in answer.parts):
                break
            move = self._run.tool_done(answer.text if answer.worked else None)

    def think_ahead(self, about: CallerTurn, turns: Sequence[TurnRecord]) -> None:
        """It takes no time to think."""

    async def close(self) -> None:
        """Nothing is open."""

    def _said(self, move: FlowMove) -> list[Part]:
        parts: list[Part] = []
        for prompt in move.say:
            parts += [*self._in(prompt.language), *_sentences(prompt)]
        parts += self._in(self._run.language)
        if move.opted_out:
            parts.append(OptedOut())
        if move.ended is not None:
            parts.append(End(move.ended))
        return parts

    def _in(self, language: str) -> list[Part]:
        if language in ("", self._language):
            return []
        self._language = language
        return [Language(language)]

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


def _sentences(prompt: Prompt) -> list[Part]:
    """A recording is one, whatever it says."""
    if prompt.recording is not None:
        return [Sentence(prompt.text or f"[{prompt.recording}]", prompt.interruptible, prompt.recording)]
    return [Sentence(text, prompt.interruptible) for text in sentences(prompt.text)]
