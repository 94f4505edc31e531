"""What this process counts, and whether its loops still go round: told to the others with its heartbeat."""

from collections import Counter

from voiceera.clock import monotonic

_counts: Counter[str] = Counter()
_due: dict[str, float] = {}


def count(name: str, by: int = 1) -> None:
    """`name` in snake_case: "dials_accepted"."""
    _counts[name] += by


def counts() -> dict[str, int]:
    return dict(_counts)


def went_round(loop: str, again_within_seconds: float) -> None:
    """A loop has done a round and will do another in time."""
    _due[loop] = monotonic() + again_within_seconds


def ended(loop: str) -> None:
    """A loop has ended as it should."""
    _due.pop(loop, None)


def problem() -> str | None:
    """Which loop is stuck, if one is."""
    now = monotonic()
    late = [f"the {loop} has been stuck for {now - due:.0f} s" for loop, due in _due.items() if now > due]
    return "; ".join(late) or None
