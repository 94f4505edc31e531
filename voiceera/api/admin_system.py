"""The platform as its operator sees it: how much there is, what answers, and whether it is closed for maintenance."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from voiceera.api.depends import Administering, Backend
from voiceera.api.envelope import success
from voiceera.api.health import State
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Instant, Shown, Success
from voiceera.errors import FieldProblem, Invalid
from voiceera.services.live import wake
from voiceera.services.maintenance import tell
from voiceera.services.parts import Part
from voiceera.store import maintenance, media_nodes, system_stats
from voiceera.store.base import widen
from voiceera.store.maintenance import Maintenance

routes = router("Admin")


class PartShown(Shown):
    """`latency_ms`: how long the part took to answer; of a process, how long ago it was last heard of."""

    kind: str = Field(examples=["worker"])
    name: str
    status: State
    latency_ms: float | None
    reason: str | None
    facts: dict[str, Any]


class SystemHealth(Shown):
    """`degraded`: something that there are several of is down, and the platform works on."""

    status: Literal["up", "degraded", "down"]
    components: list[PartShown]


class Storage(Shown):
    recordings: int
    recordings_bytes: int
    database_bytes: int
    disk_free_bytes: int
    disk_total_bytes: int


class SystemStats(Shown):
    """`live_calls`: by the media processes' own count, a second old at most; `queues`: what waits or is under way."""

    organizations: int
    users: int
    active_users: int
    agents: int
    campaigns: int
    active_campaigns: int
    calls: int
    calls_are_estimated: bool
    live_calls: int
    media_capacity: int
    queues: dict[str, int] = Field(examples=[{"contacts_pending": 40, "calls_queued": 0, "calls_in_progress": 3}])
    storage: Storage


class MaintenanceShown(Shown):
    """`enabled` is what holds now: `until` ends it by itself."""

    enabled: bool
    message: str | None
    until: Instant | None
    set_by: UUID | None
    set_at: Instant | None


class MaintenanceChange(Body):
    """`message` is what everybody but administrators is told; `until` ends it by itself."""

    enabled: bool
    message: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)] | None = None
    until: AwareDatetime | None = None


@routes.get("/admin/system/stats")
async def get_system_stats(work: Administering) -> Success[SystemStats]:
    """How much of everything there is, over all organizations."""
    await widen(work.connection)
    stats = await system_stats.read(work.connection)
    nodes = [node for node in await media_nodes.seen(work.connection) if node.is_alive(work.now)]
    disk = work.backend.checks.disk().facts
    storage = {"disk_free_bytes": disk["free_bytes"], "disk_total_bytes": disk["total_bytes"], **vars(stats)}
    live = {"live_calls": sum(node.talking for node in nodes), "media_capacity": sum(node.capacity for node in nodes)}
    return success(SystemStats.model_validate({**vars(stats), **live, "storage": Storage.model_validate(storage)}))


@routes.get("/admin/system/health")
async def get_system_health(work: Administering) -> Success[SystemHealth]:
    """Every part and every process, asked now: whether it answers, how fast, and if not, why."""
    parts = await work.backend.checks.every()
    return success(SystemHealth(status=_summed(parts), components=[_part_shown(part) for part in parts]))


@routes.get("/admin/system/maintenance")
async def get_maintenance(work: Administering) -> Success[MaintenanceShown]:
    """Whether the platform is in maintenance."""
    await widen(work.connection)
    return success(_shown(await maintenance.get(work.connection), work.now))


@routes.post("/admin/system/maintenance")
async def set_maintenance(work: Administering, body: MaintenanceChange) -> Success[MaintenanceShown]:
    """Close the platform, or open it again. While it is closed everybody but administrators is answered 503 and no
    new call is placed; signing in, carriers and live calls go on."""
    if body.until is not None and body.until <= work.now:
        raise Invalid("The request does not fit.", FieldProblem("until", "lies in the past"))
    state = Maintenance(enabled=False, set_by=work.caller.user.id, set_at=work.now)
    if body.enabled:
        state = Maintenance(True, body.message, body.until, work.caller.user.id, work.now)
    await work.note(f"maintenance.{'on' if body.enabled else 'off'}", "user", work.caller.user.id)
    await widen(work.connection)
    await maintenance.put(work.connection, state)
    work.after_commit(lambda: _tell_all(work.backend))
    return success(_shown(state, work.now))


async def _tell_all(backend: Backend) -> None:
    await backend.maintenance.look()
    await tell(backend.bus)
    await wake(backend.bus)


def _shown(state: Maintenance, now: datetime) -> MaintenanceShown:
    return MaintenanceShown(**{**vars(state), "enabled": state.is_on(now)})


def _summed(parts: list[Part]) -> Literal["up", "degraded", "down"]:
    if all(part.is_up for part in parts):
        return "up"
    return "degraded" if all(part.is_up for part in parts if part.is_needed) else "down"


def _part_shown(part: Part) -> PartShown:
    return PartShown(
        kind=part.kind,
        name=part.name,
        status="up" if part.is_up else "down",
        latency_ms=part.latency_ms,
        reason=part.reason,
        facts=part.facts,
    )
