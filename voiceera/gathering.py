"""Gathers what comes in one by one, so that it is worked on in slices: one transaction for many."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Gatherer(Generic[Key, Item, Answer]):
    """Items of one key are worked on in the order in which they came, a slice at a time.

    A slice that fails is worked on again item by item, so that one that cannot be worked on fails alone.
    """

    def __init__(
        self,
        work: Callable[[Key, Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        pause_seconds: float,
        at_most: int,
    ) -> None:
        """`work` answers in the items' order. `pause_seconds`: how long the first of a slice waits for others."""
        self._work = work
        self._pause_seconds = pause_seconds
        self._at_most = at_most
        self._waiting: dict[Key, list[tuple[Item, asyncio.Future[Answer]]]] = {}
        self._working: dict[Key, asyncio.Task[None]] = {}

    async def put(self, key: Key, item: Item) -> Answer:
        """What `work` answers for the item, once its slice is done; raises what it raised."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((item, answer))
        if key not in self._working:
            self._working[key] = asyncio.create_task(self._drain(key))
        return await answer

    async def _drain(self, key: Key) -> None:
        try:
            while key in self._waiting:
                if len(self._waiting[key]) < self._at_most:
                    await asyncio.sleep(self._pause_seconds)
                waiting = self._waiting.pop(key)
                for start in range(0, len(waiting), self._at_most):
                    await self._do(key, waiting[start : start + self._at_most])
        finally:
            del self._working[key]

    async def _do(self, key: Key, part: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._work(key, [item for item, _ in part])
        except Exception as problem:
            if len(part) > 1:
                for each in part:
                    await self._do(key, [each])
            elif not part[0][1].done():
                part[0][1].set_exception(problem)
            return
        for (_, answer), found in zip(part, answers, strict=True):
            if not answer.done():
                answer.set_result(found)
