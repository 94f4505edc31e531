"""A language model without a model: it answers what it was told to, word by word."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Message


class ScriptedLanguageModel:
    """The reply to the n-th message of a user is the n-th of `replies`; past the last one, over again.

    `delay`: seconds to the first word; `pause`: between words. A reply that is an exception is raised.
    """

    def __init__(
        self, replies: Sequence[str | ProviderError] = ("All right.",), *, delay: float = 0.0, pause: float = 0.0
    ) -> None:
        self._replies = tuple(replies)
        self._delay = delay
        self._pause = pause
        self.asked: list[tuple[Message, ...]] = []
        """The last histories it was given."""

    async def reply(self, system_prompt: str, history: tuple[Message, ...]) -> AsyncIterator[str]:
        self.asked = [*self.asked[-99:], history]
        turn = sum(message.role == "user" for message in history) - 1
        if self._delay:
            await asyncio.sleep(self._delay)
        reply = self._replies[turn % len(self._replies)]
        if isinstance(reply, ProviderError):
            raise reply
        for number, word in enumerate(reply.split(" ")):
            if number and self._pause:
                await asyncio.sleep(self._pause)
            yield word if number == 0 else " " + word

    async def close(self) -> None:
        pass
