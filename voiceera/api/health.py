"""Probes, each truthful when a part is down: liveness, readiness, health; and the version."""

import asyncio
import os
from pathlib import Path
from typing import Literal

from fastapi import Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import voiceera
from voiceera import clock
from voiceera.api.depends import Backend, Visiting
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Shown, Success

routes = router("Health & Status")

_PATIENCE_SECONDS = 3.0

State = Literal["up", "down"]


class Component(Shown):
    """`reason` says why it is down."""

    name: str
    status: State
    latency_ms: float | None = None
    reason: str | None = None


class Health(Shown):
    status: State
    components: list[Component]


class Alive(Shown):
    status: Literal["alive"] = "alive"


class Version(Shown):
    """`revision`: the commit it runs from, where that is known."""

    name: Literal["VoiceERA"] = "VoiceERA"
    version: str
    revision: str | None


@routes.get("/health", responses={503: {"model": Success[Health]}})
async def health(visit: Visiting, response: Response) -> Success[Health]:
    """How the platform is: its database and its storage."""
    return await _sum_up(visit.backend, response)


@routes.get("/readiness", responses={503: {"model": Success[Health]}})
async def readiness(visit: Visiting, response: Response) -> Success[Health]:
    """Whether this process can serve requests."""
    return await _sum_up(visit.backend, response)


@routes.get("/liveness")
async def liveness(visit: Visiting) -> Success[Alive]:
    """That this process lives, whatever else is down."""
    return success(Alive())


@routes.get("/version")
async def version(visit: Visiting) -> Success[Version]:
    """What runs here."""
    return success(Version(version=voiceera.__version__, revision=_revision()))


async def _sum_up(backend: Backend, response: Response) -> Success[Health]:
    components = await check(backend)
    status: State = "up" if all(component.status == "up" for component in components) else "down"
    if status == "down":
        response.status_code = 503
    return success(Health(status=status, components=components))


async def check(backend: Backend) -> list[Component]:
    return [await _database(backend), _storage(backend)]


async def _database(backend: Backend) -> Component:
    started = clock.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async with backend.database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        return Component(name="database", status="down", reason=type(error).__name__)
    return Component(name="database", status="up", latency_ms=_since(started))


def _storage(backend: Backend) -> Component:
    started = clock.monotonic()
    directory = backend.settings.recordings_dir
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    if not os.access(directory, os.W_OK):
        return Component(name="storage", status="down", reason="the recordings' directory cannot be written")
    return Component(name="storage", status="up", latency_ms=_since(started))


def _since(started: float) -> float:
    return round((clock.monotonic() - started) * 1000, 2)


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
