"""What the routes of agents do, seen elsewhere."""

import pytest

from tests.api.calls import CallBook
from tests.api.conftest import Person
from tests.consequences.conftest import Line


async def names(person: Person, **query: str) -> list[str]:
    return [item["name"] for item in (await person.get("/agents", **query))["items"]]


@pytest.mark.consequence("GET /agents")
async def test_create_rename_and_archive_are_seen_at_once_under_every_filter_and_sort(ann: Person) -> None:
    clara = await ann.post("/agents", name="Clara", description="day")
    await ann.post("/agents", name="Boris", description="night")
    assert await names(ann) == ["Boris", "Clara"]
    assert await names(ann, sort="-name") == ["Clara", "Boris"]
    await ann.put(f"/agents/{clara['id']}", name="Anna")
    assert await names(ann, sort="name") == ["Anna", "Boris"]
    assert await names(ann, sort="-updated_at") == ["Anna", "Boris"]
    assert (await names(ann, search="clara"), await names(ann, search="ANNA")) == ([], ["Anna"])
    await ann.put(f"/agents/{clara['id']}", status="archived")
    assert (await names(ann, status="archived"), await names(ann, status="active")) == (["Anna"], ["Boris"])
    await ann.delete(f"/agents/{clara['id']}")
    assert (await names(ann), await names(ann, search="day")) == (["Boris"], [])


@pytest.mark.consequence("GET /agents/{agent_id}")
async def test_the_version_that_a_call_ran_with_can_still_be_read(ann: Person, book: CallBook) -> None:
    call = await ann.get(f"/call-logs/{await book.held()}")
    await ann.put(f"/agents/{book.agent_id}", greeting_message="Good day.")
    then = await ann.get(f"/agents/{call['agent_id']}", version=call["agent_version"])
    assert (call["agent_version"], then["greeting_message"]) == (1, "")


@pytest.mark.consequence("PUT /agents/{agent_id}")
async def test_the_next_call_uses_a_change_and_one_under_way_does_not(line: Line) -> None:
    ann = line.person
    first = await ann.post("/calls", agent_id=line.agent_id, to="+12025550101")
    await line.rounds()
    await ann.put(f"/agents/{line.agent_id}", greeting_message="Good day.")
    second = await ann.post("/calls", agent_id=line.agent_id, to="+12025550102")
    await line.rounds()
    ran_with = [(await ann.get(f"/call-logs/{call['id']}"))["agent_version"] for call in (first, second)]
    assert ran_with == [1, 2]


@pytest.mark.consequence("DELETE /agents/{agent_id}")
async def test_a_deleted_agent_is_gone_and_its_calls_are_not(line: Line) -> None:
    ann, agent_id = line.person, line.agent_id
    campaign = await line.launched(people=1)
    await line.rounds()
    assert (await ann.delete(f"/agents/{agent_id}", 409))["code"] == "AGENT_002"
    assert await names(ann) == ["Voice"]
    await ann.post(f"/campaigns/{campaign['id']}/stop", 200)
    await ann.delete(f"/agents/{agent_id}")
    assert (await names(ann), await names(ann, search="voice")) == ([], [])
    calls = await ann.get(f"/call-logs/agent/{agent_id}")
    assert [call["agent_id"] for call in calls["items"]] == [agent_id]


@pytest.mark.consequence("GET /agents/{agent_id}/config")
async def test_what_is_missing_is_missing_until_it_is_connected(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara")
    path = f"/agents/{agent['id']}/config"
    assert "telephony_provider" in [each["field"] for each in (await ann.get(path))["missing"]]
    carrier = await ann.post("/integrations", name="Line", type="telephony", provider="scripted")
    assert "telephony_provider" not in [each["field"] for each in (await ann.get(path))["missing"]]
    await ann.delete(f"/integrations/{carrier['id']}")
    assert "telephony_provider" in [each["field"] for each in (await ann.get(path))["missing"]]


@pytest.mark.consequence("POST /agents/{agent_id}/clone")
async def test_editing_a_clone_leaves_the_original_alone(ann: Person) -> None:
    original = await ann.post("/agents", name="Clara", greeting_message="Hello.", language="en-GB")
    clone = await ann.post(f"/agents/{original['id']}/clone")
    assert (clone["name"], clone["greeting_message"], clone["language"]) == ("Clara (copy)", "Hello.", "en-GB")
    await ann.put(f"/agents/{clone['id']}", greeting_message="Good day.", name="Doris")
    assert await ann.get(f"/agents/{original['id']}") == original


@pytest.mark.consequence("GET /agents/{agent_id}/campaigns")
async def test_a_campaign_that_moves_to_another_agent_leaves_the_list(line: Line) -> None:
    ann = line.person
    other = await ann.post("/agents", name="Doris")
    campaign = await line.campaign()

    async def campaigns_of(agent_id: str) -> list[str]:
        return [each["id"] for each in (await ann.get(f"/agents/{agent_id}/campaigns"))["items"]]

    assert (await campaigns_of(line.agent_id), await campaigns_of(other["id"])) == ([campaign["id"]], [])
    await ann.put(f"/campaigns/{campaign['id']}", agent_id=other["id"])
    assert (await campaigns_of(line.agent_id), await campaigns_of(other["id"])) == ([], [campaign["id"]])
