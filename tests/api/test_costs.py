"""From the price list to a call's ledger, its sum and the reports."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.api.calls import SECONDS, TURNS, CallBook, book_of
from tests.api.conftest import Person
from voiceera.config import Settings
from voiceera.services import costs
from voiceera.store.base import Database


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    book = await book_of(database, settings, ann)
    agent = await ann.post("/agents", name="Vendors", stt_provider="scripted", tts_provider="scripted")
    book.agent_id = UUID(agent["id"])
    return book


async def priced(ann: Person, **fields: Any) -> Any:
    return await ann.post("/prices", **fields)


async def test_a_price_is_entered_changed_and_forgotten(ann: Person) -> None:
    made = await priced(ann, part="tts", provider="elevenlabs", unit="character", price="30", per="1000000")
    assert (made["price"], made["per"], made["increment"]) == (30, 1_000_000, 0)
    changed = await ann.client.put(f"/prices/{made['id']}", json={"price": "25.5"})
    assert changed.json()["data"]["price"] == 25.5
    assert [each["id"] for each in (await ann.get("/prices", part="tts"))["items"]] == [made["id"]]
    assert (await ann.get("/prices", part="llm"))["items"] == []
    await ann.delete(f"/prices/{made['id']}")
    await ann.get(f"/prices/{made['id']}", 404)


async def test_a_second_price_for_the_same_is_a_conflict(ann: Person) -> None:
    await priced(ann, part="stt", unit="minute", price="0.01")
    refused = await ann.post("/prices", 409, part="stt", unit="minute", price="0.02")
    assert refused["code"] == "PRICE_002"


@pytest.mark.parametrize(
    "fields",
    [
        {"part": "tts", "unit": "minute", "price": "1"},
        {"part": "stt", "unit": "minute", "price": "-1"},
        {"part": "stt", "unit": "minute", "price": "1", "per": "0"},
        {"part": "stt", "unit": "minute", "price": "NaN"},
        {"part": "stt", "unit": "minute", "price": "0.0000000001"},
        {"part": "post", "unit": "minute", "price": "1"},
    ],
)
async def test_prices_that_make_no_sense_are_refused(ann: Person, fields: dict[str, str]) -> None:
    await ann.post("/prices", 422, **fields)


async def test_a_call_on_one_s_own_machine_costs_nothing_and_says_so(ann: Person, book: CallBook) -> None:
    call = await ann.get(f"/call-logs/{await book.held()}")
    assert (call["cost"], call["costs"]) == (None, [])


async def test_a_call_costs_what_it_used(ann: Person, book: CallBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceera.services.costs.UNBILLED", frozenset())
    await priced(ann, part="tts", provider="scripted", unit="character", price="30", per="1000")
    await priced(ann, part="stt", unit="minute", price="0.6")
    call = await ann.get(f"/call-logs/{await book.held()}")
    said = sum(len(turn.text) for turn in TURNS if turn.speaker == "agent")
    heard = sum(turn.end_ms - turn.start_ms for turn in TURNS if turn.speaker == "caller") / 60_000
    ledger = {(line["part"], line["unit"]): line for line in call["costs"]}
    assert ledger["tts", "character"]["quantity"] == said
    assert ledger["tts", "character"]["amount"] == pytest.approx(said * 0.03)
    assert ledger["stt", "minute"]["amount"] == pytest.approx(heard * 0.6, abs=1e-5)
    assert call["cost"] == pytest.approx(sum(call["cost_parts"].values()), abs=1e-5)
    assert SECONDS


async def test_a_price_of_later_changes_nothing_that_was_charged(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    await priced(ann, part="tts", unit="character", price="1")
    assert (await ann.get(f"/call-logs/{call_id}"))["cost"] is None


async def test_deleting_the_call_deletes_its_ledger(ann: Person, book: CallBook) -> None:
    call_id = await book.held()
    await ann.delete(f"/call-logs/{call_id}")
    await ann.get(f"/call-logs/{call_id}", 404)


@pytest.mark.parametrize(("told", "cost"), [(None, 0.03), (Decimal("0.0421"), 0.0421)])
async def test_a_carrier_s_own_bill_goes_before_the_price_list(
    ann: Person, book: CallBook, told: Decimal | None, cost: float
) -> None:
    await priced(ann, part="carrier", provider="plivo", unit="minute", price="0.01", increment="1")
    now = datetime.now(UTC)
    times: dict[str, Any] = {"answered_at": now - timedelta(seconds=125), "ended_at": now, "duration_seconds": 125}
    call_id = await book.add(direction="outbound", provider="plivo", carrier_cost=told, **times)
    async with book.database.organization(book.organization_id) as connection:
        for _ in range(2):  # it may be told twice
            await costs.charge(connection, book.organization_id, UUID(call_id))
    call = await ann.get(f"/call-logs/{call_id}")
    assert (call["cost"], call["cost_parts"]) == (cost, {"carrier": cost})
    minute = next(line for line in call["costs"] if line["unit"] == "minute")
    assert minute["amount"] == cost
    assert minute["billed"] == pytest.approx(3 if told is None else 125 / 60, abs=1e-5)


async def test_a_campaigns_stats_add_its_calls_up(ann: Person, book: CallBook) -> None:
    campaign = await ann.post("/campaigns", name="Spring", agent_id=str(book.agent_id))
    path = f"/campaigns/{campaign['id']}/stats"
    assert (await ann.get(path))["cost"] is None
    for carrier_cost in ("0.02", "0.03"):
        times: dict[str, Any] = {
            "answered_at": datetime.now(UTC),
            "ended_at": datetime.now(UTC),
            "duration_seconds": 1,
        }
        told: dict[str, Any] = {"provider": "plivo", "carrier_cost": Decimal(carrier_cost)}
        call_id = await book.add(**times, **told, campaign_id=UUID(campaign["id"]))
        async with book.database.organization(book.organization_id) as connection:
            await costs.charge(connection, book.organization_id, UUID(call_id))
    stats = await ann.get(path)
    assert (stats["cost"], stats["cost_per_reached"]) == (0.05, None), "nobody was reached"
    (row,) = await ann.get("/analytics/campaign-stats")
    assert row["cost"] == 0.05
