"""A language model without a model: it answers what it was told to, word by word."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Message, ModelPiece, ToolRequest, ToolSpec

Reply = str | ProviderError | Sequence[str | ToolRequest]


class ScriptedLanguageModel:
    """The reply to the n-th message of a user is the n-th of `replies`; past the last one, over again.

    A reply may be a sequence: texts and requests for tools, what follows a request coming when it has been answered.
    `delay`: seconds to the first word; `pause`: between words. A reply that is an exception is raised.
    """

    def __init__(self, replies: Sequence[Reply] = ("All right.",), *, delay: float = 0.0, pause: float = 0.0) -> None:
        self._replies = tuple(replies)
        self._delay = delay
        self._pause = pause
        self.asked: list[tuple[Message, ...]] = []
        """The last histories it was given."""

    async def reply(
        self,
        system_prompt: str,
        history: tuple[Message, ...],
        tools: tuple[ToolSpec, ...] = (),
        model: str | None = None,
        answer_schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ModelPiece, None]:
        self.asked = [*self.asked[-99:], history]
        turn = sum(message.role == "user" for message in history) - 1
        if self._delay:
            await asyncio.sleep(self._delay)
        reply = self._replies[turn % len(self._replies)]
        if isinstance(reply, ProviderError):
            raise reply
        if not isinstance(reply, str):
            for piece in _present_part(reply, history):
                yield piece
            return
        for number, word in enumerate(reply.split(" ")):
            if number and self._pause:
                await asyncio.sleep(self._pause)
            yield word if number == 0 else " " + word

    async def close(self) -> None:
        pass


def _present_part(reply: Sequence[str | ToolRequest], history: tuple[Message, ...]) -> list[str | ToolRequest]:
    """Up to the first request for a tool that has not been answered."""
    last_user = max(place for place, message in enumerate(history) if message.role == "user")
    answered = sum(message.role == "tool" for message in history[last_user:])
    part: list[str | ToolRequest] = []
    for piece in reply:
        if isinstance(piece, ToolRequest):
            if answered:
                answered -= 1
                part.clear()
                continue
            part.append(piece)
            break
        part.append(piece)
    return part
