"""What goes wrong on the network, on purpose: shares between 0 and 1, drawn from a seeded generator."""

import random
from enum import StrEnum
from typing import TypeVar

import msgspec

_Kind = TypeVar("_Kind", bound=StrEnum)


class DialFault(StrEnum):
    FAIL_BEFORE = "fail_before"
    """500, and nothing rings."""
    FAIL_AFTER = "fail_after"
    """502, but the call was placed."""
    HANG_BEFORE = "hang_before"
    """No answer for `hang_seconds`, and nothing rings."""
    HANG_AFTER = "hang_after"
    """Placed, but no answer for `hang_seconds`."""
    RESET_BEFORE = "reset_before"
    """The connection is reset, and nothing rings."""
    RESET_AFTER = "reset_after"
    """Placed, and the connection is reset."""

    @property
    def places(self) -> bool:
        return self in (DialFault.FAIL_AFTER, DialFault.HANG_AFTER, DialFault.RESET_AFTER)


class CallbackFault(StrEnum):
    LOST = "callback_lost"
    LATE = "callback_late"
    DOUBLED = "callback_doubled"
    REORDERED = "callback_reordered"
    """Held back until the call's next callback has been sent."""


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All shares are of the dials (or callbacks, or media sockets) they concern; at most one kind hits each."""

    seed: int = 0
    fail_before: float = 0.0
    fail_after: float = 0.0
    hang_before: float = 0.0
    hang_after: float = 0.0
    reset_before: float = 0.0
    reset_after: float = 0.0
    hang_seconds: float = 30.0
    silent_after: bool = False
    """A call that was placed under a fault calls nobody back either: only a look-up finds it."""

    callback_lost: float = 0.0
    callback_late: float = 0.0
    callback_doubled: float = 0.0
    callback_reordered: float = 0.0
    late_seconds: float = 5.0

    socket_dropped: float = 0.0
    """Media sockets that break in the middle, between one and six seconds after they opened."""
    reporting_lag_seconds: float = 0.0
    """How long a call takes to show in the vendor's lists, and in them its latest state."""


class FaultDraw:
    """Draws faults by the present settings; `settings` may be replaced at any time."""

    def __init__(self, settings: Faults) -> None:
        self.settings = settings
        self._random = random.Random(settings.seed)

    def change(self, settings: Faults) -> None:
        self.settings = settings
        self._random = random.Random(settings.seed)

    def dial(self) -> DialFault | None:
        return self._draw(DialFault)

    def callback(self) -> CallbackFault | None:
        return self._draw(CallbackFault)

    def socket_drop_after(self) -> float | None:
        """Seconds until a media socket that just opened breaks; None: it holds."""
        if self._random.random() >= self.settings.socket_dropped:
            return None
        return self._random.uniform(1, 6)

    def _draw(self, kinds: type[_Kind]) -> _Kind | None:
        point = self._random.random()
        for kind in kinds:
            point -= getattr(self.settings, kind.value)
            if point < 0:
                return kind
        return None
