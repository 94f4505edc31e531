"""Replies begun before it is sure that they are wanted: the caller has paused, and may be done.

What counts is the request. When the turn is over and the same is asked, the reply is on its way already; else it is
dropped. Nothing of it is said, and no tool used, before that.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from voiceera.engine.streams import Pump
from voiceera.providers.protocols import Message, ModelPiece, ToolSpec


@dataclass(frozen=True)
class Request:
    """What a model is asked, beside the prompt that holds for the whole call."""

    history: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]


class EarlyReplies:
    """One call's; one reply at most is ahead of its time."""

    def __init__(self, ask: Callable[[Request], AsyncGenerator[ModelPiece, None]]) -> None:
        self._ask = ask
        self._request: Request | None = None
        self._pump: Pump[ModelPiece] | None = None
        self._dropped: list[Pump[ModelPiece]] = []

    @property
    def dropped(self) -> int:
        """How many were in vain."""
        return len(self._dropped)

    def begin(self, request: Request) -> None:
        if self._pump is not None and self._request == request:
            return
        self._drop()
        self._request, self._pump = request, Pump(self._ask(request))

    async def reply(self, request: Request) -> AsyncGenerator[ModelPiece, None]:
        """The early one, if it is to this and has not failed, else one that is asked for now."""
        if (pump := self._take(request)) is None:
            async with aclosing(self._ask(request)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        try:
            while True:
                yield await pump.next()
        except StopAsyncIteration:
            return
        finally:
            await pump.close()

    async def close(self) -> None:
        self._drop()
        await asyncio.gather(*(pump.close() for pump in self._dropped))

    def _take(self, request: Request) -> Pump[ModelPiece] | None:
        if self._pump is None or self._request != request or self._pump.has_failed:
            self._drop()
            return None
        pump, self._pump = self._pump, None
        return pump

    def _drop(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._dropped.append(self._pump)
            self._pump = None
