"""Every list of the application: whatever it can be sorted by, its cursor walks it whole, and no row twice."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person
from tests.api.surface import Route, routes, seeded
from voiceera.config import Settings
from voiceera.rules.permissions import Access
from voiceera.store.base import Database

ROUNDS = 3


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


def lists(app: FastAPI) -> list[Route]:
    operations = app.openapi()["paths"]
    found = []
    for route in routes(app):
        operation = operations.get(route.path, {}).get(route.method.lower(), {}) if route.method == "GET" else {}
        names = {each["name"] for each in operation.get("parameters", [])}
        if "cursor" in names and route.access is not Access.ADMIN:
            found.append(route)
    return found


async def walked(person: Person, path: str, **query: Any) -> list[str]:
    """The ids of every page, by cursor."""
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await person.get(path, 200, limit=2, **query, **cursor)
        seen += [item.get("id") or item["call_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return seen
        cursor = {"cursor": page["next_cursor"]}


async def sortable(person: Person, path: str) -> list[str]:
    refused = await person.get(path, 422, sort="no_such_field")
    [problem] = refused["fields"]
    assert problem["field"] == "sort"
    return [name.strip() for name in problem["message"].rpartition("these can: ")[2].split(",")]


async def test_every_list_is_walked_whole_and_without_overlap_in_every_order(
    app: FastAPI, ann: Person, book: CallBook
) -> None:
    rows, *_ = [await seeded(ann, book) for _ in range(ROUNDS)]
    for route in lists(app):
        path = route.filled(rows)
        fields = await sortable(ann, path)
        whole = set(await walked(ann, path))
        for field in fields:
            for sort in (field, f"-{field}", f"{field},-{fields[0]}" if field != fields[0] else field):
                seen = await walked(ann, path, sort=sort)
                assert len(seen) == len(set(seen)) and set(seen) == whole, f"{route} by {sort}"


async def test_rows_made_while_a_list_is_walked_move_no_page(app: FastAPI, ann: Person, book: CallBook) -> None:
    rows, *_ = [await seeded(ann, book) for _ in range(ROUNDS)]
    for route in lists(app):
        path = route.filled(rows)
        before = await walked(ann, path)
        first = await ann.get(path, 200, limit=2)
        if first["next_cursor"] is None:
            continue
        await seeded(ann, book)
        rest = await ann.get(path, 200, limit=100, cursor=first["next_cursor"])
        seen = [item.get("id") or item["call_id"] for item in first["items"] + rest["items"]]
        assert seen == before, str(route)
