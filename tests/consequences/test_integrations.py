"""What the routes of integrations do: to the database, to agents, to calls, and at the vendor's door."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.api.conftest import Person
from tests.consequences.conftest import LINE, Line
from tests.far_end import far_end
from tests.vendor_end import ScriptedVendor as Carrier
from tests.vendor_end import answer
from tests.world import number
from voiceera.config import Settings
from voiceera.providers.carriers.scripted import ScriptedCarrier

TOKEN = "swordfish-token-9876"
NO_CALLS = answer(200, {"calls": []})


@pytest.fixture
async def vendor() -> AsyncIterator[Carrier]:
    """The carrier's stand-in: says what it is given to say, and keeps what it was asked."""
    stand_in = Carrier([])
    async with far_end(stand_in.serve) as stand_in.port:
        yield stand_in


@pytest.fixture
def settings(settings: Settings, vendor: Carrier) -> Settings:
    return settings.model_copy(update={"outbound_allow": f"127.0.0.1/32:{vendor.port}"})


def plivo(vendor: Carrier, **changes: Any) -> dict[str, Any]:
    config = {**LINE, "base_url": f"http://127.0.0.1:{vendor.port}/v1"}
    credentials = {"auth_id": "MAXXXXXXXXXXXX1234", "auth_token": TOKEN}
    return {
        "name": "Plivo",
        "type": "telephony",
        "provider": "plivo",
        "config": config,
        "credentials": credentials,
    } | changes


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def missing(person: Person, agent_id: str) -> list[str]:
    return [each["field"] for each in (await person.get(f"/agents/{agent_id}/config"))["missing"]]


async def stored(admin_url: str) -> bytes:
    """Everything that the table of integrations holds, seen by the superuser."""
    connection = await asyncpg.connect(admin_url)
    rows = await connection.fetch("SELECT i::text AS written, i.credentials FROM integrations i")
    await connection.close()
    return b"\n".join(row["written"].encode() + (row["credentials"] or b"") for row in rows)


@pytest.mark.consequence("POST /integrations")
async def test_a_new_integration_is_no_longer_missed_and_lies_sealed_in_the_database(
    ann: Person, vendor: Carrier, admin_url: str
) -> None:
    agent = await ann.post("/agents", name="Clara")
    assert "telephony_provider" in await missing(ann, agent["id"])
    await ann.post("/integrations", **plivo(vendor))
    assert "telephony_provider" not in await missing(ann, agent["id"])
    kept = await stored(admin_url)
    assert TOKEN.encode() not in kept and TOKEN.encode().hex().encode() not in kept


@pytest.mark.consequence("GET /integrations")
async def test_no_secret_is_in_the_list(ann: Person, vendor: Carrier) -> None:
    made = await ann.post("/integrations", **plivo(vendor))
    listed = await ann.get("/integrations")
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    assert TOKEN not in json.dumps(listed) and "swordfish" not in json.dumps(listed)


@pytest.mark.consequence("GET /integrations/{integration_id}")
async def test_of_a_secret_the_last_four_characters_are_shown_and_no_more(ann: Person, vendor: Carrier) -> None:
    made = await ann.post("/integrations", **plivo(vendor))
    shown = await ann.get(f"/integrations/{made['id']}")
    assert shown["credentials"] == {"auth_id": "••••1234", "auth_token": "••••9876"}
    assert TOKEN[:-4] not in json.dumps(shown)


@pytest.mark.consequence("PUT /integrations/{integration_id}")
async def test_the_next_request_to_the_vendor_carries_the_new_key(ann: Person, vendor: Carrier) -> None:
    made = await ann.post("/integrations", **plivo(vendor))
    vendor.answers += [NO_CALLS, NO_CALLS]
    await ann.post(f"/integrations/{made['id']}/test", 200)
    await ann.put(f"/integrations/{made['id']}", credentials={"auth_token": "another-token-5555"})
    await ann.post(f"/integrations/{made['id']}/test", 200)
    before, after = (headers["authorization"] for _, headers, _ in vendor.requests)
    assert before != after
    assert basic("MAXXXXXXXXXXXX1234", "another-token-5555") == after


@pytest.mark.consequence("DELETE /integrations/{integration_id}")
async def test_agents_that_need_a_deleted_integration_say_so_and_its_secret_is_gone(
    ann: Person, vendor: Carrier, admin_url: str
) -> None:
    agent = await ann.post("/agents", name="Clara")
    made = await ann.post("/integrations", **plivo(vendor))
    await ann.delete(f"/integrations/{made['id']}")
    assert "telephony_provider" in await missing(ann, agent["id"])
    connection = await asyncpg.connect(admin_url)
    assert await connection.fetchval("SELECT credentials FROM integrations") is None
    await connection.close()


@pytest.mark.consequence("POST /integrations/{integration_id}/test")
async def test_a_test_is_one_request_with_the_key_and_reports_a_wrong_one_as_the_vendor_put_it(
    ann: Person, vendor: Carrier
) -> None:
    made = await ann.post("/integrations", **plivo(vendor))
    vendor.answers += [NO_CALLS, answer(401, {"error": "Could not verify your access level for that URL."})]
    works = await ann.post(f"/integrations/{made['id']}/test", 200)
    assert works["status"] == "working" and works["latency_ms"] > 0
    [(line, headers, _)] = vendor.requests
    assert line.startswith("GET /v1/Account/MAXXXXXXXXXXXX1234/")
    assert headers["authorization"] == basic("MAXXXXXXXXXXXX1234", TOKEN)
    fails = await ann.post(f"/integrations/{made['id']}/test", 200)
    assert fails["status"] == "failing"
    assert "Could not verify your access level" in fails["detail"]
    assert len(vendor.requests) == 2
    assert (await ann.get("/integrations", status="failing"))["total"] == 1


async def test_a_call_goes_out_by_the_caller_ids_that_an_integration_has_now(line: Line) -> None:
    ann = line.person
    [integration] = (await ann.get("/integrations"))["items"]
    await ann.put(f"/integrations/{integration['id']}", config={"caller_ids": ["+12025550009"]})
    await line.backend.trunks.close()
    await ann.post("/calls", agent_id=line.agent_id, to=number(101))
    await line.rounds()
    carrier = await line.carrier()
    assert isinstance(carrier, ScriptedCarrier)
    assert [dial.caller_id for dial in carrier.dialed] == ["+12025550009"]
