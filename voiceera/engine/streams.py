"""Streams of outside parties, held to their time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

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
