from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.api.conftest import Person
from voiceera.store.base import Database

FLOW = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "Will you come on {{day | Monday}}?",
            "expect": {"type": "yes_no"},
            "branches": {"yes": "bye", "no": "bye"},
        },
        "bye": {"kind": "end", "text": "Goodbye.", "disposition": "confirmed"},
    },
}


async def test_an_agent_needs_only_a_name_and_says_what_it_lacks(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara")
    assert (agent["version"], agent["status"], agent["brain"]) == (1, "active", "llm")
    assert agent["created_by"] == ann.tokens["user"]["id"]
    config = await ann.get(f"/agents/{agent['id']}/config")
    assert not config["is_ready"]
    assert {each["field"] for each in config["missing"]} == {"telephony_provider", "llm_provider"}


async def test_the_missing_integration_leaves_the_list_when_it_is_made(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara", flow=FLOW, greeting_message="Hello.")
    config = await ann.get(f"/agents/{agent['id']}/config")
    assert [each["field"] for each in config["missing"]] == ["telephony_provider"]
    await ann.post("/integrations", name="Line", type="telephony", provider="scripted")
    config = await ann.get(f"/agents/{agent['id']}/config")
    assert config["is_ready"]
    assert config["config"]["flow"]["start"] == "ask"


async def test_a_name_is_one_of_a_kind_in_the_organization(ann: Person, bob: Person) -> None:
    await ann.post("/agents", name="Clara")
    assert (await ann.post("/agents", 409, name=" CLARA "))["code"] == "AGENT_002"
    await bob.post("/agents", name="Clara")


async def test_a_flow_that_leads_nowhere_is_refused_by_field(ann: Person) -> None:
    broken: dict[str, Any] = {"start": "ask", "steps": {"ask": {**FLOW["steps"]["ask"], "branches": {"yes": "gone"}}}}  # type: ignore[index]
    error = await ann.post("/agents", 422, name="Clara", flow=broken)
    fields = [problem["field"] for problem in error["fields"]]
    assert fields == ["flow.steps.ask.branches.yes", "flow.steps.ask.next"]
    error = await ann.post("/agents", 422, name="Clara", stt_provider="telepathy")
    assert error["fields"][0]["field"] == "stt_provider"
    assert (await ann.get("/agents"))["total"] == 0


async def test_a_change_makes_a_version_and_the_old_one_stays(ann: Person, database: Database) -> None:
    agent = await ann.post("/agents", name="Clara", greeting_message="One.", conversation={"max_reprompts": 1})
    path = f"/agents/{agent['id']}"
    changed = await ann.put(path, greeting_message="Two.", conversation={"barge_in": False})
    assert (changed["version"], changed["greeting_message"], changed["name"]) == (2, "Two.", "Clara")
    assert changed["conversation"]["barge_in"] is False
    assert changed["conversation"]["max_reprompts"] == 1
    assert (await ann.get(path, version=1))["greeting_message"] == "One."
    assert (await ann.get(path, 404, version=3))["code"] == "AGENT_001"
    assert (await ann.put(path, status="inactive"))["version"] == 2, "a status is no part of a version"
    with pytest.raises(IntegrityError, match="never changes"):
        async with database.platform() as connection:
            await connection.execute(text("UPDATE agent_versions SET config = '{}'"))


async def test_what_is_read_comes_back_unchanged_but_read_only_fields_do_not_change(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara", flow=FLOW)
    path = f"/agents/{agent['id']}"
    assert await ann.put(path, **agent) == {**agent, "updated_at": (await ann.get(path))["updated_at"]}
    error = await ann.put(path, 422, id=str(uuid4()), version=7, description="x")
    assert {problem["field"] for problem in error["fields"]} == {"id", "version"}
    assert (await ann.put(path, 422, name=None))["fields"][0]["field"] == "name"
    assert (await ann.get(path))["description"] == ""


async def test_a_clone_goes_its_own_way(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara", flow=FLOW)
    names = [(await ann.post(f"/agents/{agent['id']}/clone"))["name"] for _ in range(2)]
    assert names == ["Clara (copy)", "Clara (copy 2)"]
    other = await ann.post(f"/agents/{agent['id']}/clone", name="Other")
    await ann.put(f"/agents/{other['id']}", greeting_message="Changed.")
    assert (await ann.get(f"/agents/{agent['id']}"))["greeting_message"] == ""
    assert other["flow"] == agent["flow"]


async def test_a_deleted_agent_is_gone_and_its_name_free(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara")
    await ann.delete(f"/agents/{agent['id']}")
    assert (await ann.get(f"/agents/{agent['id']}", 404))["code"] == "AGENT_001"
    assert (await ann.get("/agents"))["items"] == []
    await ann.post("/agents", name="Clara")


async def test_another_tenants_agent_reads_as_one_that_never_was(ann: Person, bob: Person) -> None:
    theirs = await bob.post("/agents", name="Clara")
    for method, tail in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/config"), ("POST", "/clone")):
        answers = []
        for agent_id in (theirs["id"], str(uuid4())):
            answer = await ann.client.request(
                method, f"/agents/{agent_id}{tail}", json={} if method == "PUT" else None
            )
            document = answer.json()
            del document["timestamp"]
            answers.append((answer.status_code, document))
        assert answers[0] == answers[1], (method, tail)
        assert answers[0][0] == 404
    assert (await bob.get(f"/agents/{theirs['id']}"))["version"] == 1
