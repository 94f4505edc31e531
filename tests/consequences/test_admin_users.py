"""What the administrator's routes for users do, seen elsewhere."""

import httpx
import pytest

from tests.api.conftest import PASSWORD, Hire, Person, body, sign_in
from tests.consequences.conftest import Line
from voiceera.rules.permissions import Role


@pytest.mark.consequence("GET /admin/users")
async def test_sessions_and_organization_are_shown(root: Person, ann: Person) -> None:
    async def sessions() -> int:
        [shown] = (await root.get("/admin/users", search=ann.email))["items"]
        assert shown["organization"]["id"] == ann.organization_id
        return len(shown["sessions"])

    assert await sessions() == 1
    await sign_in(ann.client, ann.email)
    assert await sessions() == 2
    await ann.client.post("/auth/logout")
    assert await sessions() == 1


@pytest.mark.consequence("POST /admin/users/{user_id}/activate")
async def test_the_activated_sign_in_again(root: Person, ann: Person, anyone: httpx.AsyncClient) -> None:
    await root.post(f"/admin{ann.path}/deactivate", 200)
    login = {"email": ann.email, "password": PASSWORD}
    assert body(await anyone.post("/auth/login", json=login), 401)["code"] == "AUTH_001"
    await root.post(f"/admin{ann.path}/activate", 200)
    assert body(await anyone.post("/auth/login", json=login), 200)["user"]["id"] == ann.id


@pytest.mark.consequence("POST /admin/users/{user_id}/deactivate")
async def test_tokens_die_and_campaigns_pause_when_no_active_owner_is_left(
    line: Line, root: Person, hire: Hire
) -> None:
    ann = line.person
    second, viewer = await hire(ann, Role.OWNER), await hire(ann, Role.VIEWER)
    path = f"/campaigns/{(await line.launched())['id']}"
    await root.post(f"/admin{ann.path}/deactivate", 200)
    assert (await ann.get("/auth/me", 401))["code"] == "AUTH_003"
    assert (await viewer.get(path))["status"] == "active", "the second owner answers for it"
    await root.post(f"/admin{second.path}/deactivate", 200)
    assert (await viewer.get(path))["status"] == "paused"
    assert (await line.rounds(), await line.rung()) == (0, [])
