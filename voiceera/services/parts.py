"""The platform's parts as its checks found them, and what the processes' heartbeats say of those."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voiceera.store.media_nodes import MediaNode
from voiceera.store.processes import Process

LONGEST_JOB_AGE_SECONDS = 300.0


@dataclass(frozen=True)
class Part:
    """`kind`: database, storage, worker …; `name` says which one of them. `reason` says why it is down."""

    kind: str
    name: str
    reason: str | None = None
    latency_ms: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        return self.reason is None

    @property
    def is_needed(self) -> bool:
        """Without it the platform does not work; of the others there are several, or it works on for a while."""
        return self.name in ("database", "recordings", "workers", "media", "bus")


@dataclass(frozen=True)
class Crew:
    """Who says that it is there."""

    media: Sequence[MediaNode]
    processes: Sequence[Process]
    oldest_job_seconds: float
    latency_ms: float


def any_worker(crew: Crew | None, now: datetime) -> Part:
    if crew is None:
        return Part("worker", "workers", reason="the database, which they work on, does not answer")
    workers = [each for each in crew.processes if each.role == "worker"]
    alive = [each for each in workers if each.is_alive(now)]
    well = [each for each in alive if each.problem is None]
    facts = {"alive": len(alive)}
    if well:
        return Part("worker", "workers", latency_ms=crew.latency_ms, facts=facts)
    reason = alive[0].problem if alive else "no worker says that it is there"
    return Part("worker", "workers", reason=reason, facts=facts)


def any_media(crew: Crew | None, now: datetime) -> Part:
    if crew is None:
        return Part("media", "media", reason="the database, which they work on, does not answer")
    alive = [node for node in crew.media if node.is_alive(now)]
    facts = {"alive": len(alive), "live_calls": sum(node.talking for node in alive)}
    reason = None if alive else "no media process says that it is there"
    return Part("media", "media", reason=reason, latency_ms=crew.latency_ms if alive else None, facts=facts)


def each(crew: Crew | None, now: datetime) -> list[Part]:
    """Every process by itself, and the jobs that wait."""
    if crew is None:
        return []
    parts = [
        Part(
            "media", node.url, _silence(node.is_alive(now), node.seen_at, now), _age(node.seen_at, now), _calls(node)
        )
        for node in crew.media
    ]
    parts += [
        Part(
            process.role,
            process.name,
            _silence(process.is_alive(now), process.seen_at, now) or process.problem,
            _age(process.seen_at, now),
            {"started_at": process.started_at.isoformat(), "version": process.version},
        )
        for process in crew.processes
    ]
    waited = crew.oldest_job_seconds
    late = f"the oldest job has been due for {waited:.0f} s" if waited > LONGEST_JOB_AGE_SECONDS else None
    return [*parts, Part("jobs", "jobs", late, facts={"oldest_seconds": round(waited, 1)})]


def _calls(node: MediaNode) -> dict[str, Any]:
    return {"live_calls": node.talking, "capacity": node.capacity}


def _silence(is_alive: bool, seen_at: datetime, now: datetime) -> str | None:
    return None if is_alive else f"not seen for {(now - seen_at).total_seconds():.0f} s"


def _age(seen_at: datetime, now: datetime) -> float:
    """Milliseconds since its last heartbeat: what is known of a process that nobody can ask."""
    return round(max(0.0, (now - seen_at).total_seconds() * 1000), 2)
