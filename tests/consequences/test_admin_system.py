"""What the routes for the platform's operator say and do, held against processes, carrier and database."""

import pytest
from fastapi import FastAPI

from tests.api.conftest import Person, client_of
from tests.consequences.conftest import Line
from tests.operations.conftest import operator
from tests.operations.logs import spool, written
from voiceera.log import Spool
from voiceera.providers.protocols import DialAnswer, Placed
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
