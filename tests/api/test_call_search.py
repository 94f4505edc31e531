"""Searching calls: every way to the answer finds the same, in any language, for the caller's organization alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api.calls import TURNS, CallBook, book_of, saying
from tests.api.conftest import Person
from voiceera.config import Settings
from voiceera.services.calls import record_turn
from voiceera.store import call_search
from voiceera.store.base import Database

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def found(person: Person, search: str, **query: Any) -> list[str]:
    return [item["id"] for item in (await person.get("/call-logs", search=search, **query))["items"]]


@pytest.mark.parametrize(
    ("said", "search"),
    [
        ("Приём в понедельник", "понедельник"),
        ("सोमवार को मिलते हैं", "सोमवार"),
        ("Montag um 9:30 Uhr, Straße 5", "straße"),
        ("月曜日に会いましょう", "月曜日"),
        ("พบกันวันจันทร์", "จันทร์"),
        ("العربية يوم الاثنين", "الاثنين"),
        ("C'est l'été, monsieur", "été"),
        ("its path is C:\\temp and it's 'quoted'", "quoted"),
    ],
)
async def test_words_of_any_language_are_found(ann: Person, book: CallBook, said: str, search: str) -> None:
    call_id = await book.held(saying(said))
    await book.held(saying("something else"))
    assert await found(ann, search) == [call_id]


async def test_a_turn_is_found_as_soon_as_it_was_said(ann: Person, book: CallBook) -> None:
    call_id = UUID(await book.add(status="in_progress"))
    await record_turn(book.database, book.organization_id, call_id, 0, TURNS[0])
    assert await found(ann, "monday") == [str(call_id)]
    await record_turn(book.database, book.organization_id, call_id, 0, saying("On Tuesday?")[0])
    assert (await found(ann, "monday"), await found(ann, "tuesday")) == ([], [str(call_id)])


async def test_a_deleted_call_is_found_no_more(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    assert await found(ann, "monday") == [call_id]
    await ann.delete(f"/call-logs/{call_id}")
    assert await found(ann, "monday") == []


async def test_nobody_finds_another_tenants_words(
    ann: Person, bob: Person, book: CallBook, database: Database, settings: Settings
) -> None:
    theirs = await (await book_of(database, settings, bob)).held()
    assert await found(ann, "monday") == []
    assert await found(bob, "monday") == [theirs]


@pytest.mark.parametrize("walk", [0, 2, 1_000], ids=["none walked", "a few walked", "all walked"])
@pytest.mark.parametrize("many", [1, 11_000], ids=["many", "few"])
async def test_every_way_finds_the_same(
    ann: Person, book: CallBook, monkeypatch: pytest.MonkeyPatch, walk: int, many: int
) -> None:
    made = [
        await book.held(
            saying("the dentist" if index % 2 else "the garage"),
            created_at=NOON - timedelta(hours=7 * index),
            duration_seconds=index % 3,
        )
        for index in range(9)
    ]
    expected = made[1::2]
    monkeypatch.setattr(call_search, "_WALK", walk)
    monkeypatch.setattr(call_search, "FAR_BEYOND", many)
    call_search._walked.cache_clear()
    try:
        for sort, order in (("-created_at", expected), ("created_at", expected[::-1])):
            walked: list[str] = []
            query: dict[str, str] = {}
            for _ in expected:
                page = await ann.get("/call-logs", search="dentist", sort=sort, limit=3, **query)
                assert many == 1 or (page["total"], page["total_is_capped"]) == (4, False)
                walked += [item["id"] for item in page["items"]]
                if page["next_cursor"] is None:
                    break
                query = {"cursor": page["next_cursor"]}
            assert walked == order
        assert await found(ann, "dentist", skip=1, limit=2) == expected[1:3]
        assert sorted(await found(ann, "dentist", sort="-duration_seconds")) == sorted(expected)
        assert await found(ann, "dentist", date_from="2026-03-10") == expected[:1]
        assert await found(ann, "dentist", status="busy") == []
        assert (await ann.get("/call-logs", search="dentist", direction="browser"))["total"] == 4
        assert await found(ann, "garage dentist") == []
    finally:
        call_search._walked.cache_clear()
