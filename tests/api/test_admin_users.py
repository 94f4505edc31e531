"""The operator's switch, and what it does at once."""

import asyncio

import httpx
from fastapi import FastAPI

from tests.api.conftest import PASSWORD, Hire, Person, body, sign_in
from voiceera.rules.permissions import Role


async def test_users_are_shown_with_their_sessions_and_organization(root: Person, ann: Person) -> None:
    await sign_in(ann.client, ann.email)
    shown = (await root.get("/admin/users", search="ann@"))["items"][0]
    assert shown["organization"] == {"id": ann.organization_id, "name": "A Person"}
    assert len(shown["sessions"]) == 2
    assert shown["last_address"] == shown["sessions"][0]["address"] == "127.0.0.1"
    await ann.client.post("/auth/logout", params={"all": "true"})
    assert (await root.get("/admin/users", search="ann@"))["items"][0]["sessions"] == []
    await ann.get("/admin/users", 401)


async def test_deactivation_acts_at_once_and_activation_lets_in_again(
    root: Person, ann: Person, anyone: httpx.AsyncClient
) -> None:
    shown = await root.post(f"/admin{ann.path}/deactivate", 200)
    assert (shown["is_active"], shown["sessions"]) == (False, [])
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"
    login = {"email": ann.email, "password": PASSWORD}
    body(await anyone.post("/auth/login", json=login), 401)
    body(await anyone.post("/auth/refresh-token", json={"refresh_token": ann.tokens["refresh_token"]}), 401)
    await root.post(f"/admin{ann.path}/deactivate", 200)
    assert (await root.post(f"/admin{ann.path}/activate", 200))["is_active"] is True
    await sign_in(anyone, ann.email)
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003", "ended sessions stay ended"


async def test_only_administrators_have_the_switch(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    for tail in ("activate", "deactivate"):
        assert (await ann.post(f"/admin{member.path}/{tail}", 403))["code"] == "AUTH_004"


async def test_of_two_administrators_who_lock_each_other_out_one_stays(
    root: Person, app: FastAPI, hire: Hire
) -> None:
    other = await hire(root, Role.ADMIN)
    await asyncio.gather(
        root.client.post(f"/admin{other.path}/deactivate"), other.client.post(f"/admin{root.path}/deactivate")
    )
    statuses = sorted([(await person.client.get("/admin/users")).status_code for person in (root, other)])
    assert statuses == [200, 401]
