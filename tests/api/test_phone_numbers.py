"""Numbers of one's own: held to their line and agent, found when they are rung, and called from."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from tests.api.conftest import Person
from tests.world import FLOW
from voiceera.errors import Conflict
from voiceera.services.trunks import StoredTrunks
from voiceera.store import integrations, phone_numbers
from voiceera.store.base import Database
from voiceera.store.phone_numbers import MissedCall

CONFIG = {"caller_ids": ["+12025550100", "+12025550101"], "allowed_countries": ["US"]}


@pytest.fixture
async def line(ann: Person) -> str:
    made = await ann.post("/integrations", name="Line", type="telephony", provider="scripted", config=CONFIG)
    return str(made["id"])


async def offered(app: FastAPI, person: Person) -> tuple[str, ...]:
    """What the organization's calls may come from, read afresh."""
    backend = app.state.backend
    return (await StoredTrunks(backend.database, backend.vault, ()).of(UUID(person.organization_id))).caller_ids


async def answering(database: Database, number: str) -> list[phone_numbers.Answering]:
    async with database.platform() as connection:
        return await phone_numbers.answering(connection, number)


async def test_a_number_of_any_spelling_is_kept_as_e164(ann: Person, line: str) -> None:
    made = await ann.post("/phone-numbers", phone_number=" +1 (303) 555-0199 ", integration_id=line, label="Desk")
    assert (made["phone_number"], made["is_caller_id"], made["agent_id"]) == ("+13035550199", True, None)
    assert await ann.get(f"/phone-numbers/{made['id']}") == made
    for query in ({"phone_number": "+13035550199"}, {"integration_id": line}, {"search": "desk"}):
        assert (await ann.get("/phone-numbers", **query))["items"] == [made]
    assert (await ann.get("/phone-numbers", is_active="false"))["items"] == []


@pytest.mark.parametrize("written", ["303 555 0199", "12", "+1 303 555 0199 ext. 5", "front desk"])
async def test_what_is_no_number_with_a_country_code_is_refused(ann: Person, line: str, written: str) -> None:
    error = await ann.post("/phone-numbers", 422, phone_number=written, integration_id=line)
    assert error["fields"][0]["field"] == "phone_number"


async def test_the_line_and_the_agent_must_be_there(ann: Person, bob: Person, line: str) -> None:
    theirs = await bob.post("/agents", name="Theirs", flow=FLOW)
    number = {"phone_number": "+13035550199"}
    error = await ann.post("/phone-numbers", 422, **number, integration_id=str(uuid4()), agent_id=theirs["id"])
    assert [problem["field"] for problem in error["fields"]] == ["integration_id", "agent_id"]
    made = await ann.post("/phone-numbers", **number, integration_id=line)
    error = await ann.put(f"/phone-numbers/{made['id']}", 422, agent_id=theirs["id"])
    assert error["fields"][0] == {"field": "agent_id", "message": "is no agent"}


async def test_an_organization_has_a_number_once(ann: Person, line: str) -> None:
    number = {"phone_number": "+13035550199", "integration_id": line}
    await ann.post("/phone-numbers", **number)
    assert (await ann.post("/phone-numbers", 409, **number))["code"] == "NUMBER_002"


async def test_a_change_leaves_what_is_not_given_and_null_clears(ann: Person, line: str) -> None:
    agent = await ann.post("/agents", name="Anna", flow=FLOW)
    made = await ann.post(
        "/phone-numbers", phone_number="+13035550199", integration_id=line, agent_id=agent["id"], daily_cap=50
    )
    path = f"/phone-numbers/{made['id']}"
    changed = await ann.put(path, agent_id=None, daily_cap=None, missed_call="callback")
    moved = {"agent_id": None, "daily_cap": None, "missed_call": "callback", "updated_at": changed["updated_at"]}
    assert changed == {**made, **moved}
    assert (await ann.put(path, 422, phone_number="+13035550198"))["fields"][0]["message"] == "cannot be changed"
    assert (await ann.put(path, 422, is_active=None))["fields"][0]["field"] == "is_active"
    assert (await ann.put(path, 422, daily_cap=0))["fields"][0]["field"] == "daily_cap"


async def test_calls_come_from_the_numbers_of_the_settings_and_from_those_that_are_rows(
    app: FastAPI, ann: Person, line: str
) -> None:
    async def add(number: str, **settings: Any) -> None:
        await ann.post("/phone-numbers", phone_number=number, integration_id=line, **settings)

    other = await ann.post("/integrations", name="Second", type="telephony", provider="scripted", config={})
    await add("+13035550100")
    await add("+13035550101", is_caller_id=False)
    await add("+13035550102", is_active=False)
    await ann.post("/phone-numbers", phone_number="+13035550103", integration_id=other["id"])
    assert await offered(app, ann) == ("+12025550100", "+12025550101", "+13035550100")
    await add("+12025550101", is_caller_id=False)
    assert await offered(app, ann) == ("+12025550100", "+13035550100"), "the row's word counts"


async def test_a_worker_that_runs_sees_a_new_number_soon(
    app: FastAPI, ann: Person, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceera.services.trunks._FRESH_SECONDS", 0)
    backend = app.state.backend
    trunks = StoredTrunks(backend.database, backend.vault, ())
    before = await trunks.of(UUID(ann.organization_id))
    await ann.post("/phone-numbers", phone_number="+13035550100", integration_id=line)
    after = await trunks.of(UUID(ann.organization_id))
    assert after.caller_ids == (*before.caller_ids, "+13035550100")
    assert after.carrier is before.carrier, "and its carrier stays open"


async def test_a_hundred_who_ask_for_a_line_at_once_cost_one_look(
    ann: Person, line: str, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, looks = app.state.backend, []
    look = integrations.of_type

    async def counted(*asked: Any) -> Any:
        looks.append(asked)
        return await look(*asked)

    monkeypatch.setattr(integrations, "of_type", counted)
    trunks = StoredTrunks(backend.database, backend.vault, ())
    found = await asyncio.gather(*(trunks.of(UUID(ann.organization_id)) for _ in range(100)))
    assert len(looks) == 1 and {trunk.integration_id for trunk in found} == {UUID(line)}
    for stranger in (uuid4(), uuid4()):
        with pytest.raises(Conflict):
            await trunks.of(stranger)
    assert not trunks._asking  # strangers leave nothing behind
    await trunks.close()


async def test_whoever_says_a_number_is_theirs_is_found_by_it(
    ann: Person, bob: Person, line: str, database: Database
) -> None:
    agent = await ann.post("/agents", name="Anna", flow=FLOW)
    made = await ann.post("/phone-numbers", phone_number="+13035550199", integration_id=line, agent_id=agent["id"])
    [found] = await answering(database, "+13035550199")
    assert (str(found.organization_id), str(found.agent_id)) == (ann.organization_id, agent["id"])
    assert (found.provider, found.missed_call) == ("scripted", MissedCall.NONE)
    theirs = await bob.post("/integrations", name="Line", type="telephony", provider="scripted", config={})
    await bob.post("/phone-numbers", phone_number="+13035550199", integration_id=theirs["id"])
    claiming = {str(one.organization_id) for one in await answering(database, "+13035550199")}
    assert claiming == {ann.organization_id, bob.organization_id}, "the signature decides between them"
    await ann.put(f"/phone-numbers/{made['id']}", is_active=False)
    await bob.delete(f"/integrations/{theirs['id']}")
    assert await answering(database, "+13035550199") == []


async def test_a_deleted_agent_answers_no_number(ann: Person, line: str, database: Database) -> None:
    agents = [await ann.post("/agents", name=name, flow=FLOW) for name in ("Clara", "Dora")]
    numbers = {"+13035550199": agents[0], "+13035550198": agents[0], "+13035550197": agents[1]}
    made = {
        number: await ann.post("/phone-numbers", phone_number=number, integration_id=line, agent_id=agent["id"])
        for number, agent in numbers.items()
    }
    await ann.delete(f"/agents/{agents[0]['id']}")
    for number, agent in numbers.items():
        kept = None if agent is agents[0] else agent["id"]
        assert (await ann.get(f"/phone-numbers/{made[number]['id']}"))["agent_id"] == kept
        assert [str(each.agent_id) for each in await answering(database, number)] == [str(kept)]
    async with database.platform() as connection:
        noted = await connection.exec_driver_sql("SELECT details FROM audit WHERE action = 'agent.deleted'")
        assert noted.scalar_one()["numbers_released"] == 2


async def test_a_number_that_was_deleted_is_gone(ann: Person, line: str, database: Database) -> None:
    made = await ann.post("/phone-numbers", phone_number="+13035550199", integration_id=line)
    await ann.delete(f"/phone-numbers/{made['id']}")
    assert (await ann.get(f"/phone-numbers/{made['id']}", 404))["code"] == "NUMBER_001"
    assert await answering(database, "+13035550199") == []


async def test_each_number_shows_what_it_has_done_and_what_is_left(ann: Person, line: str) -> None:
    made = await ann.post("/phone-numbers", phone_number="+13035550100", integration_id=line, daily_cap=50, label="D")
    usage = {each["phone_number"]: each for each in await ann.get("/phone-numbers/usage")}
    assert list(usage) == ["+12025550100", "+12025550101", "+13035550100"]
    assert usage["+12025550100"]["phone_number_id"] is None
    shown = usage["+13035550100"]
    assert (shown["phone_number_id"], shown["daily_cap"], shown["dials_24h"]) == (made["id"], 50, 0)
    assert (shown["answer_rate"], shown["resting_until"]) == (None, None)


async def test_without_a_carrier_there_is_no_usage(ann: Person) -> None:
    assert await ann.get("/phone-numbers/usage") == []
