"""A clock that jumps from timer to timer: seconds of pacing are tested in microseconds."""

import asyncio
import heapq
from collections.abc import Callable
from typing import cast


class VirtualClock:
    """`now` is its time; `call_later` matches an event loop's; `run(seconds)` fires what falls due."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._count = 0

    def __call__(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        timer = _Timer(callback)
        self._count += 1
        heapq.heappush(self._timers, (self.time + delay, self._count, timer))
        return cast(asyncio.TimerHandle, timer)

    def run(self, seconds: float) -> None:
        end = self.time + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self.time = max(self.time, due)
            if not timer.is_cancelled:
                timer.callback()
        self.time = max(self.time, end)

    def stall(self, seconds: float) -> None:
        """The process is frozen: time goes by and no timer fires."""
        self.time += seconds

    @property
    def timers(self) -> int:
        return sum(not timer.is_cancelled for _, _, timer in self._timers)


class _Timer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True
