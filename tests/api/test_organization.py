"""The organization, who is in it, and who is invited."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from tests.api.conftest import PASSWORD, Hire, Person, body, sign_in
from tests.api.post import Post, token
from voiceera.rules.permissions import Role
from voiceera.store.base import Database


async def accept(client: httpx.AsyncClient, token: str) -> httpx.Response:
    joined = {"token": token, "password": PASSWORD, "first_name": "Mae", "last_name": "Member"}
    return await client.post("/invitations/accept", json=joined)


async def test_an_owner_renames_the_organization(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    before = await ann.get("/organization")
    assert (before["id"], before["name"]) == (ann.organization_id, "A Person")
    assert (await ann.put("/organization", name=" Acme "))["name"] == "Acme"
    assert (await member.get("/organization"))["name"] == "Acme"
    assert (await member.put("/organization", 403, name="Mine"))["code"] == "AUTH_004"
    await ann.put("/organization", 422, name=" ")
    assert (await ann.put("/organization", 422, id=member.id))["fields"][0]["field"] == "id"


async def test_everybody_sees_their_colleagues_and_nobody_else(ann: Person, bob: Person, hire: Hire) -> None:
    viewer = await hire(ann, Role.VIEWER)
    members = await viewer.get("/organization/members", sort="created_at")
    assert [member["id"] for member in members["items"]] == [ann.id, viewer.id]
    assert [member["id"] for member in (await ann.get("/organization/members", role="viewer"))["items"]] == [
        viewer.id
    ]
    assert (await bob.get("/organization/members"))["total"] == 1


async def test_who_is_invited_comes_in_with_the_link_once(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    invited = await ann.post("/invitations", email="mae@example.com", role="viewer")
    assert (invited["status"], invited["invited_by"]) == ("pending", ann.id)
    letter = await post.one("invited")
    assert (letter["To"], "A Person invites you" in letter.get_content()) == ("mae@example.com", True)
    joined = body(await accept(anyone, token(letter)), 201)
    assert (joined["role"], joined["organization_id"]) == ("viewer", ann.organization_id)
    mae = await sign_in(anyone, "mae@example.com")
    await mae.post("/agents", 403, name="Clara")
    assert body(await accept(anyone, token(letter)), 401)["code"] == "AUTH_003"
    assert (await ann.get("/invitations"))["items"] == []


async def test_of_many_that_accept_at_once_one_comes_in(ann: Person, anyone: httpx.AsyncClient, post: Post) -> None:
    await ann.post("/invitations", email="mae@example.com")
    mailed = token(await post.one("invited"))
    answers = await asyncio.gather(*(accept(anyone, mailed) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 9


async def test_a_withdrawn_or_expired_or_renewed_invitation_lets_nobody_in(
    ann: Person, anyone: httpx.AsyncClient, post: Post, database: Database
) -> None:
    invited = await ann.post("/invitations", email="mae@example.com")
    first = token(await post.one("invited"))
    again = await ann.post("/invitations", email="MAE@example.com")
    assert [each["id"] for each in (await ann.get("/invitations"))["items"]] == [again["id"]]
    body(await accept(anyone, first), 401)
    second = token(await post.one("invited"))
    assert (await ann.delete(f"/invitations/{invited['id']}", 404))["code"] == "INVITATION_001"
    await ann.delete(f"/invitations/{again['id']}")
    body(await accept(anyone, second), 401)
    await ann.post("/invitations", email="mae@example.com")
    third = token(await post.one("invited"))
    async with database.platform() as connection:
        await connection.execute(text("UPDATE invitations SET expires_at = now() WHERE ended_at IS NULL"))
    body(await accept(anyone, third), 401)
    assert [each["status"] for each in (await ann.get("/invitations", status="expired"))["items"]] == ["expired"]


async def test_inviting_tells_nothing_of_other_organizations(
    ann: Person, bob: Person, anyone: httpx.AsyncClient, post: Post
) -> None:
    answers = [await ann.post("/invitations", email=email) for email in ("mae@example.com", bob.email)]
    kept = [{key: value for key, value in each.items() if key not in ("id", "email")} for each in answers]
    assert all(each.keys() == answers[0].keys() for each in answers)
    assert [each["status"] for each in kept] == ["pending", "pending"]
    letters = {str(letter["To"]): letter.get_content() for letter in await post.goes_round()}
    assert "#token=" in letters["mae@example.com"]
    assert "an account for this address already" in letters[bob.email]
    assert "#token=" not in letters[bob.email]
    assert (await ann.post("/invitations", 409, email="ANN@example.com"))["code"] == "USER_002"


async def test_only_owners_invite(ann: Person, bob: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    invited = await ann.post("/invitations", email="mae@example.com")
    await member.post("/invitations", 403, email="eve@example.com")
    await member.get("/invitations", 403)
    await member.delete(f"/invitations/{invited['id']}", 403)
    await bob.delete(f"/invitations/{invited['id']}", 404)
    assert (await bob.get("/invitations"))["total"] == 0


@pytest.mark.parametrize("role", ["owner", "admin", "boss"])
async def test_nobody_is_invited_to_rule(ann: Person, role: str) -> None:
    assert (await ann.post("/invitations", 422, email="mae@example.com", role=role))["fields"][0]["field"] == "role"


async def test_a_name_cannot_write_lines_of_its_own_into_a_mail(ann: Person, post: Post) -> None:
    await ann.put("/organization", name="Acme\r\nBcc: all@example.com\n\nhttp://evil.example")
    await ann.post("/invitations", email="mae@example.com")
    letter = await post.one("invited")
    assert letter["Bcc"] is None
    assert "\nhttp://evil.example" not in letter.get_content()
