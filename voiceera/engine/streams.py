"""Streams of outside parties, held to their time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


async def in_time(stream: AsyncIterator[Item], seconds: float) -> AsyncGenerator[Item, None]:
    """The items of `stream`, each within `seconds` of the one before. Raises TimeoutError.

    The stream is closed, wherever this one stops.
    """
    try:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    item = await anext(stream)
            except StopAsyncIteration:
                return
            yield item
    finally:
        if (close := getattr(stream, "aclose", None)) is not None:
            await close()


class Pump(Generic[Item]):
    """Reads a stream in a task of its own: who races it may stop waiting without hurting it."""

    def __init__(self, stream: AsyncIterator[Item]) -> None:
        self.has_failed = False
        self._items: asyncio.Queue[Item | Exception] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(self._read(stream))

    async def _read(self, stream: AsyncIterator[Item]) -> None:
        try:
            async for item in stream:
                self._items.put_nowait(item)
            self._items.put_nowait(StopAsyncIteration())
        except Exception as error:  # raised where the items are read
            self.has_failed = True
            self._items.put_nowait(error)
        finally:
            if (close := getattr(stream, "aclose", None)) is not None:
                await close()

    async def next(self) -> Item:
        """Raises what the stream raised, StopAsyncIteration at its end."""
        item = await self._items.get()
        if isinstance(item, Exception):
            raise item
        return item

    def cancel(self) -> None:
        """No more of it is wanted; `close` waits for that."""
        self._task.cancel()

    async def close(self) -> None:
        self.cancel()
        await asyncio.wait([self._task])
