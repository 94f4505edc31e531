"""The one place that asks what time it is. Rules never do: they take `now` as an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; for durations inside one process."""
    return time.monotonic()
