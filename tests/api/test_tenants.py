"""Another tenant's rows are not there: every route with an id in its path, and every list that filters by one."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person
from tests.api.surface import SEEDS, Route, ask, routes, seeded
from voiceera import ids
from voiceera.config import Settings
from voiceera.rules.permissions import Access
from voiceera.store.base import Database


@pytest.fixture
async def theirs(bob: Person, database: Database, settings: Settings) -> dict[str, str]:
    """Bob's rows, one of every noun."""
    book: CallBook = await book_of(database, settings, bob)
    return await seeded(bob, book)


def asking(app: FastAPI) -> list[Route]:
    """Routes that look at a row for a caller who is signed in, and for whom there are other tenants."""
    return [route for route in routes(app) if route.ids and route.access not in (Access.PUBLIC, Access.ADMIN)]


def seen(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """All of an answer but when it was given and to which request."""
    passing = ("x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset")
    headers = {name: value for name, value in response.headers.items() if name not in passing}
    document = response.json() if response.content else None
    if isinstance(document, dict):
        document.pop("timestamp", None)
    return response.status_code, headers, document


def test_every_id_in_a_path_has_a_seed(app: FastAPI) -> None:
    named = {name for route in asking(app) for name in route.ids}
    assert named <= SEEDS.keys(), f"add a line to SEEDS in tests/api/surface.py for {sorted(named - SEEDS.keys())}"


async def test_another_tenants_id_is_answered_like_one_that_never_was(
    app: FastAPI, ann: Person, theirs: dict[str, str]
) -> None:
    wrong = []
    for route in asking(app):
        never = {name: str(ids.new_id()) for name in theirs}
        other, random = seen(await ask(ann.client, route, theirs)), seen(await ask(ann.client, route, never))
        if other[0] != 404 or other != random:
            wrong.append(f"{route}: {other} is not {random}")
    assert not wrong, "\n".join(wrong)


async def test_the_seeds_are_rows_that_their_owner_sees(app: FastAPI, bob: Person, theirs: dict[str, str]) -> None:
    """Else the test above would compare nothing with nothing."""
    looking = [route for route in asking(app) if route.method == "GET" and not route.path.endswith("/events")]
    answers = {str(route): (await ask(bob.client, route, theirs)).status_code for route in looking}
    assert {name: status for name, status in answers.items() if status != 200} == {}
    assert len(answers) > 10


async def test_a_filter_by_another_tenants_id_finds_what_one_that_never_was_finds(
    app: FastAPI, ann: Person, theirs: dict[str, str]
) -> None:
    document = (await ann.client.get("/openapi.json")).json()
    compared = 0
    for path, operations in document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] != "query" or name not in theirs or "{" in path:
                continue
            other = seen(await ann.client.get(path, params={name: theirs[name]}))
            assert other == seen(await ann.client.get(path, params={name: str(ids.new_id())})), (path, name)
            compared += 1
    assert compared > 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/campaigns", {"name": "Spring", "agent_id": "agent_id"}),
        ("/calls", {"agent_id": "agent_id", "to": "+12025550123"}),
    ],
)
async def test_a_body_that_names_another_tenants_row_names_nothing(
    ann: Person, theirs: dict[str, str], path: str, body: dict[str, str]
) -> None:
    await ann.post("/integrations", name="Line", type="telephony", provider="scripted")

    async def answer(rows: dict[str, str]) -> Any:
        return seen(await ann.client.post(path, json={name: rows.get(value, value) for name, value in body.items()}))

    never = {name: str(ids.new_id()) for name in theirs}
    assert await answer(theirs) == await answer(never)
    assert (await answer(theirs))[0] == 404
