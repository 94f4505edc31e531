"""What the probes say when a part is really stopped: real processes over a PostgreSQL of their own."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import voiceera
from tests.api.conftest import Person, body
from tests.operations.platform import Platform, eventually, fine, platform, reason


def down(parts: list[dict[str, Any]]) -> dict[str, str]:
    """The kinds that are down, and why."""
    return {part["kind"]: part["reason"] for part in parts if part["status"] == "down"}


async def parts(operator: Person) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = (await operator.get("/admin/system/health"))["components"]
    return components


@pytest.mark.consequence("GET /readiness")
@pytest.mark.consequence("GET /health")
@pytest.mark.consequence("GET /liveness")
@pytest.mark.consequence("GET /admin/system/health")
async def test_whatever_is_stopped_is_named_and_what_still_works_says_so(open_directory: Path) -> None:
    async with platform(open_directory, "worker", "media", api_drain_seconds="60") as running:
        health, readiness = partial(running.probe, "/health"), partial(running.probe, "/readiness")
        operator = await running.operator()
        assert fine(await health()) and fine(await readiness())
        found = await operator.get("/admin/system/health")
        assert (found["status"], down(found["components"])) == ("up", {})
        kinds = [part["kind"] for part in found["components"]]
        assert sorted(set(kinds)) == ["api", "bus", "database", "disk", "jobs", "media", "storage", "worker"]
        assert all(
            part["latency_ms"] is not None for part in found["components"] if part["kind"] not in ("disk", "jobs")
        )

        await _without_a_worker(running, operator)
        await _without_media(running, operator)
        await _without_a_place_for_recordings(running, operator)
        await _without_a_database(running, operator)

        api = running.processes["api"]
        api.send_signal(signal.SIGTERM)
        status, told = await eventually(readiness, reason("process"))
        assert (status, told["reason"]) == (503, "process: draining")
        assert fine(await running.probe("/liveness"))
        api.send_signal(signal.SIGTERM)
        assert api.wait(30) == 130, "the second signal ends it at once"


async def _without_a_worker(running: Platform, operator: Person) -> None:
    running.end("worker", signal.SIGKILL)
    readiness = partial(running.probe, "/readiness")
    await eventually(readiness, reason("worker"))
    assert reason("worker")(await running.probe("/health"))
    assert (await running.probe("/liveness"))[0] == 200
    silent = down(await parts(operator))
    assert "not seen for" in silent["worker"] or "no worker" in silent["worker"]
    running.start("worker")
    await eventually(readiness, fine)
    assert (await operator.get("/admin/system/health"))["status"] == "degraded", "the dead one is still missed"


async def _without_media(running: Platform, operator: Person) -> None:
    running.end("media", signal.SIGTERM)
    await eventually(partial(running.probe, "/health"), reason("media"))
    assert fine(await running.probe("/readiness")), "requests can be answered all the same"
    assert "no media process" in down(await parts(operator))["media"]
    running.start("media")
    await eventually(partial(running.probe, "/health"), fine)


async def _without_a_place_for_recordings(running: Platform, operator: Person) -> None:
    recordings = running.directory / "recordings"
    shutil.rmtree(recordings)
    recordings.write_text("in the way")
    await eventually(partial(running.probe, "/readiness"), reason("storage"))
    assert "cannot be written" in down(await parts(operator))["storage"]
    recordings.unlink()
    await eventually(partial(running.probe, "/readiness"), fine)


async def _without_a_database(running: Platform, operator: Person) -> None:
    os.kill(running.postgres.pid, signal.SIGKILL)
    await running.postgres.exited()
    await eventually(partial(running.probe, "/readiness"), reason("database"))
    assert reason("database")(await running.probe("/health"))
    assert (await running.probe("/liveness"))[0] == 200
    refused = await operator.get("/admin/system/health", 503)
    assert refused["message"] == "The database cannot be reached."
    await running.postgres.launch()
    await eventually(partial(running.probe, "/readiness"), fine)

    async def lines() -> Any:
        return (await operator.get("/admin/logs", role="worker", level="error"))["items"]

    written = await eventually(lines, bool)
    assert {line["role"] for line in written} == {"worker"}, "what happened meanwhile was written down afterwards"


@pytest.mark.consequence("GET /version")
async def test_the_version_is_that_of_the_package_and_of_the_checked_out_commit(anyone: httpx.AsyncClient) -> None:
    told = body(await anyone.get("/version"), 200)
    assert told["version"] == voiceera.__version__
    assert told["revision"] is None or len(told["revision"]) == 40
