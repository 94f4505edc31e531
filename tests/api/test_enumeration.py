"""Nobody learns who has an account by what an answer says or costs."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import PASSWORD, Person, body
from tests.api.statements import statements
from voiceera.store.base import Database

UNKNOWN = "nobody@example.com"
NAMES = {"first_name": "A", "last_name": "Person"}


@pytest.mark.parametrize(
    ("path", "fields", "hashes"),
    [
        ("/auth/login", {"password": "a wrong guess"}, 1),
        ("/auth/forgot-password", {}, 0),
        ("/auth/register", {"password": PASSWORD, **NAMES}, 1),
    ],
)
async def test_a_known_address_costs_as_many_password_hashes_as_an_unknown_one(
    ann: Person, anyone: httpx.AsyncClient, app: FastAPI, path: str, fields: dict[str, Any], hashes: int
) -> None:
    assert await _costs(app, anyone, path, [ann.email, ann.email.upper(), UNKNOWN], fields) == [hashes] * 3


async def test_an_invitation_costs_no_hash_whoever_is_invited(ann: Person, bob: Person, app: FastAPI) -> None:
    assert await _costs(app, ann.client, "/invitations", [bob.email, UNKNOWN], {}) == [0, 0]


async def test_login_and_forgot_answer_alike(ann: Person, root: Person, anyone: httpx.AsyncClient) -> None:
    await root.post(f"/admin{ann.path}/deactivate", 200)
    for path, fields, status in (
        ("/auth/login", {"password": "a wrong guess"}, 401),
        ("/auth/login", {"password": PASSWORD}, 401),
        ("/auth/forgot-password", {}, 200),
    ):
        answers = [
            body(await anyone.post(path, json={"email": email, **fields}), status) for email in (ann.email, UNKNOWN)
        ]
        assert answers[0] == answers[1], "the deactivated are as unknown as strangers"


async def test_login_and_invite_ask_the_database_as_much_for_a_stranger_as_for_a_user(
    ann: Person, bob: Person, anyone: httpx.AsyncClient, database: Database
) -> None:
    for client, path, fields in (
        (anyone, "/auth/login", {"password": "a wrong guess"}),
        (ann.client, "/invitations", {}),
    ):
        asked = []
        for email in (bob.email, UNKNOWN):
            with statements(database) as seen:
                await client.post(path, json={"email": email, **fields})
            asked.append(len(seen))
        assert asked[0] == asked[1] > 0, path


async def _costs(
    app: FastAPI, client: httpx.AsyncClient, path: str, emails: list[str], fields: dict[str, Any]
) -> list[int]:
    passwords = app.state.backend.accounts.passwords
    costs = []
    for email in emails:
        before = passwords.hashed
        assert (await client.post(path, json={"email": email, **fields})).status_code < 500
        costs.append(passwords.hashed - before)
    return costs
