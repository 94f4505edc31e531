"""Several providers of one kind for one call: the next one takes over when one fails, stalls or is slow.

Who is slow is raced: the next one starts while the first is still awaited, and whoever answers first is listened to.
A provider that failed waits at the end of the line for a while, in all calls of the process, so that one outage costs
each call its delay once, and not at every turn.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from voiceera.engine.streams import Item, Pump
from voiceera.errors import ProviderError

SWITCH_SECONDS = 1.2
"""How long a provider may be silent before the next one is asked, too."""
COOL_DOWN_SECONDS = 30.0
PERMANENT_COOL_DOWN_SECONDS = 300.0
"""For a refusal that will not pass by itself: credentials, an unknown model."""

P = TypeVar("P")
Failure = ProviderError | TimeoutError
OnFailed = Callable[[object, Exception], None]
"""Told of each provider that failed while another was left, and why."""


class Health:
    """Which providers of a process failed lately."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._down_until: dict[int, float] = {}

    def failed(self, provider: object, error: Exception) -> None:
        is_permanent = isinstance(error, ProviderError) and error.permanent
        seconds = PERMANENT_COOL_DOWN_SECONDS if is_permanent else COOL_DOWN_SECONDS
        now = self._clock()
        self._down_until = {key: until for key, until in self._down_until.items() if until > now}
        self._down_until[id(provider)] = now + seconds

    def order(self, providers: Sequence[P]) -> list[P]:
        """As they were given, those that are down last."""
        now = self._clock()
        return sorted(providers, key=lambda provider: self._down_until.get(id(provider), 0.0) > now)


class Succession(Generic[P]):
    """A call's providers of one kind, in the order in which they are asked."""

    def __init__(self, providers: Sequence[P], health: Health, on_failed: OnFailed) -> None:
        self._providers = tuple(providers)
        self._health = health
        self._on_failed = on_failed

    def order(self) -> list[P]:
        return self._health.order(self._providers)

    def is_first(self, provider: P) -> bool:
        return provider is self._providers[0]

    def failed(self, provider: P, error: Exception) -> None:
        self._health.failed(provider, error)
        self._on_failed(provider, error)

    async def stream(self, make: Callable[[P], AsyncIterator[Item]]) -> AsyncGenerator[Item, None]:
        """The items of whoever answers. `make` is called again when one breaks off: what it makes then goes on from
        what was yielded so far. Raises the last provider's ProviderError, and whatever is not a provider's doing."""
        left = self.order()
        while True:
            provider, pump, item = await self._race(left, make)
            try:
                while True:
                    yield item
                    async with asyncio.timeout(SWITCH_SECONDS if left else None):
                        item = await pump.next()
            except StopAsyncIteration:
                return
            except (ProviderError, TimeoutError) as error:
                self.failed(provider, error)
                if not left:
                    raise
            finally:
                await pump.close()

    async def _race(self, left: list[P], make: Callable[[P], AsyncIterator[Item]]) -> tuple[P, Pump[Item], Item]:
        """The first to answer, its stream and its first item; takes those that it asked out of `left`."""
        asked: list[tuple[P, Pump[Item], asyncio.Task[Item]]] = []
        error: Exception = ProviderError("voiceera", "no provider is left", permanent=True)
        winner: Pump[Item] | None = None
        try:
            while left or asked:
                if left:
                    provider = left.pop(0)
                    pump = Pump(make(provider))
                    asked.append((provider, pump, asyncio.get_running_loop().create_task(_first(pump))))
                tasks = [task for _, _, task in asked]
                await asyncio.wait(
                    tasks, timeout=SWITCH_SECONDS if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                for runner in [runner for runner in asked if runner[2].done()]:
                    provider, pump, task = runner
                    fault = task.exception()
                    if fault is None:
                        winner = pump
                        for slower, _, _ in asked:
                            if slower is not provider:
                                self.failed(slower, TimeoutError("it was slower than another"))
                        return provider, pump, task.result()
                    asked.remove(runner)
                    await pump.close()
                    if not isinstance(fault, ProviderError | TimeoutError):
                        raise fault
                    error = fault
                    self.failed(provider, fault)
            raise error
        finally:
            for _, pump, task in asked:
                if pump is not winner:
                    task.cancel()
                    await asyncio.wait([task])
                    with suppress(asyncio.CancelledError):
                        task.exception()
                    await pump.close()


async def _first(pump: Pump[Item]) -> Item:
    try:
        return await pump.next()
    except StopAsyncIteration:
        raise ProviderError("voiceera", "it answered nothing") from None
