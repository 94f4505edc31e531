"""A language model that talks: told who it is and what was said, it answers, a sentence at a time, and uses tools."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from voiceera.engine.early_replies import EarlyReplies, Request
from voiceera.engine.streams import in_time
from voiceera.engine.tools import CallTools
from voiceera.providers.protocols import LanguageModel, Message, ModelPiece, TokensUsed, ToolRequest
from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.rules.sentences import SentenceCutter, sentences
from voiceera.rules.stock import stock_for
from voiceera.rules.templates import fill
from voiceera.rules.tools import MOST_ROUNDS
from voiceera.rules.turn_events import CallerTurn, End, Opening, OptedOut, Part, Private, Sentence, Silence

PATIENCE_SECONDS = 4.5
"""How long a model may take for its next piece, before the call gives it up: an apology still fits into 8 s."""


class ModelBrain:
    """The system prompt, what was really said and heard so far, and a reply cut into sentences as it is written."""

    def __init__(
        self, agent: AgentConfig, variables: Mapping[str, str], model: LanguageModel, tools: CallTools
    ) -> None:
        self.results: dict[str, str] = {}
        self.usage: dict[str, int] = {}
        self._model = model
        self._model_name = agent.llm_model
        self._tools = tools
        self._prompt = fill(agent.system_prompt, variables)
        self._greeting = fill(agent.greeting_message, variables)
        self._stock = stock_for(agent.language)
        self._replies = EarlyReplies(self._ask)
        self._exchanges: list[tuple[int, tuple[Message, ...]]] = []
        """Tools used, each with the number of turns that came before."""

    async def reply(
        self, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]
    ) -> AsyncGenerator[Part, None]:
        match about:
            case Opening() if self._greeting:  # whatever the hello was, and however it was heard
                for sentence in sentences(self._greeting):
                    yield Sentence(sentence)
                return
            case Silence(last=True):
                for sentence in sentences(self._stock.goodbye):
                    yield Sentence(sentence)
                yield End("no_response")
                return
        if isinstance(about, CallerTurn) and (told := self._tools.private_turn(about)) is not None:
            about = told
            yield Private(False)
        history = [*self._history(turns), Message("user", _asked(about))]
        for round_ in range(MOST_ROUNDS + 1):
            specs = self._tools.specs if round_ < MOST_ROUNDS else ()
            said, requests = "", list[ToolRequest]()
            cutter = SentenceCutter()
            reply = self._replies.reply(Request(tuple(history), specs))
            async with aclosing(in_time(reply, PATIENCE_SECONDS)) as pieces:
                async for piece in pieces:
                    match piece:
                        case ToolRequest():
                            requests.append(piece)
                        case TokensUsed():
                            self._count(piece)
                        case str():
                            said += piece
                            for sentence in cutter.feed(piece):
                                yield Sentence(sentence)
            for sentence in cutter.flush():
                yield Sentence(sentence)
            if not requests or not specs:
                return
            exchange = [Message("assistant", said, requests=tuple(requests))]
            is_over = False
            for request in requests:
                if request.name == "transfer_call" and not said:
                    for sentence in sentences(_say_of(request)):
                        yield Sentence(sentence)
                answer = await self._tools.use(request)
                exchange.append(Message("tool", self._tools.hidden(answer.text), answers=request.id))
                for sentence in [] if said else sentences(answer.say):
                    yield Sentence(sentence)
                for part in answer.parts:
                    if isinstance(part, OptedOut) and not said and not answer.say:
                        yield Sentence(self._stock.opted_out)
                    yield part
                is_over = is_over or bool(answer.parts)
            # What was said with it stands in the turn, as far as it was heard.
            kept = (replace(exchange[0], content=""), *exchange[1:])
            self._exchanges.append((len(turns) + 1, kept))
            if is_over:
                return
            history += exchange

    def think_ahead(self, about: CallerTurn, turns: Sequence[TurnRecord]) -> None:
        history = (*self._history(turns), Message("user", _asked(about)))
        self._replies.begin(Request(history, self._tools.specs))

    async def close(self) -> None:
        """The model belongs to the process."""
        await self._replies.close()
        if self._replies.dropped:
            self.usage["early_replies_dropped"] = self._replies.dropped

    def _ask(self, request: Request) -> AsyncGenerator[ModelPiece, None]:
        return self._model.reply(self._prompt, request.history, request.tools, self._model_name)

    def _history(self, turns: Sequence[TurnRecord]) -> list[Message]:
        """Only what the caller really heard counts as said; tools stand where they were used."""
        messages: list[Message] = []
        exchanges = list(self._exchanges)
        for place, turn in enumerate(turns):
            while exchanges and exchanges[0][0] <= place:
                messages += exchanges.pop(0)[1]
            if turn.text:
                messages.append(Message("user" if turn.speaker is Speaker.CALLER else "assistant", turn.text))
        for _, exchange in exchanges:
            messages += exchange
        return messages

    def _count(self, used: TokensUsed) -> None:
        for name, amount in (
            ("prompt_tokens", used.prompt),
            ("completion_tokens", used.completion),
            ("model_replies", 1),
        ):
            self.usage[name] = self.usage.get(name, 0) + amount


def _say_of(request: ToolRequest) -> str:
    """What a model wants said before somebody else takes over."""
    try:
        given = json.loads(request.arguments)
    except (ValueError, RecursionError):
        return ""
    say = given.get("say") if isinstance(given, dict) else None
    return say if isinstance(say, str) else ""


def _asked(about: Opening | CallerTurn | Silence) -> str:
    match about:
        case Silence():
            return "(The caller says nothing. Ask briefly whether they are still there.)"
        case CallerTurn(rejected=True):
            return "(The caller said something that could not be understood. Ask them to say it again.)"
        case CallerTurn(text=text, digits=digits):
            return f"{text} (keys pressed: {digits})".strip() if digits else text
        case Opening(text=text):
            return text or "(The call has been answered. Greet the caller.)"
