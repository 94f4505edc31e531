"""A call's live events over a real server. (What every stream does is shown on campaigns.)"""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.api import test_campaign_events as streams
from tests.api.calls import CallBook, book_of, same_answer
from tests.api.conftest import Person, join
from voiceera.api import event_stream
from voiceera.config import Settings
from voiceera.rules.calls import CallStatus, Outcome
from voiceera.services.live import CallState, tell
from voiceera.store.base import Database
from voiceera.store.bus import Bus

server = streams.server
ann = streams.ann


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    return await book_of(database, settings, ann)


async def test_a_call_tells_its_state_and_then_its_moves(ann: Person, book: CallBook, bus: Bus) -> None:
    call_id = await book.add(status="ringing", contact_name="Maria")
    path = f"/calls/{call_id}/events"
    async with ann.client.stream("GET", path, timeout=streams.PATIENCE) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = (line async for line in response.aiter_lines() if line)
        assert await anext(lines) == "retry: 1000"
        first = streams.read(await anext(lines))
        assert (first["kind"], first["status"], first["name"], first["outcome"]) == (
            *("call_state", "ringing", "Maria"),
            None,
        )
        await tell(bus, CallState(uuid4(), None, None, "Eve", CallStatus.BUSY, Outcome.BUSY))
        over = CallState(UUID(call_id), None, None, "Maria", CallStatus.COMPLETED, Outcome.REACHED, "confirmed")
        await tell(bus, over)
        moved = streams.read(await anext(lines))
    assert moved == first | {"status": "completed", "outcome": "reached", "disposition": "confirmed"}


async def test_the_stream_ends_when_the_call_is_deleted(
    ann: Person, book: CallBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "BEAT_SECONDS", 0.05)
    call_id = await book.add(status="busy")
    async with ann.client.stream("GET", f"/calls/{call_id}/events", timeout=streams.PATIENCE) as response:
        lines = (line async for line in response.aiter_lines() if line)
        assert [(await anext(lines))[:6] for _ in range(3)] == ["retry:", "data: ", ": beat"]
        await ann.delete(f"/call-logs/{call_id}")
        assert {line async for line in lines} <= {": beat"}


async def test_a_strangers_call_opens_no_stream(book: CallBook, server: streams.Server) -> None:
    call_id = await book.add()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        bob = await join(client, "bob@example.com")
        assert (await same_answer(bob, "GET", "/calls/{}/events", call_id))[0] == 404
