import asyncio
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from tests.api.calls import same_answer
from tests.api.conftest import Person
from tests.api.test_call_logs import make_viewer
from tests.world import FLOW
from voiceera import clock
from voiceera.api.depends import Backend
from voiceera.ids import new_id
from voiceera.providers.carriers.scripted import ScriptedCarrier
from voiceera.store import do_not_call, media_nodes
from voiceera.store.base import Database
from voiceera.worker.dialer import Dialer
from voiceera.worker.reaper import Reaper

MARIA = "+12025550123"
LINE = {"caller_ids": ["+12025550000", "+12025550001"], "allowed_countries": ["US"]}


@pytest.fixture
def backend(app: FastAPI) -> Backend:
    return cast(Backend, app.state.backend)


@pytest.fixture
async def agent(ann: Person) -> str:
    """An agent that can run, with a line to call on."""
    await ann.post("/integrations", name="Line", type="telephony", provider="scripted", config=LINE)
    made = await ann.post("/agents", name="Clara", flow=FLOW, stt_provider="scripted", tts_provider="scripted")
    return str(made["id"])


async def rounds(backend: Backend) -> ScriptedCarrier:
    """One round of the worker: the dialer's, then the reaper's."""
    async with backend.database.platform() as connection:
        now = clock.utc_now()
        await media_nodes.heartbeat(connection, new_id(), url="ws://127.0.0.1:1", capacity=10, live=0, now=now)
    dialer = Dialer(backend.database, backend.bus, backend.trunks, public_url="http://api", name="one")
    for claim, trunk in await dialer.round():
        await dialer.dial(claim, trunk)
    await Reaper(backend.database, backend.bus, backend.trunks).round()
    async with backend.database.platform() as connection:
        organizations = await connection.exec_driver_sql("SELECT organization_id FROM integrations")
        trunk = await backend.trunks.of(organizations.scalars().one())
    return cast(ScriptedCarrier, trunk.carrier)


async def is_listening(backend: Backend) -> None:
    """PostgreSQL says who listens to the dialer's channel."""
    statement = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%dialer%'"
    async with asyncio.timeout(5):
        while True:
            async with backend.database.platform() as connection:
                if (await connection.exec_driver_sql(statement)).first():
                    return


async def test_a_call_is_queued_wakes_the_dialer_and_reaches_the_carrier(
    ann: Person, agent: str, backend: Backend
) -> None:
    async with aclosing(backend.bus.subscribe("dialer")) as wakes:
        waking = asyncio.ensure_future(anext(wakes))
        await is_listening(backend)
        variables = {"name": "Maria"}
        call = await ann.post(
            "/calls", agent_id=agent, to="(202) 555-0123", variables=variables, **{"from": "+12025550001"}
        )
        async with asyncio.timeout(5):
            await waking
    assert (call["status"], call["phone_number"], call["contact_name"]) == ("queued", MARIA, "Maria")
    assert (call["agent_version"], call["created_by"]) == (1, ann.tokens["user"]["id"])
    assert (await ann.get(f"/call-logs/{call['id']}")) == call
    carrier = await rounds(backend)
    assert [(dial.to, dial.caller_id) for dial in carrier.dialed] == [(MARIA, "+12025550001")]
    assert (await ann.get(f"/call-logs/{call['id']}"))["status"] == "dialing"


async def test_a_call_that_waits_is_canceled_and_never_dialed(ann: Person, agent: str, backend: Backend) -> None:
    call = await ann.post("/calls", agent_id=agent, to=MARIA)
    ended = await ann.post(f"/calls/{call['id']}/hangup", 200)
    assert (ended["status"], ended["hangup_cause"]) == ("canceled", "requested")
    assert (await rounds(backend)).dialed == []
    assert (await ann.post(f"/calls/{call['id']}/hangup", 409))["code"] == "CALL_002"
    await ann.delete(f"/call-logs/{call['id']}")


async def test_a_call_that_rings_is_hung_up_at_the_carrier(ann: Person, agent: str, backend: Backend) -> None:
    call = await ann.post("/calls", agent_id=agent, to=MARIA)
    named = None
    async with asyncio.timeout(20):
        while named is None:  # on a busy machine the dial comes too late for its start, and goes back
            await rounds(backend)
            named = (await ann.get(f"/call-logs/{call['id']}"))["carrier_call_id"]
    await ann.delete(f"/call-logs/{call['id']}", 409)
    await ann.post(f"/calls/{call['id']}/hangup", 200)
    assert (await rounds(backend)).hung_up == [named]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"to": "12"}, "to", "not a phone number"),
        ({"to": "+1202555"}, "to", "digits"),
        ({"to": "+919812345678"}, "to", "allows US"),
        ({"to": "+19002345678"}, "to", "premium"),
        ({"from": "+12025559999"}, "from", "+12025550000"),
        ({"from": "me"}, "from", "match"),
        ({"variables": {"name": 7}}, "variables.name", "string"),
        ({"too": MARIA}, "too", "not permitted"),
    ],
)
async def test_a_call_that_cannot_be_placed_names_the_field(
    ann: Person, agent: str, change: dict[str, Any], field: str, says: str
) -> None:
    error = await ann.post("/calls", 422, **{"agent_id": agent, "to": MARIA} | change)
    assert error["fields"][0]["field"] == field
    assert says in error["fields"][0]["message"]
    assert (await ann.get("/call-logs"))["total"] == 0


async def test_without_a_carrier_no_call_is_asked_for(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara", flow=FLOW)
    assert (await ann.post("/calls", 409, agent_id=agent["id"], to=MARIA))["code"] == "INTEGRATION_002"
    assert (await ann.get("/call-logs"))["total"] == 0


async def test_a_number_that_must_not_be_rung_is_a_conflict(ann: Person, agent: str, database: Database) -> None:
    organization_id = UUID(ann.organization_id)
    async with database.organization(organization_id) as connection:
        await do_not_call.add(connection, organization_id, MARIA, reason="asked", now=clock.utc_now())
    error = await ann.post("/calls", 409, agent_id=agent, to=MARIA)
    assert (error["code"], "do-not-call" in error["message"]) == ("CALL_002", True)


async def test_an_agent_that_cannot_run_rings_nobody(ann: Person, agent: str) -> None:
    mute = await ann.post("/agents", name="Mute")
    assert "llm_provider" in (await ann.post("/calls", 409, agent_id=mute["id"], to=MARIA))["details"]
    await ann.put(f"/agents/{agent}", status="inactive")
    assert "inactive" in (await ann.post("/calls", 409, agent_id=agent, to=MARIA))["details"]
    assert (await ann.post("/calls", 404, agent_id=str(uuid4()), to=MARIA))["code"] == "AGENT_001"
    assert (await ann.get("/call-logs"))["total"] == 0


async def test_another_tenants_agent_and_call_are_as_if_they_never_were(
    ann: Person, bob: Person, agent: str, backend: Backend
) -> None:
    theirs = await bob.post("/agents", name="Clara", flow=FLOW)
    assert (await ann.post("/calls", 404, agent_id=theirs["id"], to=MARIA))["code"] == "AGENT_001"
    call = await ann.post("/calls", agent_id=agent, to=MARIA)
    assert (await same_answer(bob, "POST", "/calls/{}/hangup", call["id"]))[0] == 404
    assert (await ann.get(f"/call-logs/{call['id']}"))["status"] == "queued"


async def test_a_viewer_rings_nobody_and_hangs_up_on_nobody(ann: Person, agent: str, database: Database) -> None:
    call = await ann.post("/calls", agent_id=agent, to=MARIA)
    await make_viewer(database, ann)
    assert (await ann.post("/calls", 403, agent_id=agent, to=MARIA))["code"] == "AUTH_004"
    assert (await ann.post(f"/calls/{call['id']}/hangup", 403))["code"] == "AUTH_004"
