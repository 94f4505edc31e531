"""Keys that programs come with."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from tests.api.conftest import Hire, Person, body
from voiceera.api.shapes import iso
from voiceera.clock import utc_now
from voiceera.rules.permissions import Role
from voiceera.store.base import Database


def bearer(made: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['key']}"}


async def test_a_key_is_shown_once_and_works_like_a_token(
    ann: Person, anyone: httpx.AsyncClient, database: Database
) -> None:
    made = await ann.post("/api-keys", name="ci", scope="write")
    agent = body(await anyone.post("/agents", json={"name": "Clara"}, headers=bearer(made)), 201)
    assert agent["created_by"] == ann.id
    [listed] = (await ann.get("/api-keys"))["items"]
    assert "key" not in listed
    assert (listed["last_four"], listed["last_used_at"] is not None) == (made["key"][-4:], True)
    async with database.platform() as connection:
        held = await connection.scalar(text("SELECT string_agg(k::text, ' ') FROM api_keys AS k"))
    assert made["key"] not in held
    assert made["key"].partition(".")[2] not in held


async def test_a_key_that_reads_changes_nothing(ann: Person, anyone: httpx.AsyncClient) -> None:
    made = await ann.post("/api-keys", name="report")
    assert made["scope"] == "read"
    body(await anyone.get("/agents", headers=bearer(made)), 200)
    for method, path, fields in (
        ("POST", "/agents", {"name": "Clara"}),
        ("PUT", ann.path, {"first_name": "X"}),
        ("DELETE", ann.path, None),
        ("POST", "/api-keys", {"name": "another"}),
        ("DELETE", f"/api-keys/{made['id']}", None),
        ("PUT", "/organization", {"name": "X"}),
        ("POST", "/invitations", {"email": "mae@example.com"}),
    ):
        answer = await anyone.request(method, path, json=fields, headers=bearer(made))
        assert body(answer, 403)["code"] == "AUTH_004", (method, path)


async def test_a_key_may_what_its_owner_may(ann: Person, anyone: httpx.AsyncClient, hire: Hire) -> None:
    viewer = await hire(ann, Role.VIEWER)
    made = await viewer.post("/api-keys", name="mine", scope="write")
    body(await anyone.post("/agents", json={"name": "Clara"}, headers=bearer(made)), 403)


async def test_a_revoked_or_expired_key_and_one_of_the_locked_out_is_refused(
    ann: Person, root: Person, anyone: httpx.AsyncClient, hire: Hire, database: Database
) -> None:
    member = await hire(ann, Role.MEMBER)
    revoked = await member.post("/api-keys", name="revoked")
    short = await member.post("/api-keys", name="short", expires_at=iso(utc_now() + timedelta(hours=1)))
    kept = await member.post("/api-keys", name="kept")
    await member.delete(f"/api-keys/{revoked['id']}")
    async with database.platform() as connection:
        await connection.execute(text("UPDATE api_keys SET expires_at = now() WHERE name = 'short'"))
    for made in (revoked, short):
        assert body(await anyone.get("/auth/me", headers=bearer(made)), 401)["code"] == "AUTH_003"
    assert body(await anyone.get("/auth/me", headers=bearer(kept)), 200)["id"] == member.id
    await root.post(f"/admin{member.path}/deactivate", 200)
    body(await anyone.get("/auth/me", headers=bearer(kept)), 401)


async def test_keys_are_seen_by_their_owner_and_the_organizations(ann: Person, bob: Person, hire: Hire) -> None:
    member, other = await hire(ann, Role.MEMBER), await hire(ann, Role.MEMBER)
    made = await member.post("/api-keys", name="member's")
    assert (await other.get("/api-keys"))["items"] == []
    assert [each["id"] for each in (await ann.get("/api-keys", user_id=member.id))["items"]] == [made["id"]]
    await other.delete(f"/api-keys/{made['id']}", 403)
    assert (await bob.delete(f"/api-keys/{made['id']}", 404))["code"] == "API_KEY_001"
    await ann.delete(f"/api-keys/{made['id']}")
    assert (await member.get("/api-keys"))["items"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("expires_at", "2020-01-01T00:00:00Z"), ("scope", "admin"), ("name", " "), ("key", "vk_mine")],
)
async def test_a_key_that_does_not_fit_names_the_field(ann: Person, field: str, value: str) -> None:
    error = await ann.post("/api-keys", 422, **{"name": "ci", field: value})
    assert [problem["field"] for problem in error["fields"]] == [field]
