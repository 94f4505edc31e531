"""How fast one dialer goes by itself, whatever the limits allow: no faster than it can hand calls over in time."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from voiceera.clock import monotonic
from voiceera.rules.pacing import Limit, Pace, with_starts

_SECONDS = 1.0
"""How often it is asked whether the pace can be kept."""


class Stride:
    """Of one dialer, over all its campaigns."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._starts: Mapping[int, int] = {}
        self._since = monotonic()
        self._sent = 0
        self._late = 0

    def note(self, *, is_late: bool) -> None:
        """A call was to be handed over."""
        self._sent += 1
        self._late += is_late

    def limit(self, room: int) -> Limit:
        """What may be taken on now, of `room` calls."""
        if (seconds := monotonic() - self._since) >= _SECONDS:
            self._pace = self._pace.after(seconds, self._sent, self._late)
            self._since, self._sent, self._late = monotonic(), 0, 0
        return Limit(room, 0, self._pace.per_second, self._starts)

    def book(self, starts: Sequence[datetime], now: datetime) -> None:
        """Calls were given these starts."""
        self._starts = with_starts(self.limit(0), starts, now)
