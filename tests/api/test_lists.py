"""What every list does, shown on agents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Person


@pytest.fixture
async def names(ann: Person) -> list[str]:
    """Seven agents, two of a kind by status."""
    names = [f"Agent {letter}" for letter in "CABGFED"]
    for index, name in enumerate(names):
        status = "inactive" if index % 3 == 0 else "active"
        await ann.post("/agents", name=name, description=f"100% no. {index}", status=status)
    return names


async def walk(person: Person, **query: Any) -> list[str]:
    """Every page by cursor."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        page = await person.get("/agents", limit=2, **query, **cursor)
        found += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    return found


async def test_newest_first_ten_at_a_time(ann: Person, names: list[str]) -> None:
    page = await ann.get("/agents")
    assert [item["name"] for item in page["items"]] == names[::-1]
    assert (page["total"], page["skip"], page["limit"], page["next_cursor"]) == (7, 0, 10, None)
    page = await ann.get("/agents", skip=5, limit=1, sort="name")
    assert [item["name"] for item in page["items"]] == ["Agent F"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort": "name"}, "ABCDEFG"),
        ({"sort": "-name"}, "GFEDCBA"),
        ({"sort": "name", "order": "desc"}, "GFEDCBA"),
        ({"sort": "status,-name"}, "GFEBADCG"),
        ({"sort": "-status,name"}, "CDGABEF"),
        ({}, "DEFGBAC"),
    ],
)
async def test_cursors_walk_every_order_without_overlap(
    ann: Person, names: list[str], query: dict[str, str], expected: str
) -> None:
    plain = [item["name"] for item in (await ann.get("/agents", **query))["items"]]
    assert await walk(ann, **query) == plain
    if query.get("sort") != "status,-name":
        assert plain == [f"Agent {letter}" for letter in expected]


async def test_a_row_made_meanwhile_moves_no_page(ann: Person, names: list[str]) -> None:
    first = await ann.get("/agents", limit=3)
    await ann.post("/agents", name="Newcomer")
    second = await ann.get("/agents", limit=10, cursor=first["next_cursor"])
    assert [item["name"] for item in first["items"] + second["items"]] == names[::-1]


async def test_filters_narrow_and_compose(ann: Person, names: list[str]) -> None:
    assert {item["name"] for item in (await ann.get("/agents", status="inactive"))["items"]} == {
        "Agent C",
        "Agent G",
        "Agent D",
    }
    assert (await ann.get("/agents", search="agent g"))["total"] == 1
    assert (await ann.get("/agents", search="0% NO"))["total"] == 7
    assert (await ann.get("/agents", search="%"))["total"] == 7, "a percent sign is only itself"
    assert (await ann.get("/agents", search="_gent"))["total"] == 0
    assert (await ann.get("/agents", search="no. 3", status="active"))["total"] == 0


async def test_dates_include_their_day_in_the_zone_asked_for(ann: Person, names: list[str]) -> None:
    now = datetime.now(UTC)
    today, tomorrow = now.date(), now.date() + timedelta(days=1)
    assert (await ann.get("/agents", date_from=today, date_to=today))["total"] == 7
    assert (await ann.get("/agents", date_from=tomorrow))["total"] == 0
    assert (await ann.get("/agents", date_to=f"{today - timedelta(days=1)}"))["total"] == 0
    moment = (now + timedelta(seconds=5)).isoformat()
    assert (await ann.get("/agents", date_to=moment))["total"] == 7
    here = now.astimezone().date()
    assert (await ann.get("/agents", date_from=here - timedelta(days=1), timezone="Asia/Kolkata"))["total"] == 7


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ({"stauts": "active"}, "stauts", "status"),
        ({"limit": 0}, "limit", "1"),
        ({"limit": 101}, "limit", "100"),
        ({"skip": -1}, "skip", "0"),
        ({"skip": 2**63}, "skip", str(2**63 - 1)),
        ({"sort": "colour"}, "sort", "created_at, name, status, updated_at"),
        ({"sort": ""}, "sort", "created_at"),
        ({"status": "asleep"}, "status", "archived"),
        ({"date_to": "9999-12-31"}, "date_to", "9000"),
        ({"date_from": "0001-01-01", "timezone": "Asia/Kolkata"}, "date_from", "1900"),
        ({"date_from": "yesterday"}, "date_from", "2024-01-31"),
        ({"timezone": "Mars/Olympus"}, "timezone", "IANA"),
        ({"timezone": "../../etc/passwd"}, "timezone", "IANA"),
        ({"cursor": "nonsense"}, "cursor", "cursor"),
        ({"cursor": "W10"}, "cursor", "cursor"),
        ({"order": "sideways"}, "order", "asc"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(
    ann: Person, query: dict[str, Any], field: str, says: str
) -> None:
    error = await ann.get("/agents", 422, **query)
    assert error["code"] == "VALIDATION_001"
    assert error["fields"][0]["field"] == field
    assert says in error["fields"][0]["message"]


async def test_a_cursor_belongs_to_its_order(ann: Person, names: list[str]) -> None:
    cursor = (await ann.get("/agents", limit=2, sort="name"))["next_cursor"]
    assert (await ann.get("/agents", 422, limit=2, cursor=cursor))["fields"][0]["field"] == "cursor"


async def test_skip_reaches_past_the_end(ann: Person, names: list[str]) -> None:
    page = await ann.get("/agents", skip=2**63 - 1)
    assert (page["items"], page["total"], page["next_cursor"]) == ([], 7, None)
