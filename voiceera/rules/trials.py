"""A trial: an agent talks with simulated people, one after the other, and what came of each is judged."""

from enum import StrEnum

from voiceera.rules.sent import Sent


class TrialStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    """Everybody was talked with; whether all is well, their outcomes say."""
    FAILED = "failed"
    """It could not be held."""
    CANCELED = "canceled"


OPEN = (TrialStatus.QUEUED, TrialStatus.RUNNING)


class TrialOutcome(Sent):
    """What came of one callee. `problems`: what was demanded and did not come; `failure`: why there was no
    conversation. Latencies from the callee's last sound to the agent's first, in ms."""

    callee: int
    """Its place in the trial's callees."""
    passed: bool
    problems: tuple[str, ...] = ()
    failure: str | None = None
    call_id: str | None = None
    disposition: str | None = None
    hangup_cause: str | None = None
    seconds: float | None = None
    turns: int = 0
    interruptions: int = 0
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
