"""Campaigns over the API, and what their bodies may hold."""

import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.api.conftest import Person, body
from tests.world import ANY_TIME, FLOW
from voiceera.ids import new_id
from voiceera.store.base import Database

ANY_HOUR = {"promotional": None, "service": None}
WINDOWS = {day: [{"start": "00:00", "end": "24:00"}] for day in ANY_TIME}
NUMBERS = ["+12025550101", "+12025550102", "+12025550103"]


async def make_agent(person: Person, name: str = "Clara") -> str:
    return str((await person.post("/agents", name=name, flow=FLOW))["id"])


async def make_campaign(person: Person, name: str = "Spring", **fields: Any) -> Any:
    fields = {"calling_windows": WINDOWS, "legal_hours": {"*": ANY_HOUR}, **fields}
    agent_id = fields.pop("agent_id", None) or await make_agent(person, f"Agent of {name}")
    return await person.post("/campaigns", name=name, agent_id=agent_id, **fields)


async def connect_line(person: Person) -> None:
    await person.post("/integrations", name="Line", type="telephony", provider="scripted")


async def launched(person: Person, name: str = "Spring", **fields: Any) -> Any:
    await connect_line(person)
    campaign = await make_campaign(person, name, **{"phone_numbers": NUMBERS, **fields})
    return await person.post(f"/campaigns/{campaign['id']}/launch", 200)


async def test_a_campaign_needs_only_a_name_and_an_agent(ann: Person) -> None:
    agent_id = await make_agent(ann)
    campaign = await ann.post("/campaigns", name=" Spring ", agent_id=agent_id)
    assert (campaign["name"], campaign["status"], campaign["category"]) == ("Spring", "draft", "service")
    assert campaign["created_by"] == ann.tokens["user"]["id"]
    assert campaign["progress"]["total"] == 0 and campaign["problems"] == []
    read = await ann.get(f"/campaigns/{campaign['id']}")
    assert read == {name: value for name, value in campaign.items() if name != "problems"}


async def test_its_numbers_stand_behind_it_normalized_and_without_duplicates(ann: Person) -> None:
    campaign = await make_campaign(
        ann,
        phone_numbers=["(202) 555-0101", "+1 202 555 0102", "2025550101", "12"],
        contacts=[{"phone_number": "2025550103", "name": "Cy", "variables": {"day": "Monday"}}],
    )
    assert campaign["progress"]["total"] == 3
    assert (campaign["progress"]["duplicates"], campaign["progress"]["rejected"]) == (1, 1)
    assert [(each["row"], each["value"], each["code"]) for each in campaign["problems"]] == [
        (4, "12", "not_a_number")
    ]
    people = await ann.get(f"/campaigns/{campaign['id']}/contacts", sort="phone_number")
    assert [person["phone_number"] for person in people["items"]] == NUMBERS
    assert people["items"][2]["variables"] == {"day": "Monday"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"category": "fun"}, "category"),
        ({"max_concurrent_calls": 0}, "max_concurrent_calls"),
        ({"calling_windows": {"funday": []}}, "calling_windows.funday.[key]"),
        ({"calling_windows": {"monday": [{"start": "9", "end": "17:00"}]}}, "calling_windows.monday.0.start"),
        ({"retries": {"reached": {"delays_seconds": [1]}}}, "retries.reached.[key]"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "\0"}, "timezone"),
        ({"start_time": "2026-03-10T10:00:00"}, "start_time"),
        ({"start_time": "9999-12-31T23:59:59-10:00"}, "start_time"),
        ({"start_time": "2026-03-10T10:00:00Z", "end_time": "2026-03-10T10:00:00Z"}, "end_time"),
        ({"caller_ids": ["2025550100"]}, "caller_ids.0"),
        ({"telephony_provider": "pigeon"}, "telephony_provider"),
        ({"phone_numbers": ["1" * 41]}, "phone_numbers.0"),
        ({"contacts": [{"phone_number": NUMBERS[0], "age": 7}]}, "contacts.0.age"),
    ],
)
async def test_what_does_not_fit_is_named(ann: Person, fields: dict[str, Any], field: str) -> None:
    agent_id = await make_agent(ann)
    error = await ann.post("/campaigns", 422, **{"name": "Spring", "agent_id": agent_id, **fields})
    assert [problem["field"] for problem in error["fields"]] == [field]
    assert (await ann.get("/campaigns"))["total"] == 0


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_text_that_no_database_keeps_is_refused(ann: Person, text: str) -> None:
    agent_id = await make_agent(ann)
    sent = json.dumps({"name": "Spring", "agent_id": agent_id, "description": text})
    answer = await ann.client.post("/campaigns", content=sent, headers={"Content-Type": "application/json"})
    assert body(answer, 422)["code"] == "VALIDATION_001"


async def test_two_campaigns_of_one_name_are_a_conflict(ann: Person, bob: Person) -> None:
    agent_id = (await make_campaign(ann))["agent_id"]
    assert (await ann.post("/campaigns", 409, name="SPRING", agent_id=agent_id))["code"] == "CAMPAIGN_002"
    await make_campaign(bob)


async def test_the_list_is_filtered_sorted_and_paged(ann: Person) -> None:
    await connect_line(ann)
    for name in ("Autumn", "Spring", "Summer"):
        await make_campaign(
            ann, name, phone_numbers=NUMBERS, category="service" if name == "Spring" else "promotional"
        )
    agent_id = (await ann.get("/campaigns", search="autu"))["items"][0]["agent_id"]

    async def names(**query: Any) -> list[str]:
        return [item["name"] for item in (await ann.get("/campaigns", **query))["items"]]

    assert await names() == ["Summer", "Spring", "Autumn"]
    assert await names(sort="name") == ["Autumn", "Spring", "Summer"]
    assert await names(category="service") == ["Spring"]
    assert await names(agent_id=agent_id) == ["Autumn"]
    assert await names(search="SUM") == ["Summer"]
    assert await names(date_to="2020-01-01") == []
    first = await ann.get("/campaigns", sort="name", limit=2)
    assert await names(sort="name", limit=2, cursor=first["next_cursor"]) == ["Summer"]
    assert (await ann.get("/campaigns", 422, sort="config"))["fields"][0]["field"] == "sort"
    assert (await ann.get("/campaigns", 422, colour="red"))["fields"][0]["field"] == "colour"
    assert (await ann.get("/campaigns", 422, status="asleep"))["fields"][0]["field"] == "status"


async def test_the_status_filter_follows_every_move(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    assert (campaign["status"], campaign["preview"]["now"]) == ("active", 3)
    for move, status in (("pause", "paused"), ("resume", "active"), ("stop", "stopped")):
        assert (await ann.post(f"{path}/{move}", 200))["status"] == status
        assert [item["id"] for item in (await ann.get("/campaigns", status=status))["items"]] == [campaign["id"]]
        assert (await ann.get("/campaigns", status="draft"))["total"] == 0
    stats = await ann.get(f"{path}/stats")
    assert (stats["total"], stats["pending"], stats["canceled"]) == (3, 0, 3)
    error = await ann.post(f"{path}/resume", 409)
    assert (error["code"], error["details"]) == ("CAMPAIGN_002", "current state: stopped; allowed: nothing more")


async def test_a_campaign_that_cannot_be_launched_says_what_to_do(ann: Person) -> None:
    campaign = await make_campaign(ann)
    path = f"/campaigns/{campaign['id']}"
    error = await ann.post(f"{path}/launch", 409)
    assert error["code"] == "CAMPAIGN_002" and f"POST {path}/contacts" in error["details"]
    await ann.post(f"{path}/contacts", phone_numbers=NUMBERS)
    assert "telephony" in (await ann.post(f"{path}/launch", 409))["details"]
    assert (await ann.get(f"{path}/preview"))["now"] == 3
    assert (await ann.get(path))["status"] == "draft"
    assert (await ann.post(f"{path}/launch", 422, at="once"))["fields"][0]["field"] == "at"
    assert (await ann.client.post(f"{path}/stop?hangup=maybe")).status_code == 422


async def test_a_launch_before_its_time_is_scheduled(ann: Person) -> None:
    campaign = await launched(ann, start_time="2099-01-01T00:00:00+05:30", timezone="America/New_York")
    assert (campaign["status"], campaign["start_time"]) == ("scheduled", "2098-12-31T18:30:00.000Z")
    path = f"/campaigns/{campaign['id']}"
    assert (await ann.put(path, start_time=None))["status"] == "active", "without a time it starts at once"


async def test_a_change_keeps_the_rest_and_what_was_read_comes_back(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    read = await ann.get(path)
    changed = await ann.put(path, max_concurrent_calls=2, description="Less.")
    moved = {"max_concurrent_calls": 2, "description": "Less.", "updated_at": changed["updated_at"]}
    assert changed == {**read, **moved}
    again = await ann.put(path, **{**changed, "progress": {**changed["progress"], "pending": 0, "reached": 3}})
    assert again == {**changed, "updated_at": again["updated_at"]}
    error = await ann.put(path, 422, status="stopped", id=str(uuid4()))
    assert {problem["field"] for problem in error["fields"]} == {"status", "id"}
    for fields in ({"phone_numbers": NUMBERS}, {"name": None}, {"agent_id": None}, {"colour": "red"}):
        assert (await ann.put(path, 422, **fields))["fields"][0]["field"] == next(iter(fields))
    assert (await ann.put(path, 404, agent_id=str(uuid4())))["code"] == "AGENT_001"
    await ann.post(f"{path}/stop", 200)
    assert (await ann.put(path, 409, description="More."))["code"] == "CAMPAIGN_002"


async def test_a_campaign_moves_to_another_agent(ann: Person) -> None:
    campaign = await make_campaign(ann)
    other = await make_agent(ann, "Other")
    assert (await ann.put(f"/campaigns/{campaign['id']}", agent_id=other))["agent_id"] == other
    assert (await ann.get("/campaigns", agent_id=campaign["agent_id"]))["total"] == 0


async def test_a_campaign_is_split_with_another_agent_of_ones_own(ann: Person, bob: Person) -> None:
    own, other = await ann.post("/agents", name="A"), await ann.post("/agents", name="B")
    theirs = await bob.post("/agents", name="B")
    campaign = await ann.post("/campaigns", name="Split", agent_id=own["id"], split={"agent_id": other["id"]})
    assert campaign["split"] == {"agent_id": other["id"], "percent": 50}
    path = f"/campaigns/{campaign['id']}"
    refused = await ann.put(path, 422, split={"agent_id": own["id"], "percent": 10})
    assert refused["fields"][0]["field"] == "split.agent_id"
    for agent_id in (theirs["id"], str(new_id())):
        await ann.put(path, 404, split={"agent_id": agent_id})
    assert (await ann.put(path, split=None))["split"] is None


async def test_an_active_campaign_is_not_deleted_and_a_deleted_one_is_gone(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    assert "pause or stop" in (await ann.delete(path, 409))["details"]
    await ann.post(f"{path}/pause", 200)
    await ann.delete(path)
    assert (await ann.get(path, 404))["code"] == "CAMPAIGN_001"
    assert (await ann.get("/campaigns"))["items"] == []
    assert (await ann.delete(path, 404))["code"] == "CAMPAIGN_001"


ROUTES = [
    *(("GET", tail) for tail in ("", "/stats", "/preview", "/contacts", "/events")),
    *(("PUT", ""), ("DELETE", "")),
    *(("POST", tail) for tail in ("/launch", "/pause", "/resume", "/stop", "/contacts", "/contacts/upload")),
]


async def send(person: Person, method: str, path: str) -> tuple[int, Any]:
    content: dict[str, Any] = {}
    if path.endswith("/upload"):
        content = {"files": {"file": ("c.csv", b"phone\n2025550101\n", "text/csv")}}
    elif path.endswith("/contacts") and method == "POST":
        content = {"json": {"phone_numbers": NUMBERS}}
    elif method == "PUT":
        content = {"json": {"description": "Mine."}}
    answer = await person.client.request(method, path, **content)
    document = answer.json()
    del document["timestamp"]
    return answer.status_code, document


async def test_another_tenants_campaign_reads_as_one_that_never_was(ann: Person, bob: Person) -> None:
    theirs = await make_campaign(bob, phone_numbers=NUMBERS)
    for method, tail in ROUTES:
        answers = [await send(ann, method, f"/campaigns/{each}{tail}") for each in (theirs["id"], str(uuid4()))]
        assert answers[0] == answers[1], (method, tail)
        assert answers[0][0] == 404, (method, tail)
    assert await bob.get(f"/campaigns/{theirs['id']}") == {
        name: value for name, value in theirs.items() if name != "problems"
    }
    bodies = [
        await ann.post("/campaigns", 404, name="X", agent_id=each) for each in (theirs["agent_id"], str(uuid4()))
    ]
    assert bodies[0] == bodies[1]


async def test_a_viewer_reads_and_changes_nothing(ann: Person, database: Database) -> None:
    campaign = await make_campaign(ann, phone_numbers=NUMBERS)
    async with database.platform() as connection:
        await connection.execute(text("UPDATE users SET role = 'viewer'"))
    await ann.get(f"/campaigns/{campaign['id']}/stats")
    for method, tail in ROUTES:
        if method != "GET":
            status, document = await send(ann, method, f"/campaigns/{campaign['id']}{tail}")
            assert (status, document["error"]["code"]) == (403, "AUTH_004"), (method, tail)
    assert (await ann.post("/campaigns", 403, name="X", agent_id=campaign["agent_id"]))["code"] == "AUTH_004"


async def test_the_log_says_what_was_done_and_by_whom(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    await ann.put(path, ring_seconds=20)
    await ann.post(f"{path}/pause", 200)
    entries = (await ann.get(f"{path}/log"))["items"]
    assert [(each["kind"], each["actor"]) for each in entries] == [
        ("paused", "A Person"),
        ("changed", "A Person"),
        ("launched", "A Person"),
    ]
    assert entries[1]["message"] == "Changed: ring_seconds."
    assert (await ann.get(f"{path}/log", kind="paused"))["total"] == 1
    assert (await ann.get(f"{path}/log", search="launched"))["total"] == 1


async def test_the_preview_says_how_long_how_dear_and_what_will_not_go_as_hoped(ann: Person) -> None:
    line = {"caller_ids": ["+12025550000"], "allowed_countries": ["US"], "price_per_minute": 0.5}
    await ann.post("/integrations", name="Line", type="telephony", provider="scripted", config=line)
    campaign = await make_campaign(
        ann,
        phone_numbers=[NUMBERS[0], "+442079460100"],
        caller_ids=["+13035550000"],
        end_time="2099-01-01T00:00:00Z",
        timezone="America/New_York",
    )
    told = await ann.get(f"/campaigns/{campaign['id']}/preview")
    assert (told["duplicates"], told["is_guess"]) == (0, True)
    assert told["calls"] >= 2 and told["seconds"] > 0 and told["cost"] > 0
    assert any("1 contacts will never be rung: their country" in warning for warning in told["warnings"])
    assert any("+13035550000" in warning for warning in told["warnings"])
    refused = await ann.post(f"/campaigns/{campaign['id']}/launch", 409)
    assert "caller ids" in refused["message"] and "+12025550000" in refused["details"]


async def test_who_is_in_another_running_campaign_is_counted_before_a_launch(ann: Person) -> None:
    await launched(ann)
    campaign = await make_campaign(ann, name="Second", phone_numbers=NUMBERS)
    assert (await ann.get(f"/campaigns/{campaign['id']}/preview"))["duplicates"] == len(NUMBERS)
