import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from tests.media.carrier import a_brief
from voiceera.media.live_view import WATCHED_SECONDS, LiveView
from voiceera.rules.calls import Speaker, TurnRecord

TURN = TurnRecord(Speaker.CALLER, "yes please", 900, 1700, step="confirm", result="yes")


class MemoryBus:
    def __init__(self) -> None:
        self.published: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []

    async def publish(self, channel: str, message: dict[str, Any]) -> None:
        await self.published.put((channel, message))

    async def publish_all(self, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
        for channel, message in messages:
            await self.publish(channel, message)

    async def subscribe(
        self, channel: str, listening: asyncio.Event | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        for message in self.heard:
            yield message

    async def close(self) -> None: ...


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


async def test_nothing_is_published_while_nobody_watches(bus: MemoryBus) -> None:
    view, brief = LiveView(bus), a_brief()
    view.watched("campaign:another")
    view.turn(brief, 0, TURN)
    publishing = asyncio.create_task(view.publish())
    view.watched(f"campaign:{brief.campaign_id}")
    view.speaking(brief, "Hello, this is Maria.")
    channel, message = await asyncio.wait_for(bus.published.get(), 10)
    publishing.cancel()
    assert channel == f"campaign:{brief.campaign_id}"
    assert message["kind"] == "speaking"
    assert message["call_id"] == str(brief.call_id)


async def test_a_watcher_of_a_call_sees_its_turns(bus: MemoryBus) -> None:
    view, brief = LiveView(bus), a_brief()
    bus.heard = [{"channel": 5}, {"channel": f"call:{brief.call_id}"}]
    await view.listen()
    publishing = asyncio.create_task(view.publish())
    view.turn(brief, 3, TURN)
    channel, message = await asyncio.wait_for(bus.published.get(), 10)
    publishing.cancel()
    assert channel == f"call:{brief.call_id}"
    assert (message["kind"], message["index"], message["speaker"], message["result"]) == ("turn", 3, "caller", "yes")


async def test_who_stops_saying_that_they_watch_is_told_nothing(bus: MemoryBus) -> None:
    now = 0.0
    view, brief = LiveView(bus, clock=lambda: now), a_brief()
    view.watched(f"call:{brief.call_id}")
    now = WATCHED_SECONDS + 1
    view.partial(brief, "yes")
    publishing = asyncio.create_task(view.publish())
    view.watched(f"call:{brief.call_id}")
    view.partial(brief, "yes please")
    _, message = await asyncio.wait_for(bus.published.get(), 10)
    publishing.cancel()
    assert message["text"] == "yes please"
