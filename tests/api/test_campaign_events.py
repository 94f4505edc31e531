"""Live events over a real server: what the bus publishes arrives, and the stream ends when it should."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import Person, join
from tests.api.test_campaigns import NUMBERS, launched, make_campaign
from voiceera.api import event_stream
from voiceera.config import Settings
from voiceera.demo.api_client import ApiClient
from voiceera.demo.lab_process import LabProcess
from voiceera.demo.stage import Person as Actor
from voiceera.demo.stage import set_stage
from voiceera.media.live_view import LiveView
from voiceera.roles.api import serve_api
from voiceera.roles.ports import bound_socket
from voiceera.rules.calls import CallStatus
from voiceera.services.live import CallState, tell
from voiceera.store.base import Database
from voiceera.store.bus import Bus

PATIENCE = 10


class Server:
    """The API on a port of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop = asyncio.Event()
        self.running: asyncio.Task[None]


@pytest.fixture
async def server(settings: Settings, database: Database, bus: Bus) -> AsyncIterator[Server]:
    listener = bound_socket("127.0.0.1", 0, "")
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    listening = asyncio.Event()
    role = serve_api(settings, database, bus, server.stop, lambda _port: listening.set(), listener)
    server.running = asyncio.create_task(role)
    await asyncio.wait_for(listening.wait(), PATIENCE)
    yield server
    server.stop.set()
    await asyncio.wait_for(server.running, PATIENCE)


@pytest.fixture
async def ann(server: Server) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield await join(client, "ann@example.com")


@asynccontextmanager
async def following(person: Person, campaign_id: str, *, counts: bool = False) -> AsyncIterator[AsyncIterator[str]]:
    """The stream's lines that are not empty, of a stream that is open; its first two were read. `counts`: with those
    that tell counters."""
    path = f"/campaigns/{campaign_id}/events"
    async with person.client.stream("GET", path, timeout=PATIENCE) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert int(response.headers["x-ratelimit-remaining"]) > 0
        all_lines = (line async for line in response.aiter_lines() if line)
        lines = (line async for line in all_lines if counts or '"campaign_counts"' not in line)
        assert await anext(lines) == "retry: 1000"
        assert read(await anext(lines))["kind"] == "campaign_state"
        yield lines


def read(line: str) -> dict[str, Any]:
    assert line.startswith("data: ")
    found: dict[str, Any] = json.loads(line.removeprefix("data: "))
    return found


async def test_what_the_bus_publishes_arrives_and_nothing_of_other_campaigns(ann: Person, bus: Bus) -> None:
    campaign = await make_campaign(ann, phone_numbers=NUMBERS)
    async with following(ann, campaign["id"]) as lines:
        await tell(bus, CallState(uuid4(), uuid4(), None, "Eve", CallStatus.RINGING))
        state = CallState(uuid4(), UUID(campaign["id"]), None, "Zoë", CallStatus.RINGING)
        await tell(bus, state)
        event = read(await anext(lines))
    assert (event["kind"], event["call_id"], event["name"]) == ("call_state", str(state.call_id), "Zoë")


async def test_a_move_is_told_to_who_watches(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    async with following(ann, campaign["id"]) as lines:
        for move, status in (("pause", "paused"), ("resume", "active"), ("stop", "stopped")):
            await ann.post(f"{path}/{move}", 200)
            assert read(await anext(lines)) == {
                "kind": "campaign_state",
                "campaign_id": campaign["id"],
                "status": status,
            }


async def test_counters_are_told_when_they_move(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    async with following(ann, campaign["id"], counts=True) as lines:
        first = read(await anext(lines))
        assert (first["kind"], first["pending"]) == ("campaign_counts", first["total"])
        stats = await ann.get(f"{path}/stats")
        assert {name: stats[name] for name in first.keys() - {"kind", "campaign_id"}} == {
            name: value for name, value in first.items() if name not in ("kind", "campaign_id")
        }
        await ann.post(f"{path}/stop", 200)
        state, counted = [read(await anext(lines)) for _ in range(2)]
        assert (state["kind"], counted["canceled"]) == ("campaign_state", first["total"])


async def test_the_demos_client_reads_the_stream(ann: Person, server: Server, bus: Bus) -> None:
    campaign = await make_campaign(ann)
    api = ApiClient(server.url)
    api._http.headers["Authorization"] = ann.client.headers["Authorization"]
    opened = asyncio.Event()
    events = api.events(f"/campaigns/{campaign['id']}/events", opened.set)
    assert (await anext(events))["status"] == "draft" and opened.is_set()
    await tell(bus, CallState(uuid4(), UUID(campaign["id"]), None, "Cy", CallStatus.DIALING))
    assert (await anext(events))["name"] == "Cy"
    await api.close()


async def test_live_calls_hear_that_they_are_watched_again_and_again(
    ann: Person, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "BEAT_SECONDS", 0.05)
    campaign = await make_campaign(ann)
    channels: asyncio.Queue[str] = asyncio.Queue()

    class Heard(LiveView):
        def watched(self, channel: str) -> None:
            channels.put_nowait(channel)

    listening = asyncio.create_task(Heard(bus).listen())
    async with following(ann, campaign["id"]) as lines:
        assert [await asyncio.wait_for(channels.get(), PATIENCE) for _ in range(2)] == [
            f"campaign:{campaign['id']}"
        ] * 2
        assert await anext(lines) == ": beat"
    listening.cancel()


async def test_the_stream_ends_with_the_session(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "BEAT_SECONDS", 0.05)
    campaign = await make_campaign(ann)
    async with following(ann, campaign["id"]) as lines:
        assert await anext(lines) == ": beat", "negative control: it goes on while the session does"
        await ann.post("/auth/logout", 204)
        assert {line async for line in lines} <= {": beat"}


async def test_the_stream_ends_when_the_api_stops_and_the_stop_does_not_wait_for_it(
    ann: Person, server: Server
) -> None:
    campaign = await make_campaign(ann)
    async with following(ann, campaign["id"]) as lines:
        server.stop.set()
        assert [line async for line in lines] == []
    await asyncio.wait_for(server.running, 2)


async def test_a_client_that_goes_is_forgotten(ann: Person, monkeypatch: pytest.MonkeyPatch, bus: Bus) -> None:
    monkeypatch.setattr(event_stream.Streams, "MOST_EACH", 2)
    campaign = await make_campaign(ann)
    path = f"/campaigns/{campaign['id']}/events"
    async with following(ann, campaign["id"]):
        async with following(ann, campaign["id"]):
            assert (await ann.get(path, 429))["code"] == "RATE_001"
        async with asyncio.timeout(PATIENCE):
            while (refused := await ann.client.send(request(ann, path), stream=True)).status_code == 429:
                await refused.aclose()
            assert refused.status_code == 200
            await refused.aclose()


def request(person: Person, path: str) -> httpx.Request:
    return person.client.build_request("GET", path)


async def test_who_may_not_see_the_campaign_opens_no_stream(ann: Person, database: Database) -> None:
    campaign = await make_campaign(ann)
    path = f"/campaigns/{campaign['id']}/events"
    async with database.organization(UUID(ann.organization_id)) as connection:
        await connection.execute(text("UPDATE campaigns SET deleted_at = now()"))
    assert (await ann.get(path, 404))["code"] == "CAMPAIGN_001"
    answer = await ann.client.get(path, headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_the_demos_stage_is_set_over_the_api(server: Server) -> None:
    lab = LabProcess(1, "MADEMODEMODEMODEMODE", "a-token-of-the-lab", Path("ledger.jsonl"))
    people = [Actor(f"P {n}", number, "says_yes", {"day": "Monday"}) for n, number in enumerate(NUMBERS)]
    api = ApiClient(server.url)
    stage = await set_stage(api, lab, people, "correct horse battery", ("+1202",))
    campaign = f"/campaigns/{stage.campaign_id}"
    assert (await api.get(f"{campaign}/stats"))["pending"] == len(people)
    assert (await api.post(f"{campaign}/launch"))["status"] == "active"
    await api.close()


async def test_the_document_tells_of_streams_and_files(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    stream = paths["/campaigns/{campaign_id}/events"]["get"]["responses"]["200"]
    assert list(stream["content"]) == ["text/event-stream"]
    upload = paths["/campaigns/{campaign_id}/contacts/upload"]["post"]["requestBody"]
    assert list(upload["content"]) == ["multipart/form-data"]
