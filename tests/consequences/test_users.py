"""What the routes of users do, seen elsewhere."""

import pytest

from tests.api.conftest import PASSWORD, Hire, Person, body, join, sign_in
from tests.consequences.conftest import Line
from voiceera.rules.permissions import Role


@pytest.mark.consequence("GET /users")
async def test_who_registered_a_moment_ago_is_listed(root: Person, ann: Person) -> None:
    assert (await root.get("/users"))["items"][0] == await ann.get("/auth/me")


@pytest.mark.consequence("GET /users/{user_id}")
async def test_a_colleague_sees_somebody_whom_a_stranger_does_not(ann: Person, bob: Person, hire: Hire) -> None:
    colleague = await hire(ann, Role.VIEWER)
    assert await colleague.get(ann.path) == await ann.get("/auth/me")
    assert (await bob.get(ann.path, 404))["code"] == "USER_001"


@pytest.mark.consequence("PUT /users/{user_id}")
async def test_who_am_i_shows_a_change_and_a_new_password_ends_other_sessions(ann: Person) -> None:
    elsewhere = await sign_in(ann.client, ann.email)
    ann.client.headers["Authorization"] = f"Bearer {ann.tokens['token']}"
    await ann.put(ann.path, last_name="Lovelace", password="a new horse battery", current_password=PASSWORD)
    assert (await ann.get("/auth/me"))["last_name"] == "Lovelace"
    ann.client.headers["Authorization"] = f"Bearer {elsewhere.tokens['token']}"
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"


@pytest.mark.consequence("DELETE /users/{user_id}")
async def test_a_deleted_user_cannot_sign_in_and_the_agents_made_remain(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    agent = await member.post("/agents", name="Clara")
    await member.delete(member.path)
    login = {"email": member.email, "password": PASSWORD}
    assert body(await member.client.post("/auth/login", json=login), 401)["code"] == "AUTH_001"
    assert (await ann.get("/agents"))["items"] == [agent]
    # The address is nobody's now.
    again = await join(member.client, member.email)
    assert again.organization_id != ann.organization_id


@pytest.mark.consequence("GET /users/{user_id}/agents")
async def test_the_agents_of_a_user_are_exactly_those_created(ann: Person, hire: Hire) -> None:
    member = await hire(ann, Role.MEMBER)
    made = [await member.post("/agents", name=name) for name in ("Clara", "Doris")]
    await ann.post("/agents", name="Emma")
    assert (await ann.get(f"{member.path}/agents", sort="name"))["items"] == made
    await member.delete(f"/agents/{made[0]['id']}")
    assert (await ann.get(f"{member.path}/agents"))["items"] == made[1:]


@pytest.mark.consequence("GET /users/{user_id}/campaigns")
async def test_the_campaigns_of_a_user_are_exactly_those_created(line: Line, hire: Hire) -> None:
    ann = line.person
    member = await hire(ann, Role.MEMBER)
    await line.campaign(name="Ann's")
    made = await member.post("/campaigns", name="The member's", agent_id=line.agent_id)
    assert [each["id"] for each in (await ann.get(f"{member.path}/campaigns"))["items"]] == [made["id"]]
    assert [each["name"] for each in (await member.get(f"{ann.path}/campaigns"))["items"]] == ["Ann's"]
