"""What the routes for the platform's operator say and do, held against processes, carrier and database."""

import httpx
import pytest
from fastapi import FastAPI

from tests.api.calls import CallBook
from tests.api.conftest import PASSWORD, Person, body, client_of
from tests.consequences.conftest import Line
from tests.media.carrier import Exchange
from tests.operations.conftest import operator
from tests.operations.logs import spool, written
from tests.operations.platform import eventually
from voiceera import clock
from voiceera.api.depends import Backend
from voiceera.ids import new_id
from voiceera.log import Spool
from voiceera.media.node import MediaNode
from voiceera.providers.protocols import DialAnswer, EndedAs, Placed
from voiceera.store import media_nodes
from voiceera.store.base import Database

__all__ = ["operator", "spool"]


@pytest.mark.consequence("GET /admin/logs")
async def test_an_error_is_found_by_the_request_that_it_comes_of_in_the_api_and_in_the_worker(
    app: FastAPI, line: Line, operator: Person, spool: Spool, database: Database
) -> None:
    async def broken() -> None:
        raise RuntimeError("swordfish")

    app.add_api_route("/broken", broken)
    async with client_of(app) as client:
        await client.get("/broken", headers={"X-Request-ID": "api-1"})
    carrier = await line.carrier()
    carrier.otherwise = lambda _dial: DialAnswer(Placed.UNKNOWN, reason="the carrier said nothing")
    call = {"agent_id": line.agent_id, "to": "+12025550101"}
    asked = await line.person.client.post("/calls", json=call, headers={"X-Request-ID": "worker-1"})
    assert asked.status_code == 201
    assert await line.rounds() == 1
    await written(database, spool)
    [failed] = (await operator.get("/admin/logs", request_id="api-1", level="error"))["items"]
    assert (failed["component"], failed["event"]) == ("api", "request_failed")
    found = (await operator.get("/admin/logs", request_id="worker-1", level="warning"))["items"]
    assert [(each["component"], each["event"]) for each in found] == [("dialer", "not_accepted")]
    assert found[0]["details"]["attempt_id"] == asked.json()["data"]["id"]


@pytest.mark.consequence("GET /admin/system/stats")
async def test_live_calls_are_those_that_the_media_processes_hold(
    operator: Person, book: CallBook, backend: Backend, database: Database
) -> None:
    exchange = Exchange()
    exchange.port = await exchange.listener.open("127.0.0.1", 0)
    node = MediaNode(new_id(), exchange.listener, database, backend.bus, "ws://one")

    async def told() -> tuple[int, int]:
        """Live calls by the stats, and by the media process itself."""
        await node.beat()
        return (await operator.get("/admin/system/stats"))["live_calls"], exchange.listener.live

    assert await told() == (0, 0)
    async with exchange.call() as first:
        assert await first.echoes()
        async with exchange.call() as second:
            assert await second.echoes()
            assert await told() == (2, 2)
            async with database.platform() as connection:  # a place that is booked ahead is no call yet
                await media_nodes.take_place(connection, clock.utc_now())
            assert (await operator.get("/admin/system/stats"))["live_calls"] == 2
            hung_up = exchange.engine.conversations[1].brief.call_id
            assert exchange.listener.hang_up(hung_up)
            assert await second.closed_with() == 1000
            await eventually(told, lambda both: both == (1, 1))
    await exchange.listener.close()
    await node.leave()
    assert await told() == (0, 0)
    before = await operator.get("/admin/system/stats")
    await book.held()
    after = await operator.get("/admin/system/stats")
    assert (after["calls"], after["storage"]["recordings"]) == (before["calls"] + 1, 1)
    assert after["storage"]["recordings_bytes"] > 44
    assert (after["users"], after["organizations"], after["agents"]) == (2, 2, 1)
    assert 0 < after["storage"]["disk_free_bytes"] <= after["storage"]["disk_total_bytes"]


@pytest.mark.consequence("POST /admin/system/maintenance")
async def test_in_maintenance_users_are_sent_away_nothing_new_rings_and_live_calls_go_on(
    app: FastAPI, line: Line, operator: Person, anyone: httpx.AsyncClient
) -> None:
    ann = line.person
    await line.launched(people=4, max_concurrent_calls=2)
    assert await line.rounds() == 2
    told = await operator.post("/admin/system/maintenance", 200, enabled=True, message="Back at noon.")
    assert (told["enabled"], told["message"]) == (True, "Back at noon.")
    assert told["set_by"] == operator.tokens["user"]["id"]

    refused = await ann.client.get("/agents")
    assert body(refused, 503)["code"] == "MAINTENANCE_001"
    assert refused.json()["error"]["message"] == "Back at noon."
    assert int(refused.headers["Retry-After"]) > 0
    assert (await anyone.get("/agents")).status_code == 503
    registration = {"email": "new@example.com", "password": PASSWORD, "first_name": "N", "last_name": "N"}
    assert body(await anyone.post("/auth/register", json=registration), 503)["code"] == "MAINTENANCE_001"
    again = body(await anyone.post("/auth/login", json={"email": ann.email, "password": PASSWORD}), 200)
    refresh = {"Authorization": f"Bearer {again['refresh_token']}"}
    body(await anyone.post("/auth/refresh-token", headers=refresh), 200)
    assert (await operator.get("/agents"))["total"] == 0
    assert (await anyone.get("/liveness")).status_code == 200
    forged = await anyone.post(f"/carriers/plivo/{line.organization_id}/{new_id()}/hangup")
    assert forged.status_code == 403, "carriers are heard, and judged as ever"

    assert await line.rounds() == 0
    await line.ends(EndedAs.BUSY)
    assert await line.rounds() == 0, "two places are free, and nobody is rung"
    rung = len(await line.rung())

    assert not (await operator.post("/admin/system/maintenance", 200, enabled=False))["enabled"]
    assert (await ann.get("/agents"))["total"] == 1
    assert await line.rounds() == 2
    assert len(await line.rung()) == rung + 2
    noted = (await operator.get("/admin/logs", level="audit", search="maintenance"))["items"]
    assert [each["event"] for each in noted] == ["maintenance.off", "maintenance.on"]
