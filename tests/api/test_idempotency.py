"""Idempotency-Key: however often a request is sent, its effect comes once."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import Person, body
from tests.api.test_call_logs import make_viewer
from tests.world import FLOW
from voiceera import clock
from voiceera.api import idempotency as at_the_door
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.services import idempotency
from voiceera.services.idempotency import CLAIMED_FOR, KEPT_FOR
from voiceera.store.base import Database

LINE = {"caller_ids": ["+12025550000"], "allowed_countries": ["US"]}
KEY = {"Idempotency-Key": "order-66"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rate_limit_requests": 1_000_000})


async def post(person: Person, path: str, fields: Any = None, key: str = "order-66") -> httpx.Response:
    return await person.client.post(path, json=fields or {}, headers={"Idempotency-Key": key})


async def count(database: Database, table: str) -> int:
    async with database.platform() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def ready_to_call(person: Person) -> str:
    await person.post("/integrations", name="Line", type="telephony", provider="scripted", config=LINE)
    made = await person.post("/agents", name="Clara", flow=FLOW, stt_provider="scripted", tts_provider="scripted")
    return str(made["id"])


async def age(database: Database, by: timedelta) -> None:
    async with database.platform() as connection:
        await connection.execute(
            text("UPDATE idempotency_keys SET created_at = created_at - CAST(:by AS interval)"), {"by": by}
        )


async def test_fifty_at_once_place_one_call_and_hear_one_answer(ann: Person, database: Database) -> None:
    wanted = {"agent_id": await ready_to_call(ann), "to": "+12025550123"}
    answers = await asyncio.gather(*(post(ann, "/calls", wanted) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 49
    assert (await count(database, "calls"), await count(database, "attempts")) == (1, 1)


async def test_fifty_at_once_launch_one_campaign_once(ann: Person) -> None:
    agent_id = await ready_to_call(ann)
    campaign = await ann.post("/campaigns", name="Spring", agent_id=agent_id, phone_numbers=["+12025550101"])
    answers = await asyncio.gather(*(post(ann, f"/campaigns/{campaign['id']}/launch") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


async def test_another_key_or_none_is_another_request(ann: Person) -> None:
    path = f"/agents/{(await ann.post('/agents', name='Clara'))['id']}/clone"
    first, again = await post(ann, path), await post(ann, path)
    assert body(first, 201)["name"] == body(again, 201)["name"] == "Clara (copy)"
    assert body(await post(ann, path, key="order-67"), 201)["name"] == "Clara (copy 2)"
    assert (await ann.post(path))["name"] == "Clara (copy 3)"
    assert (await ann.post(path))["name"] == "Clara (copy 4)"


async def test_a_key_belongs_to_one_caller_one_path_and_one_body(ann: Person, bob: Person) -> None:
    made = body(await post(ann, "/agents", {"name": "Clara"}), 201)
    refused = body(await post(ann, "/agents", {"name": "Doris"}), 409)
    assert refused["code"] == "IDEMPOTENCY_001"
    assert body(await post(ann, f"/agents/{made['id']}/clone"), 201)["name"] == "Clara (copy)"
    theirs = body(await post(bob, "/agents", {"name": "Clara"}), 201)
    assert theirs["organization_id"] == bob.organization_id


async def test_what_failed_was_no_effect_and_may_be_tried_again(ann: Person) -> None:
    await ann.post("/agents", name="Clara")
    assert body(await post(ann, "/agents", {"name": "Clara"}), 409)["code"] == "AGENT_002"
    [first] = (await ann.get("/agents"))["items"]
    await ann.delete(f"/agents/{first['id']}")
    assert body(await post(ann, "/agents", {"name": "Clara"}), 201)["id"] != first["id"]


async def test_a_request_whose_first_is_under_way_waits_and_is_then_refused(
    ann: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_the_door, "WAIT_SECONDS", 0.05)
    await post(ann, "/agents", {"name": "Clara"})
    async with database.platform() as connection:
        await connection.execute(text("UPDATE idempotency_keys SET status = NULL"))
    refused = await post(ann, "/agents", {"name": "Clara"})
    assert body(refused, 409)["code"] == "IDEMPOTENCY_002"
    assert int(refused.headers["Retry-After"]) >= 1


async def test_a_file_sent_again_is_taken_once_and_another_file_is_refused(ann: Person, database: Database) -> None:
    campaign = await ann.post("/campaigns", name="Spring", agent_id=await ready_to_call(ann))

    async def upload(number: str) -> httpx.Response:
        files = {"file": ("people.csv", f"phone_number\n{number}\n")}
        path = f"/campaigns/{campaign['id']}/contacts/upload"
        return await ann.client.post(path, files=files, headers=KEY)

    first, again = await upload("+12025550101"), await upload("+12025550101")
    assert first.content == again.content and body(first, 201)["added"] == 1
    assert await count(database, "uploads") == 1
    assert body(await upload("+12025550102"), 409)["code"] == "IDEMPOTENCY_001"


async def test_a_claim_that_nobody_lived_to_settle_is_given_up(
    ann: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_the_door, "WAIT_SECONDS", 0.05)
    line = await ann.post("/integrations", name="Line", type="telephony", provider="scripted")
    path = f"/integrations/{line['id']}/test"
    body(await post(ann, path), 200)
    async with database.platform() as connection:
        await connection.execute(text("UPDATE idempotency_keys SET status = NULL, answer = NULL"))
    body(await post(ann, path), 409)
    await age(database, CLAIMED_FOR)
    body(await post(ann, path), 200)


async def test_an_operation_that_failed_gives_its_claim_back(ann: Person, database: Database) -> None:
    path = f"/integrations/{ann.organization_id}/test"
    body(await post(ann, path), 404)
    assert await count(database, "idempotency_keys") == 0


async def test_answers_are_sealed_and_forgotten_after_a_day(ann: Person, database: Database, app: FastAPI) -> None:
    first = body(await post(ann, "/agents", {"name": "Clara", "description": "canary"}), 201)
    async with database.platform() as connection:
        answer = (await connection.execute(text("SELECT answer FROM idempotency_keys"))).scalar_one()
    assert b"canary" not in answer and first["id"].encode() not in answer
    backend = cast(Backend, app.state.backend)
    await idempotency.forget(backend.database, clock.utc_now())
    assert await count(database, "idempotency_keys") == 1
    await age(database, KEPT_FOR)
    assert body(await post(ann, "/agents", {"name": "Clara", "description": "canary"}), 409)["code"] == "AGENT_002"
    await idempotency.forget(backend.database, clock.utc_now())
    assert await count(database, "idempotency_keys") == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
async def test_a_key_that_is_none_is_named(ann: Person, key: str) -> None:
    answer = await ann.client.post("/agents", json={"name": "Clara"}, headers={b"Idempotency-Key": key.encode()})
    assert body(answer, 422)["fields"][0]["field"] == "Idempotency-Key"


async def test_who_may_no_longer_do_it_gains_nothing_by_a_kept_answer(ann: Person, database: Database) -> None:
    body(await post(ann, "/agents", {"name": "Clara"}), 201)
    await make_viewer(database, ann)
    assert body(await post(ann, "/agents", {"name": "Clara"}), 403)["code"] == "AUTH_004"
