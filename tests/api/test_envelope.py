"""Every kind of answer, the framework's own errors included, comes in the contract's envelope."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.api.conftest import Person, body, client_of
from voiceera.api import envelope
from voiceera.api.app import create_app
from voiceera.api.routing import declare, policies, router
from voiceera.config import Settings
from voiceera.errors import StartupError, Unavailable
from voiceera.rules.permissions import Access
from voiceera.store.base import Database
from voiceera.store.bus import Bus


async def test_an_unknown_route_and_a_wrong_method(anyone: httpx.AsyncClient) -> None:
    assert body(await anyone.get("/nowhere"), 404)["code"] == "REQUEST_001"
    wrong = await anyone.delete("/auth/login")
    assert body(wrong, 405)["code"] == "REQUEST_002"
    assert wrong.headers["Allow"] == "POST"


async def test_a_media_type_that_is_not_taken(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post("/auth/login", content="email=a", headers={"Content-Type": "text/plain"})
    assert body(answer, 415)["code"] == "REQUEST_004"
    assert body(await anyone.post("/auth/login", content="{}"), 415)["code"] == "REQUEST_004"


async def test_a_body_that_is_too_large(anyone: httpx.AsyncClient) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = await anyone.post("/auth/login", content=b" " * 1_000_001, headers=json_type)
    assert body(answer, 413)["code"] == "REQUEST_003"


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b"\xff", b'{"email": "a\\u0000b", "password": "x"}', b"1e999"])
async def test_a_body_that_does_not_fit_is_never_a_500(anyone: httpx.AsyncClient, content: bytes) -> None:
    answer = await anyone.post("/auth/login", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (401, 422), answer.text
    body(answer, answer.status_code)


async def test_an_unknown_query_parameter_and_field_are_named(ann: Person) -> None:
    error = await ann.get("/auth/me", 422, stauts="active")
    assert error["code"] == "VALIDATION_001"
    assert error["fields"][0]["field"] == "stauts"
    error = await ann.post("/auth/login", 422, email="a", password="b", remember=True)
    assert [problem["field"] for problem in error["fields"]] == ["remember"]


async def test_a_request_id_goes_in_and_out(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/version", headers={"X-Request-ID": "abc-1"})).headers["X-Request-ID"] == "abc-1"
    forged = await anyone.get("/version", headers={"X-Request-ID": "a b\tc" * 100})
    assert len(forged.headers["X-Request-ID"]) == 36


async def test_a_bug_carries_a_request_id_and_no_trace(settings: Settings, database: Database, bus: Bus) -> None:
    app = create_app(settings, database, bus)

    async def broken() -> None:
        raise RuntimeError("the secret is swordfish")

    app.add_api_route("/broken", broken)
    async with client_of(app) as client:
        answer = await client.get("/broken", headers={"X-Request-ID": "find-me"})
    error = body(answer, 500)
    assert error["code"] == "SERVER_001"
    assert error["details"] == "request id find-me"
    assert "swordfish" not in answer.text
    assert answer.headers["X-Request-ID"] == "find-me"


async def test_a_caller_is_told_the_limit_and_stopped_at_it(
    tmp_path: Path, database: Database, bus: Bus, ann: Person
) -> None:
    settings = Settings(data_dir=tmp_path, rate_limit_requests=3, rate_limit_seconds=3600)
    async with client_of(create_app(settings, database, bus)) as client:
        answers = [await client.get("/auth/me", headers=dict(ann.client.headers)) for _ in range(4)]
        stranger = await client.get("/auth/me")
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert body(answers[3], 429)["code"] == "RATE_001"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 3600
    assert answers[3].headers["X-RateLimit-Limit"] == "3"
    assert int(answers[3].headers["X-RateLimit-Reset"]) % 3600 == 0
    assert stranger.headers["X-RateLimit-Remaining"] == "2", "another caller has a window of its own"


async def test_the_database_being_away_is_a_503_and_liveness_goes_on(settings: Settings, bus: Bus) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    async with client_of(create_app(settings, database, bus)) as client:
        assert body(await client.get("/liveness"), 200)["status"] == "alive"
        health = await client.get("/health")
        assert health.status_code == 503
        assert health.json()["data"]["status"] == "down"
        guess = {"email": "a@example.com", "password": "12345678"}
        refused = await client.post("/auth/login", json=guess)
        assert body(refused, 503)["message"] == "The database cannot be reached."
        assert refused.headers["Retry-After"] == "5"
    await database.close()


async def test_a_route_without_a_policy_does_not_start() -> None:
    async def forgotten() -> None: ...

    app = FastAPI()
    routes = router("Agents")
    routes.add_api_route("/forgotten", forgotten)
    app.include_router(routes)
    with pytest.raises(StartupError, match="/forgotten"):
        policies(app)
    declare(forgotten, Access.PUBLIC)


async def test_the_docs_need_no_network(anyone: httpx.AsyncClient) -> None:
    for path in ("/docs", "/redoc"):
        page = await anyone.get(path)
        assert page.status_code == 200
        assert "http://" not in page.text.replace("http://api", "")
        assert "https://" not in page.text
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js"):
        assert (await anyone.get(f"/docs/files/{file}")).status_code == 200


async def test_probes_and_version_answer(anyone: httpx.AsyncClient) -> None:
    for path in ("/health", "/readiness"):
        answer = await anyone.get(path)
        assert answer.status_code == 503
        told = answer.json()["data"]
        assert told["status"] == "down" and "no worker says that it is there" in told["reason"]
    assert body(await anyone.get("/version"), 200)["version"]


@pytest.mark.parametrize("state", ["53100", "53300", "57P01", "58030"], ids=["disk full", "clients", "stop", "i/o"])
async def test_a_database_that_cannot_work_is_no_fault_of_the_request(database: Database, state: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"
    with pytest.raises(DBAPIError) as raised:
        async with database.platform() as connection:
            await connection.execute(text(raising))
    assert isinstance(envelope.known(raised.value), Unavailable)


async def test_a_405_says_all_that_the_path_takes_and_a_routes_own_word_is_no_id(ann: Person) -> None:
    for path, allowed in (("/agents", "GET, POST"), (f"/agents/{ann.organization_id}", "DELETE, GET, PUT")):
        response = await ann.client.patch(path)
        assert (body(response, 405)["code"], response.headers["Allow"]) == ("REQUEST_002", allowed)
    response = await ann.client.delete("/integrations/providers")
    assert (body(response, 405)["code"], response.headers["Allow"]) == ("REQUEST_002", "GET")


async def test_a_body_that_may_be_left_out_is_not_null(ann: Person) -> None:
    agent = await ann.post("/agents", name="Clara")
    path, as_json = f"/agents/{agent['id']}/clone", {"Content-Type": "application/json"}
    refused = await ann.client.post(path, content=b" null ", headers=as_json)
    assert body(refused, 422)["fields"][0]["field"] == "body"
    assert body(await ann.client.post(path, content=b"", headers=as_json), 201)["name"] == "Clara (copy)"
