"""What hot lists say is what the documented model would have said."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person
from voiceera.api.call_logs import CallLog
from voiceera.api.shapes import Items, Success
from voiceera.config import Settings
from voiceera.store.base import Database


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def test_a_listed_call_is_byte_for_byte_what_its_model_says(ann: Person, book: CallBook) -> None:
    moment = datetime(2026, 3, 10, 23, 30, 1, 987_654, tzinfo=UTC)
    await book.held(
        cost=Decimal("0.0123"), cost_parts={"carrier": "0.0100", "voice": 0.0023}, variables={"name": "Zoë", "n": 1}
    )
    await book.add(
        status="no_answer",
        campaign_id=uuid4(),
        contact_id=uuid4(),
        notes='quoted "twice" — é',
        emotions=["joy", "trust"],
        key_phrases=[],
        extracted={"nested": {"list": [1, 2.5, None]}},
        latency={"answers": 2, "total_ms_p50": 612},
        created_at=moment,
        ringing_at=moment + timedelta(milliseconds=1),
    )
    answer = await ann.client.get("/call-logs")
    document = Success[Items[CallLog]].model_validate_json(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert document.model_dump(mode="json") == answer.json()
    assert list(answer.json()["data"]["items"][0]) == list(CallLog.model_fields)


async def test_unknown_values_come_last_by_cursor_and_by_skip(ann: Person, book: CallBook) -> None:
    costs = (None, Decimal("0.3"), None, Decimal("0.1"), Decimal("0.2"))
    made = [await book.add(cost=cost) for cost in costs]
    expected = {"cost": [3, 4, 1, 0, 2], "-cost": [1, 4, 3, 2, 0]}
    for sort, order in expected.items():
        by_skip = [
            (await ann.get("/call-logs", sort=sort, limit=1, skip=skip))["items"][0]["id"] for skip in range(5)
        ]
        by_cursor: list[str] = []
        cursor: dict[str, str | None] = {}
        for _ in made:
            page = await ann.get("/call-logs", sort=sort, limit=1, **cursor)
            by_cursor.append(page["items"][0]["id"])
            cursor = {"cursor": page["next_cursor"]}
        assert by_skip == by_cursor == [made[index] for index in order]
        assert cursor == {"cursor": None}


async def test_a_cursor_that_was_tampered_with_is_refused(ann: Person, book: CallBook) -> None:
    await book.add()
    await book.add()
    for sort, values in (
        ("cost", ["x", "2026-01-01T00:00:00+00:00", str(uuid4())]),
        ("cost", ["1", "2026-01-01T00:00:00", str(uuid4())]),
        ("created_at", ["0001-01-01T00:00:00+14:00", str(uuid4())]),
        ("status", [1, "2026-01-01T00:00:00+00:00", "not an id"]),
    ):
        cursor = base64.urlsafe_b64encode(json.dumps([f"{sort}|asc", *values]).encode()).decode()
        error = await ann.get("/call-logs", 422, sort=sort, cursor=cursor)
        assert error["code"] == "VALIDATION_001"
