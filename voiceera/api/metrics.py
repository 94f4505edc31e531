"""`GET /metrics`: the platform in Prometheus' text format, for an administrator's token.

The process that is asked tells of its own requests; what all processes do comes from their heartbeats and the
database. With `VOICEERA_METRICS_ON_LOOPBACK` a client on this machine needs no token: not for an API whose proxy runs
beside it, since then everybody comes from this machine.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from voiceera import clock
from voiceera.api.depends import Backend, bearer, visit, watcher
from voiceera.api.routing import declare, router
from voiceera.rules.permissions import Access
from voiceera.store import jobs, media_nodes, processes, system_stats
from voiceera.store.media_nodes import MediaNode
from voiceera.store.processes import Process

routes = router("Admin")

_watch = watcher(Access.ADMIN)


async def _scraper(
    request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Backend:
    here = visit(request)
    if here.backend.settings.metrics_on_loopback and credential is None and _is_loopback(here.origin.address):
        return here.backend
    return (await _watch(request, credential)).backend


declare(_scraper, Access.ADMIN)

Scraping = Annotated[Backend, Depends(_scraper)]


def _is_loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


_TEXT = {"text/plain": {"schema": {"type": "string", "examples": ['voiceera_live_calls{node="ws://one"} 4.0']}}}


@routes.get("/metrics", response_class=Response, responses={200: {"content": _TEXT}})
async def get_metrics(backend: Scraping) -> Response:
    """Requests, latencies, live calls, dials, queues, the oldest job's age, log lines dropped, for Prometheus."""
    now = clock.utc_now()
    async with backend.database.platform() as connection:
        nodes = [node for node in await media_nodes.seen(connection) if node.is_alive(now)]
        there = [process for process in await processes.seen(connection) if process.is_alive(now)]
        queues = await system_stats.queues(connection)
        age = await jobs.oldest_due_seconds(connection)
    registry = CollectorRegistry()
    registry.register(_Given([*_of_processes(there), *_of_media(nodes), *_of_queues(queues, age)]))
    text = generate_latest(backend.http_metrics.registry) + generate_latest(registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Given(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _of_processes(there: list[Process]) -> Iterator[Metric]:
    """What each counts of itself ("dials_accepted"); one that starts anew counts from 0, as Prometheus expects."""
    up = GaugeMetricFamily("voiceera_processes", "Processes that are there.", labels=("role",))
    for role in sorted({process.role for process in there}):
        up.add_metric((role,), sum(process.role == role for process in there))
    yield up
    for name in sorted({name for process in there for name in process.counters}):
        counter = CounterMetricFamily(f"voiceera_{name}", f"{name} of each process.", labels=("role", "process"))
        for process in there:
            if name in process.counters:
                counter.add_metric((process.role, process.name), process.counters[name])
        yield counter


def _of_media(nodes: list[MediaNode]) -> Iterator[Metric]:
    live = GaugeMetricFamily("voiceera_live_calls", "Calls that a media process holds.", labels=("node",))
    capacity = GaugeMetricFamily("voiceera_media_capacity", "Calls that it takes at most.", labels=("node",))
    for node in nodes:
        live.add_metric((node.url,), node.talking)
        capacity.add_metric((node.url,), node.capacity)
    yield from (live, capacity)


def _of_queues(queues: dict[str, int], age: float) -> Iterator[Metric]:
    depth = GaugeMetricFamily("voiceera_queue_depth", "What waits or is under way.", labels=("queue",))
    for name, number in sorted(queues.items()):
        depth.add_metric((name,), number)
    yield depth
    yield GaugeMetricFamily("voiceera_oldest_job_seconds", "How long the oldest job has been due.", value=age)
