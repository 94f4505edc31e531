"""What registering and signing in do, seen in the database and by the tokens' power."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tests.api.conftest import PASSWORD, Person, body
from tests.api.post import Post, link, token
from voiceera.store.base import Database

EVE = {"email": "Eve@example.com", "password": PASSWORD, "first_name": "Eve", "last_name": "Moneypenny"}


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/auth/login", json={"email": email, "password": password})


async def rows(database: Database, statement: str, **values: Any) -> list[Any]:
    async with database.platform() as connection:
        return list((await connection.execute(text(statement), values)).all())


@pytest.mark.consequence("POST /auth/register")
async def test_who_registers_can_sign_in_owns_an_organization_and_has_the_address_alone(
    anyone: httpx.AsyncClient, database: Database
) -> None:
    user = body(await anyone.post("/auth/register", json={**EVE, "organization_name": "Universal Exports"}), 201)
    assert body(await sign_in(anyone, "eve@example.com"), 200)["user"]["id"] == user["id"]
    again = body(await anyone.post("/auth/register", json={**EVE, "email": "EVE@EXAMPLE.COM"}), 409)
    assert again["code"] == "USER_002"
    [organization] = await rows(
        database, "SELECT name FROM organizations WHERE id = :id", id=UUID(user["organization_id"])
    )
    assert (organization.name, user["role"]) == ("Universal Exports", "owner")


@pytest.mark.consequence("POST /auth/login")
async def test_a_sign_in_opens_who_am_i_and_moves_the_last_login_and_a_wrong_password_is_noted(
    anyone: httpx.AsyncClient, database: Database
) -> None:
    user = body(await anyone.post("/auth/register", json=EVE), 201)
    assert user["last_login_at"] is None

    async def last_login() -> datetime:
        token = body(await sign_in(anyone, EVE["email"]), 200)["token"]
        me = body(await anyone.get("/auth/me", headers={"Authorization": f"Bearer {token}"}), 200)
        assert me["id"] == user["id"]
        return datetime.fromisoformat(me["last_login_at"])

    assert await last_login() < await last_login()
    assert body(await sign_in(anyone, EVE["email"], "wrong"), 401)["code"] == "AUTH_001"
    noted = await rows(database, "SELECT subject_id FROM audit WHERE action = 'login_failed'")
    assert [str(line.subject_id) for line in noted] == [user["id"]]


@pytest.mark.consequence("POST /auth/refresh-token")
async def test_a_refresh_token_is_dead_once_used_and_using_it_ends_the_session(
    ann: Person, anyone: httpx.AsyncClient
) -> None:
    used = {"refresh_token": ann.tokens["refresh_token"]}
    fresh = body(await anyone.post("/auth/refresh-token", json=used), 200)
    bearer = {"Authorization": f"Bearer {fresh['token']}"}
    assert body(await anyone.get("/auth/me", headers=bearer), 200)["id"] == ann.id
    assert body(await anyone.post("/auth/refresh-token", json=used), 401)["code"] == "AUTH_003"
    body(await anyone.get("/auth/me", headers=bearer), 401)
    body(await anyone.post("/auth/refresh-token", json={"refresh_token": fresh["refresh_token"]}), 401)


@pytest.mark.consequence("GET /auth/me")
async def test_who_am_i_shows_what_was_just_changed(ann: Person) -> None:
    await ann.put(ann.path, first_name="Ada", email="ada@example.com")
    me = await ann.get("/auth/me")
    assert (me["first_name"], me["last_name"], me["email"]) == ("Ada", "Person", "ada@example.com")


@pytest.mark.consequence("POST /auth/logout")
async def test_after_signing_out_the_access_token_is_refused_at_once(ann: Person) -> None:
    await ann.get("/auth/me")
    body(await ann.client.post("/auth/logout"), 204)
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"


@pytest.mark.consequence("POST /auth/forgot-password")
async def test_a_mail_with_a_working_link_comes_and_none_for_an_unknown_address(
    ann: Person, anyone: httpx.AsyncClient, post: Post
) -> None:
    for email in (ann.email, "nobody@example.com"):
        body(await anyone.post("/auth/forgot-password", json={"email": email}), 200)
    [letter] = await post.goes_round()
    assert letter["To"] == ann.email
    page, _, secret = link(letter).partition("#token=")
    assert (await anyone.get(page.removeprefix("http://127.0.0.1:8000"))).status_code == 200
    chosen = {"token": secret, "new_password": "another horse battery"}
    body(await anyone.post("/auth/reset-password", json=chosen), 200)


@pytest.mark.consequence("POST /auth/reset-password")
async def test_the_new_password_signs_in_and_neither_the_old_one_nor_a_session_does(
    ann: Person, anyone: httpx.AsyncClient, post: Post
) -> None:
    await anyone.post("/auth/forgot-password", json={"email": ann.email})
    chosen = {"token": token(await post.one("new password")), "new_password": "another horse battery"}
    body(await anyone.post("/auth/reset-password", json=chosen), 200)
    body(await sign_in(anyone, ann.email), 401)
    await ann.get("/auth/me", 401)
    body(await sign_in(anyone, ann.email, "another horse battery"), 200)
    assert body(await anyone.post("/auth/reset-password", json=chosen), 401)["code"] == "AUTH_003"
