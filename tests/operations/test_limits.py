"""Limits by caller, and the headers that tell of them on every answer of the API."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import Person, body, client_of
from tests.api.test_campaigns import make_campaign
from voiceera.api.app import create_app
from voiceera.config import Settings
from voiceera.store.base import Database
from voiceera.store.bus import Bus

TOLD = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


async def test_every_answer_of_the_api_tells_the_limits_a_bug_and_a_missing_route_included(
    app: FastAPI, ann: Person, anyone: httpx.AsyncClient
) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    app.add_api_route("/broken", broken)
    answers = [
        await ann.client.get("/auth/me"),
        await ann.client.get("/agents", params={"no": "such"}),
        await ann.client.get("/broken"),
        await anyone.get("/nowhere"),
        await anyone.get("/agents"),
        await anyone.put("/agents"),
        await anyone.post("/auth/login", content=b"x" * 2_000_000, headers={"Content-Type": "application/json"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 500, 404, 401, 405, 413]
    for answer in answers:
        assert all(name in answer.headers for name in TOLD), answer.request.url


@pytest.mark.parametrize(
    "path",
    ["/health", "/readiness", "/liveness", "/version", "/docs", "/redoc", "/openapi.json", "/carriers/plivo/x"],
)
async def test_probes_documents_and_carriers_are_exempt(anyone: httpx.AsyncClient, path: str) -> None:
    answer = await anyone.get(path)
    assert not any(name in answer.headers for name in TOLD)


async def test_an_upload_counts_in_full_and_the_next_waits_until_it_is_paid_off(
    tmp_path: Path, database: Database, bus: Bus, ann: Person, bob: Person
) -> None:
    settings = Settings(data_dir=tmp_path, upload_bytes_per_minute=20_000)
    path = f"/campaigns/{(await make_campaign(ann))['id']}/contacts/upload"
    file = {"file": ("people.csv", b"phone\n2025550101\n" + b"\n" * 50_000, "text/csv")}
    async with client_of(create_app(settings, database, bus)) as client:
        client.headers.update(ann.client.headers)
        body(await client.post(path, files=file), 201)
        refused = await client.post(path, files=file)
        assert body(refused, 429)["code"] == "RATE_001"
        assert 60 < int(refused.headers["Retry-After"]) <= 120
        assert (await client.get("/agents")).status_code == 200, "other requests go on"
        client.headers.update(bob.client.headers)
        assert (await client.post(path, files=file)).status_code == 404, "another caller has a share of its own"
