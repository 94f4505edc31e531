"""Probes, each truthful when a part is down: liveness, readiness, health; and the version."""

from functools import cache
from pathlib import Path
from typing import Literal

from fastapi import Response

import voiceera
from voiceera.api.depends import VisitingAlways
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Shown, Success
from voiceera.services.parts import Part

routes = router("Health & Status")

State = Literal["up", "down"]


class Component(Shown):
    """`reason` says why it is down."""

    name: str
    status: State
    latency_ms: float | None = None
    reason: str | None = None


class Health(Shown):
    """`reason`: what is down, and why."""

    status: State
    reason: str | None = None
    components: list[Component]


class Alive(Shown):
    status: Literal["alive"] = "alive"


class Version(Shown):
    """`revision`: the commit it runs from, where that is known."""

    name: Literal["VoiceERA"] = "VoiceERA"
    version: str
    revision: str | None


@routes.get("/health", responses={503: {"model": Success[Health]}})
async def health(visit: VisitingAlways, response: Response) -> Success[Health]:
    """How the platform is: its database, its storage, its workers and its media processes."""
    return _sum_up([_shown(part) for part in await visit.backend.checks.needed()], response)


@routes.get("/readiness", responses={503: {"model": Success[Health]}})
async def readiness(visit: VisitingAlways, response: Response) -> Success[Health]:
    """Whether requests may be sent here: 503 while this process drains, or the database, the storage or the workers
    do not answer."""
    parts = [_shown(part) for part in await visit.backend.checks.needed() if part.kind != "media"]
    is_draining = visit.backend.draining.is_set()
    own = Component(
        name="process", status="down" if is_draining else "up", reason="draining" if is_draining else None
    )
    return _sum_up([own, *parts], response)


@routes.get("/liveness")
async def liveness(visit: VisitingAlways) -> Success[Alive]:
    """That this process lives, whatever else is down."""
    return success(Alive())


@routes.get("/version")
async def version(visit: VisitingAlways) -> Success[Version]:
    """What runs here."""
    return success(Version(version=voiceera.__version__, revision=_revision()))


def _shown(part: Part) -> Component:
    return Component(
        name=part.kind, status="up" if part.is_up else "down", latency_ms=part.latency_ms, reason=part.reason
    )


def _sum_up(components: list[Component], response: Response) -> Success[Health]:
    down = [component for component in components if component.status == "down"]
    if down:
        response.status_code = 503
    reason = "; ".join(f"{component.name}: {component.reason}" for component in down) or None
    return success(Health(status="down" if down else "up", reason=reason, components=components))


@cache
def _revision() -> str | None:
    """The checked-out commit, when the package runs from a repository."""
    git = Path(voiceera.__file__).parent.parent / ".git"
    try:
        if git.is_file():
            git = Path(git.read_text().removeprefix("gitdir:").strip())
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        common = git.parent.parent if git.parent.name == "worktrees" else git
        return (common / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return None
