"""A brain outside: the user's own server says what the agent says, and which tools it uses."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from voiceera.engine.streams import in_time
from voiceera.engine.tools import CallTools
from voiceera.providers.protocols import ToolRequest
from voiceera.rules.calls import CallBrief, TurnRecord
from voiceera.rules.outside_brain import Line, turn_told
from voiceera.rules.sentences import SentenceCutter, sentences
from voiceera.rules.stock import stock_for
from voiceera.rules.templates import fill
from voiceera.rules.turn_events import CallerTurn, End, Language, Opening, OptedOut, Part, Private, Sentence, Silence

PATIENCE_SECONDS = 4.5
"""How long the server may take for its next piece."""


class Talk(Protocol):
    """One call's line to the server."""

    def turn(self, turn: Mapping[str, Any]) -> AsyncGenerator[Line, None]:
        """The reply, piece by piece. Raises ProviderError."""

    async def close(self) -> None: ...


class OutsideBrain:
    def __init__(self, brief: CallBrief, talk: Talk, tools: CallTools) -> None:
        self.results: dict[str, str] = {}
        self.usage: dict[str, int] = {}
        self._brief = brief
        self._talk = talk
        self._tools = tools
        self._greeting = fill(brief.agent.greeting_message, brief.variables)
        self._stock = stock_for(brief.agent.language)
        self._number = 0

    async def reply(
        self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]
    ) -> AsyncGenerator[Part, None]:
        if isinstance(about, Opening) and self._greeting:
            for sentence in sentences(self._greeting):
                yield Sentence(sentence)
            return
        self._number += 1
        self.usage["outside_turns"] = self._number
        cutter, ending = SentenceCutter(), list[Part]()
        told = turn_told(self._brief, self._number, about, turns)
        async with aclosing(in_time(self._talk.turn(told), PATIENCE_SECONDS)) as lines:
            async for line in lines:
                if line.private is not None:
                    yield Private(line.private)
                if line.language is not None:
                    yield Language(line.language)
                for sentence in cutter.feed(line.say):
                    yield Sentence(sentence)
                if line.tool is not None:
                    for sentence in cutter.flush():
                        yield Sentence(sentence)
                    for part in await self._use(line):
                        yield part
                ending += self._endings(line)
        for sentence in cutter.flush():
            yield Sentence(sentence)
        is_last = isinstance(about, Silence) and about.last
        for part in ending or ([End("no_response")] if is_last else []):
            yield part

    def think_ahead(self, about: CallerTurn, turns: Sequence[TurnRecord]) -> None:
        """The user's server hears of turns that are over: it may act on them."""

    async def close(self) -> None:
        await self._talk.close()

    async def _use(self, line: Line) -> list[Part]:
        request = ToolRequest(f"turn_{self._number}", line.tool or "", json.dumps(line.arguments))
        answer = await self._tools.use(request)
        return [*(Sentence(sentence) for sentence in sentences(answer.say)), *answer.parts]

    def _endings(self, line: Line) -> list[Part]:
        parts: list[Part] = [OptedOut()] if line.opt_out else []
        return parts if line.end is None else [*parts, End(line.end or None)]
