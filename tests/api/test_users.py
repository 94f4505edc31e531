"""Who may see, change and remove whom."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import PASSWORD, Hire, Person, body, client_of, sign_in
from voiceera.rules.permissions import Role
from voiceera.store.base import Database

NEW_PASSWORD = "another horse battery"


async def test_everybody_reads_and_renames_themselves(ann: Person, hire: Hire) -> None:
    viewer = await hire(ann, Role.VIEWER)
    for person in (ann, viewer):
        mine = await person.get(person.path)
        assert mine == await person.get("/auth/me")
        changed = await person.put(person.path, first_name=" Grace ", last_name="Hopper")
        assert (changed["first_name"], changed["last_name"]) == ("Grace", "Hopper")
        assert await person.get("/auth/me") == changed


async def test_a_colleague_is_seen_and_only_an_owner_changes_them(ann: Person, hire: Hire) -> None:
    member, viewer = await hire(ann, Role.MEMBER), await hire(ann, Role.VIEWER)
    assert (await member.get(viewer.path))["role"] == "viewer"
    assert (await member.put(viewer.path, 403, first_name="X"))["code"] == "AUTH_004"
    assert (await member.delete(viewer.path, 403))["code"] == "AUTH_004"
    assert (await ann.put(viewer.path, first_name="X", role="member"))["role"] == "member"
    assert await viewer.get("/auth/me") == await ann.get(viewer.path)


async def test_another_tenants_user_reads_as_one_that_never_was(ann: Person, bob: Person) -> None:
    requests: list[tuple[str, str, Any]] = [("GET", "", None), ("PUT", "", {}), ("DELETE", "", None)]
    requests += [("PUT", "", {"password": NEW_PASSWORD, "current_password": PASSWORD})]
    requests += [("GET", "/agents", None), ("GET", "/campaigns", None)]
    for method, tail, content in requests:
        answers = []
        for user_id in (bob.id, str(uuid4())):
            answer = await ann.client.request(method, f"/users/{user_id}{tail}", json=content)
            document = answer.json()
            del document["timestamp"]
            answers.append((answer.status_code, document))
        assert answers[0] == answers[1], (method, tail)
        assert answers[0][0] == 404
    assert (await bob.get("/auth/me"))["email"] == "bob@example.com"


async def test_nobody_raises_themselves(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    for role in ("owner", "admin"):
        await member.put(member.path, 403, role=role)
    await ann.put(ann.path, 403, role="admin")
    await ann.put(member.path, 403, role="admin")
    await member.put(member.path, 403, is_active=False)
    assert (await member.get("/auth/me"))["role"] == "member"
    assert (await member.put(member.path, role="member", is_active=True))["role"] == "member", (
        "unchanged is no change"
    )


async def test_an_owner_has_no_power_over_an_administrator(ann: Person, root: Person, hire: Hire) -> None:
    second = await hire(ann, Role.OWNER)
    await root.put(second.path, role="admin")
    for change in ({"role": "member"}, {"email": "mine@example.com"}, {"is_active": False}, {"first_name": "X"}):
        await ann.put(second.path, 403, **change)
    await ann.delete(second.path, 403)


async def test_the_last_owner_stays(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    for refused in (
        await ann.put(ann.path, 409, role="member"),
        await ann.put(ann.path, 409, is_active=False),
        await ann.delete(ann.path, 409),
    ):
        assert (refused["code"], "owner" in refused["message"]) == ("USER_002", True)
    await ann.put(member.path, role="owner", is_active=False)
    assert (await ann.put(ann.path, 409, role="member"))["code"] == "USER_002", "who cannot sign in heads nothing"
    await ann.put(member.path, is_active=True)
    assert (await ann.put(ann.path, role="viewer"))["role"] == "viewer"
    await sign_in(member.client, member.email)
    await member.delete(member.path, 409)


async def test_of_two_owners_who_leave_at_once_one_stays(ann: Person, hire: Hire) -> None:
    other = await hire(ann, Role.OWNER)
    answers = await asyncio.gather(
        *(person.client.put(person.path, json={"role": "member"}) for person in (ann, other)),
        *(person.client.put(person.path, json={"is_active": False}) for person in (ann, other)),
    )
    owners = [user for user in await _users_of(ann, other) if user["role"] == "owner" and user["is_active"]]
    assert len(owners) == 1, [answer.text for answer in answers]


async def _users_of(*people: Person) -> list[Any]:
    """What either of them, whoever is still let in, sees of both."""
    for person in people:
        answers = [await person.client.get(each.path) for each in people]
        if answers[0].status_code == 200:
            return [body(answer, 200) for answer in answers]
    raise AssertionError("nobody is let in any more")


async def test_the_last_administrator_stays(root: Person, ann: Person, hire: Hire) -> None:
    await root.put(root.path, 409, role="owner")
    await root.delete(root.path, 409)
    assert (await root.post(f"/admin{root.path}/deactivate", 409))["code"] == "USER_002"
    await root.put(ann.path, role="admin")
    await root.put(root.path, role="owner")
    await ann.get("/users")
    await root.get("/users", 403)


async def test_a_new_password_takes_the_current_one_and_ends_other_sessions(
    ann: Person, app: FastAPI, anyone: httpx.AsyncClient
) -> None:
    async with client_of(app) as client:
        elsewhere = await sign_in(client, ann.email)
        for wrong in ({}, {"current_password": "a wrong guess"}, {"current_password": None}):
            error = await ann.put(ann.path, 422, password=NEW_PASSWORD, **wrong)
            assert [problem["field"] for problem in error["fields"]] == ["current_password"]
        await ann.put(ann.path, password=NEW_PASSWORD, current_password=PASSWORD)
        await ann.get("/auth/me")
        assert (await elsewhere.get("/auth/me", 401))["code"] == "AUTH_003"
    bearer = {"refresh_token": elsewhere.tokens["refresh_token"]}
    body(await anyone.post("/auth/refresh-token", json=bearer), 401)
    body(await anyone.post("/auth/login", json={"email": ann.email, "password": PASSWORD}), 401)
    await sign_in(anyone, ann.email, NEW_PASSWORD)


async def test_nobody_sets_another_ones_password(ann: Person, root: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    for person in (ann, root):
        await person.put(member.path, 403, password=NEW_PASSWORD, current_password=PASSWORD)
    await sign_in(member.client, member.email)


async def test_an_address_moves_with_its_person_and_is_one_persons(
    ann: Person, bob: Person, anyone: httpx.AsyncClient
) -> None:
    assert (await ann.put(ann.path, 409, email="BOB@example.com"))["code"] == "USER_002"
    assert (await ann.put(ann.path, 422, email="nowhere"))["fields"][0]["field"] == "email"
    assert (await ann.put(ann.path, email="ANN@example.com"))["email"] == "ANN@example.com"
    await ann.put(ann.path, email="grace@example.com")
    await sign_in(anyone, "grace@example.com")
    body(await anyone.post("/auth/login", json={"email": "ann@example.com", "password": PASSWORD}), 401)
    await bob.put(bob.path, email="ann@example.com")


@pytest.mark.parametrize("field", ["id", "organization_id", "created_at", "last_login_at"])
async def test_what_is_read_only_may_come_back_and_not_change(ann: Person, field: str) -> None:
    mine = await ann.get(ann.path)
    assert await ann.put(ann.path, **mine) == mine
    changed = str(uuid4()) if field.endswith("id") else "2020-01-01T00:00:00Z"
    assert (await ann.put(ann.path, 422, **{field: changed}))["fields"][0]["field"] == field


async def test_a_deleted_person_is_erased_and_what_they_made_remains(
    ann: Person, hire: Hire, database: Database
) -> None:
    member = await hire(ann, Role.MEMBER)
    agent = await member.post("/agents", name="Clara")
    await ann.delete(member.path)
    await member.get("/auth/me", 401)
    await ann.get(member.path, 404)
    assert (await ann.get(f"/agents/{agent['id']}"))["created_by"] == member.id
    async with database.platform() as connection:
        for table in ("users", "logins", "sessions"):
            held = await connection.scalar(text(f"SELECT string_agg(t::text, ' ') FROM {table} AS t"))
            assert member.email not in held
        row = (await connection.execute(text("SELECT * FROM users WHERE deleted_at IS NOT NULL"))).one()
        assert (row.email, row.first_name, row.last_name, row.password_hash, row.last_address) == (
            *(None, "", ""),
            *(None, None),
        )


async def test_the_lists_of_a_user_hold_what_they_made(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    agent = await member.post("/agents", name="Clara")
    await ann.post("/agents", name="Doris")
    await ann.post("/campaigns", name="Theirs", agent_id=agent["id"])
    await member.post("/campaigns", name="Mine", agent_id=agent["id"])
    agents = await ann.get(f"{member.path}/agents")
    assert [each["name"] for each in agents["items"]] == ["Clara"]
    campaigns = await ann.get(f"{member.path}/campaigns", agent_id=agent["id"], status="draft")
    assert [each["name"] for each in campaigns["items"]] == ["Mine"]
    assert (await ann.get(f"{member.path}/campaigns", search="Theirs"))["total"] == 0


async def test_an_administrator_lists_finds_and_sorts_the_users_of_all(
    root: Person, ann: Person, bob: Person
) -> None:
    async def emails(**query: Any) -> list[str]:
        return [user["email"] for user in (await root.get("/users", **query))["items"]]

    everybody = ["ann@example.com", "bob@example.com", "root@example.com"]
    assert await emails(sort="email") == everybody
    assert await emails(search="BOB@", sort="email") == ["bob@example.com"]
    assert await emails(search="a person", sort="-email") == ["bob@example.com", "ann@example.com"]
    assert await emails(role="admin") == ["root@example.com"]
    assert await emails(organization_id=ann.organization_id) == ["ann@example.com"]
    assert await emails(date_from="2100-01-01") == []
    await root.post(f"/admin{bob.path}/deactivate", 200)
    assert await emails(status="inactive") == ["bob@example.com"]
    assert await emails(status="active", sort="email") == ["ann@example.com", "root@example.com"]
    await root.get("/users", 422, status="asleep")
    await root.get("/users", 422, sort="password_hash")
    assert (await ann.get("/users", 403))["code"] == "AUTH_004"
    assert (await root.get(bob.path))["is_active"] is False
    assert (await root.get(f"{ann.path}/agents"))["total"] == 0
