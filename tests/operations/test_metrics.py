"""What Prometheus reads, and who may."""

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Person, client_of
from voiceera import clock, vitals
from voiceera.api.app import create_app
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.services.presence import present
from voiceera.store import media_nodes
from voiceera.store.base import Database
from voiceera.store.bus import Bus


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values …) → value."""
    families = text_string_to_metric_families(text)
    found = [sample for family in families for sample in family.samples]
    return {(each.name, *(each.labels[key] for key in sorted(each.labels))): each.value for each in found}


async def test_the_operator_reads_requests_live_calls_dials_and_queues(operator: Person, database: Database) -> None:
    async with database.platform() as connection:
        await media_nodes.heartbeat(connection, new_id(), url="ws://one", capacity=9, live=4, now=clock.utc_now())
    await operator.get("/agents")
    await operator.client.get("/agents/ann@example.com")
    vitals.count("dials_accepted", 3)
    async with present(database, "worker", "here:7"):
        answer = await operator.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "ann@example.com" not in answer.text, "paths are told as they are declared"
    read = samples(answer.text)
    assert read["voiceera_http_requests_total", "GET", "/agents", "200"] == 1
    assert read["voiceera_http_request_seconds_count", "GET", "/agents"] == 1
    assert read["voiceera_live_calls", "ws://one"] == 4
    assert read["voiceera_media_capacity", "ws://one"] == 9
    assert read["voiceera_dials_accepted_total", "here:7", "worker"] == vitals.counts()["dials_accepted"]
    assert read["voiceera_processes", "worker"] == 1
    assert read["voiceera_queue_depth", "calls_queued"] == 0
    assert read["voiceera_oldest_job_seconds",] == 0


async def test_nobody_else_reads_them_unless_loopback_may(
    ann: Person, anyone: httpx.AsyncClient, tmp_path: Path, database: Database, bus: Bus
) -> None:
    assert (await ann.client.get("/metrics")).status_code == 403
    assert (await anyone.get("/metrics")).status_code == 401
    app = create_app(Settings(data_dir=tmp_path, metrics_on_loopback=True), database, bus)
    async with client_of(app) as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/metrics", headers=dict(ann.client.headers))).status_code == 403
    far = httpx.ASGITransport(app, client=("192.0.2.7", 1234))
    async with httpx.AsyncClient(transport=far, base_url="http://api") as client:
        assert (await client.get("/metrics")).status_code == 401
