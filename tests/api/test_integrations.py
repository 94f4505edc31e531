import json
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from tests.api.conftest import Person
from voiceera.store import integrations
from voiceera.store.base import Database

SECRET = "swordfish-token-9876"
PLIVO = {
    "name": "Our line",
    "type": "telephony",
    "provider": "plivo",
    "config": {"caller_ids": ["+12025550100"], "allowed_countries": ["US"], "base_url": "http://127.0.0.1:1"},
    "credentials": {"auth_id": "MAXXXXXXXXXXXX1234", "auth_token": SECRET},
}


async def test_credentials_are_written_encrypted_and_never_read(ann: Person, app: FastAPI, admin_url: str) -> None:
    made = await ann.post("/integrations", **PLIVO)
    assert made["credentials"] == {"auth_id": "••••1234", "auth_token": "••••9876"}
    assert (made["status"], made["config"]["calls_per_second"]) == ("untested", 1.0)
    for answer in (made, await ann.get("/integrations"), await ann.get(f"/integrations/{made['id']}")):
        assert SECRET not in json.dumps(answer)
    connection = await asyncpg.connect(admin_url)
    stored = await connection.fetchval("SELECT i::text FROM integrations i")
    await connection.close()
    assert SECRET not in stored
    assert SECRET.encode().hex() not in stored
    backend = app.state.backend
    user = backend.accounts.tokens.is_ours(ann.tokens["token"])
    async with backend.database.organization(user.organization_id) as scoped:
        opened = await integrations.credentials(scoped, backend.vault, user.organization_id, made["id"])
    assert opened["auth_token"] == SECRET


async def test_what_does_not_fit_the_providers_schema_is_named(ann: Person) -> None:
    error = await ann.post("/integrations", 422, **{**PLIVO, "config": {"caller_ids": ["911"], "colour": 1}})
    assert {problem["field"] for problem in error["fields"]} == {"config.caller_ids.0", "config.colour"}
    error = await ann.post("/integrations", 422, **{**PLIVO, "credentials": {"auth_id": "a"}})
    assert error["fields"][0]["field"] == "credentials.auth_token"
    assert (await ann.post("/integrations", 422, **{**PLIVO, "provider": "tincan"}))["fields"][0][
        "field"
    ] == "provider"
    assert (await ann.post("/integrations", 422, **{**PLIVO, "type": "pigeon"}))["fields"][0]["field"] == "type"


async def test_a_change_keeps_what_is_not_given_and_takes_a_new_key(ann: Person, app: FastAPI) -> None:
    made = await ann.post("/integrations", **PLIVO)
    path = f"/integrations/{made['id']}"
    assert (await ann.put(path, **made))["credentials"] == made["credentials"], "a masked secret changes nothing"
    changed = await ann.put(path, config={"calls_per_second": 5}, credentials={"auth_token": "another-token-5555"})
    assert changed["config"] == {**made["config"], "calls_per_second": 5.0}
    assert changed["credentials"] == {"auth_id": "••••1234", "auth_token": "••••5555"}
    assert (await ann.put(path, 422, provider="vobiz"))["fields"][0]["field"] == "provider"


async def test_a_test_really_asks_the_provider_and_status_keeps_the_answer(ann: Person) -> None:
    line = await ann.post("/integrations", **PLIVO)
    refused = await ann.post(f"/integrations/{line['id']}/test", 200)
    assert refused["status"] == "failing", "this address is inside, and nobody allowed it"
    urls = [refused.pop("answer_url"), refused.pop("hangup_url")]
    assert [url.rpartition("/carriers/plivo/")[2] for url in urls] == [
        f"{ann.organization_id}/inbound/answer",
        f"{ann.organization_id}/inbound/hangup",
    ]
    assert await ann.get(f"/integrations/{line['id']}/status") == refused
    scripted = await ann.post("/integrations", name="Twin", type="telephony", provider="scripted")
    assert (await ann.post(f"/integrations/{scripted['id']}/test", 200))["status"] == "working"
    assert (await ann.get("/integrations", status="working"))["total"] == 1


async def test_deleting_forgets_the_credentials(ann: Person, admin_url: str) -> None:
    made = await ann.post("/integrations", **PLIVO)
    await ann.delete(f"/integrations/{made['id']}")
    assert (await ann.get(f"/integrations/{made['id']}", 404))["code"] == "INTEGRATION_001"
    connection = await asyncpg.connect(admin_url)
    assert await connection.fetchval("SELECT credentials FROM integrations") is None
    await connection.close()
    await ann.post("/integrations", **PLIVO)


async def test_another_tenants_integration_is_not_there(ann: Person, bob: Person) -> None:
    theirs = await bob.post("/integrations", **PLIVO)
    missing = await ann.get(f"/integrations/{uuid4()}", 404)
    assert await ann.get(f"/integrations/{theirs['id']}", 404) == missing
    assert await ann.post(f"/integrations/{theirs['id']}/test", 404) == missing


async def test_providers_tell_their_schemas(ann: Person) -> None:
    schemas = {each["provider"]: each for each in await ann.get("/integrations/providers")}
    assert "auth_token" in schemas["plivo"]["credentials"]["properties"]


@pytest.mark.parametrize("scope", ["none", "another"])
async def test_row_level_security_stands_behind_the_code(ann: Person, database: Database, scope: str) -> None:
    await ann.post("/integrations", **PLIVO)
    async with database.organization(uuid4()) as connection:
        rows = await connection.execute(integrations.integrations.select())
        assert rows.all() == []


async def test_credentials_are_asked_for_again_where_they_would_go_elsewhere(ann: Person) -> None:
    made = await ann.post("/integrations", **PLIVO)
    path = f"/integrations/{made['id']}"
    elsewhere = {"config": {"base_url": "http://127.0.0.1:2"}}
    refused = await ann.client.put(path, json=elsewhere)
    fields = {field["field"] for field in refused.json()["error"]["fields"]}
    assert (refused.status_code, fields) == (422, {"credentials.auth_id", "credentials.auth_token"})
    assert (await ann.get(path))["config"]["base_url"].startswith("http://127.0.0.1:1")
    given_again = await ann.client.put(path, json=elsewhere | {"credentials": PLIVO["credentials"]})
    assert given_again.status_code == 200
    assert (await ann.client.put(path, json={"config": {"calls_per_second": 2}})).status_code == 200
