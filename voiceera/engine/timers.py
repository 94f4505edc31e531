"""The timers that a conversation waits for."""

import asyncio
from collections.abc import Callable

from voiceera.rules.turn_events import Timer


class Timers:
    """At most one of each name. Instants are `clock`'s."""

    def __init__(self, clock: Callable[[], float], on_fired: Callable[[Timer], None]) -> None:
        self._clock = clock
        self._on_fired = on_fired
        self._loop = asyncio.get_running_loop()
        self._handles: dict[Timer, asyncio.TimerHandle] = {}

    def set(self, timer: Timer, until: float) -> None:
        """Fire then, instead of when it was to fire before."""
        if (earlier := self._handles.get(timer)) is not None:
            earlier.cancel()
        delay = max(0.0, until - self._clock())
        self._handles[timer] = self._loop.call_later(delay, self._fire, timer, until)

    def close(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _fire(self, timer: Timer, until: float) -> None:
        if self._clock() < until - 0.001:  # loops keep coarser time than clocks
            self.set(timer, until)
        else:
            self._on_fired(timer)
