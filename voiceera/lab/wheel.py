"""One clock for all lines: each is turned every 20 ms, on an absolute schedule, without a task of its own."""

import asyncio
from typing import Protocol

from voiceera.log import get_logger
from voiceera.rules.audio import FRAME_MS

log = get_logger("lab")

_SLOTS = 4
"""Lines are spread over so many moments within the 20 ms."""
_LATEST_SECONDS = 1.0
"""Further behind than this (the machine was asleep) the schedule starts anew."""


class Turned(Protocol):
    def turn(self, due: float) -> None:
        """20 ms of line, due at the loop's time `due`. Must not raise or block."""


class Wheel:
    """Runs while there are lines. `add` and `remove` from the event loop's thread."""

    def __init__(self) -> None:
        self._slots: list[dict[Turned, None]] = [{} for _ in range(_SLOTS)]
        self._running: asyncio.Task[None] | None = None

    def add(self, line: Turned) -> None:
        min(self._slots, key=len)[line] = None
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    def remove(self, line: Turned) -> None:
        for slot in self._slots:
            slot.pop(line, None)

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        step = FRAME_MS / 1000 / _SLOTS
        began, index = loop.time(), 0
        while any(self._slots):
            due = began + index * step
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            elif wait < -_LATEST_SECONDS:
                log.warning("wheel_fell_behind", seconds=round(-wait, 2))
                began, index = loop.time(), 0
                continue
            for line in list(self._slots[index % _SLOTS]):
                line.turn(due)
            index += 1
        self._running = None
