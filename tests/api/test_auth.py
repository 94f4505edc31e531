import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import PASSWORD, Person, body, client_of
from voiceera.services.tokens import Claims
from voiceera.store import sessions


async def test_who_registers_can_sign_in_and_is_told_who_they_are(ann: Person) -> None:
    me = await ann.get("/auth/me")
    assert (me["email"], me["role"], me["organization_id"]) == ("ann@example.com", "owner", ann.organization_id)
    assert me["last_login_at"] is not None
    assert ann.tokens["token_type"] == "bearer"
    assert ann.tokens["expires_in"] == 900


async def test_an_address_is_taken_in_whatever_case(ann: Person, anyone: httpx.AsyncClient) -> None:
    again = {"email": "ANN@Example.com", "password": PASSWORD, "first_name": "A", "last_name": "N"}
    error = body(await anyone.post("/auth/register", json=again), 409)
    assert error["code"] == "USER_002"
    tokens = body(await anyone.post("/auth/login", json={"email": "ANN@Example.com", "password": PASSWORD}), 200)
    assert tokens["user"]["id"] == ann.tokens["user"]["id"]


async def test_a_wrong_password_and_an_unknown_address_look_and_cost_the_same(
    ann: Person, anyone: httpx.AsyncClient, app: FastAPI
) -> None:
    passwords = app.state.backend.accounts.passwords
    answers, costs = [], []
    for email in ("ann@example.com", "nobody@example.com"):
        before = passwords.hashed
        answer = await anyone.post("/auth/login", json={"email": email, "password": "a wrong guess"})
        costs.append(passwords.hashed - before)
        answers.append(body(answer, 401))
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "AUTH_001"
    assert costs == [1, 1]


async def test_sign_in_is_throttled_in_the_database(anyone: httpx.AsyncClient, app: FastAPI) -> None:
    guess = {"email": "ann@example.com", "password": "a wrong guess"}
    tries = await asyncio.gather(*(anyone.post("/auth/login", json=guess) for _ in range(60)))
    # A minute may turn over in between: at most two windows of 50.
    refused = [answer for answer in tries if answer.status_code == 429]
    if refused:
        assert body(refused[0], 429)["code"] == "RATE_001"
        assert int(refused[0].headers["Retry-After"]) <= 60
    assert len(refused) == 10 or datetime.now(UTC).second < 30


async def test_logout_ends_the_access_token_at_once(ann: Person) -> None:
    await ann.client.post("/auth/logout")
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"


async def test_a_refresh_token_works_once_and_reuse_ends_the_session(ann: Person, anyone: httpx.AsyncClient) -> None:
    first = {"refresh_token": ann.tokens["refresh_token"]}
    fresh = body(await anyone.post("/auth/refresh-token", json=first), 200)
    bearer = {"Authorization": f"Bearer {fresh['refresh_token']}"}
    newest = body(await anyone.post("/auth/refresh-token", headers=bearer), 200)
    assert body(await anyone.post("/auth/refresh-token", json=first), 401)["code"] == "AUTH_003"
    bearer = {"Authorization": f"Bearer {newest['refresh_token']}"}
    assert body(await anyone.post("/auth/refresh-token", headers=bearer), 401)["code"] == "AUTH_003"
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"


async def test_an_expired_token_says_so(ann: Person, anyone: httpx.AsyncClient, app: FastAPI) -> None:
    tokens = app.state.backend.accounts.tokens
    claims = tokens.is_ours(ann.tokens["token"])
    assert isinstance(claims, Claims)
    old = tokens.issue(claims, datetime.now(UTC) - timedelta(minutes=15, seconds=1))
    error = body(await anyone.get("/auth/me", headers={"Authorization": f"Bearer {old}"}), 401)
    assert error["code"] == "AUTH_002"


async def test_a_session_past_its_end_is_over(ann: Person, app: FastAPI) -> None:
    backend = app.state.backend
    claims = backend.accounts.tokens.is_ours(ann.tokens["token"])
    async with backend.database.organization(claims.organization_id) as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await sessions.extend(connection, claims.organization_id, claims.session_id, past, past)
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no address"), ("password", "short"), ("first_name", None), ("role", "admin")],
)
async def test_a_registration_that_does_not_fit_names_the_field(
    anyone: httpx.AsyncClient, field: str, value: str | None
) -> None:
    registration = {"email": "x@example.com", "password": PASSWORD, "first_name": "X", "last_name": "Y", field: value}
    error = body(await anyone.post("/auth/register", json=registration), 422)
    assert [problem["field"] for problem in error["fields"]] == [field]
    assert PASSWORD not in str(error)
    assert "short" not in str(error["fields"][0].get("input", ""))


async def test_two_sessions_are_apart_and_all_ends_both(ann: Person, app: FastAPI) -> None:
    async with client_of(app) as other:
        tokens = body(await other.post("/auth/login", json={"email": ann.email, "password": PASSWORD}), 200)
        other.headers["Authorization"] = f"Bearer {tokens['token']}"
        body(await other.post("/auth/logout", params={"all": "true"}), 204)
        assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"
