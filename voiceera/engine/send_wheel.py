"""One clock that paces the sound of all speaking calls of a process: a turn of 20 ms in four slots of 5 ms.

Slots are counted on an absolute clock, so nothing drifts; the wheel sleeps while nobody speaks. A wheel that wakes
late visits each sender once, with the true slot number; a sender catches up by at most one more frame a visit.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from voiceera.clock import monotonic
from voiceera.rules.audio import FRAME_MS

SLOT_SECONDS = 0.005
SLOTS = FRAME_MS // 5
"""Slots in one turn of the wheel."""
_EARLY = 0.0005
"""Event loops round timers to a millisecond; half of one early is on time."""

CallLater = Callable[[float, Callable[[], None]], asyncio.TimerHandle]


class Sender(Protocol):
    def on_slot(self, slot: int) -> None:
        """It is this sender's time: `slot` has grown by `SLOTS` since its last visit, or by a multiple if late."""


class SendWheel:
    """Belongs to one event loop. `call_later` and `clock` are the loop's own and the monotonic one by default."""

    def __init__(self, clock: Callable[[], float] = monotonic, call_later: CallLater | None = None) -> None:
        self._clock = clock
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self._epoch = clock()
        self._seats: tuple[dict[Sender, None], ...] = tuple({} for _ in range(SLOTS))
        self._seat_of: dict[Sender, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    @property
    def senders(self) -> int:
        return len(self._seat_of)

    def join(self, sender: Sender) -> int:
        """Visit `sender` every 20 ms, first in 20 ms; returns the present slot's number."""
        now = int((self._clock() - self._epoch) / SLOT_SECONDS)
        self.leave(sender)
        self._seat_of[sender] = now % SLOTS
        self._seats[now % SLOTS][sender] = None
        if self._timer is None:
            self._next = now + SLOTS
            self._sleep()
        return now

    def leave(self, sender: Sender) -> None:
        """Stop visiting; harmless when it is not there."""
        seat = self._seat_of.pop(sender, None)
        if seat is not None:
            del self._seats[seat][sender]

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sleep(self) -> None:
        due = self._epoch + self._next * SLOT_SECONDS
        self._timer = self._call_later(max(0.0, due - self._clock()), self._turn)

    def _turn(self) -> None:
        now = int((self._clock() - self._epoch + _EARLY) / SLOT_SECONDS)
        # However late: each seat once, with the latest slot number that is its own.
        for slot in range(max(self._next, now - SLOTS + 1), now + 1):
            for sender in tuple(self._seats[slot % SLOTS]):
                if sender in self._seat_of:
                    sender.on_slot(slot)
        self._next = max(self._next, now + 1)
        self._timer = None
        if self._seat_of:
            while not self._seats[self._next % SLOTS]:
                self._next += 1
            self._sleep()
