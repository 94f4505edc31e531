"""The bus over a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest

from voiceera.store.bus import PostgresBus


@pytest.fixture
async def bus(database_url: str) -> AsyncIterator[PostgresBus]:
    bus = PostgresBus(database_url)
    yield bus
    await bus.close()


async def first_message(bus: PostgresBus, channel: str) -> dict[str, Any]:
    async with aclosing(bus.subscribe(channel)) as messages:
        return await anext(messages)


async def publish_until_done(bus: PostgresBus, channel: str, hears: asyncio.Task[dict[str, Any]]) -> dict[str, Any]:
    """Messages go to those who listen at the time, so say it until it was heard."""
    async with asyncio.timeout(10):
        while not hears.done():
            await bus.publish(channel, {"kind": "hello"})
            await asyncio.sleep(0.01)
    return hears.result()


async def test_a_message_reaches_another_process_connection(bus: PostgresBus, database_url: str) -> None:
    other = PostgresBus(database_url)
    heard = asyncio.create_task(first_message(other, "call:1"))
    await publish_until_done(bus, "call:2", asyncio.create_task(first_message(bus, "call:2")))
    assert not heard.done()
    assert await publish_until_done(bus, "call:1", heard) == {"kind": "hello"}
    await other.close()


async def test_a_subscriber_survives_a_lost_connection(bus: PostgresBus, admin_url: str) -> None:
    heard_again = asyncio.create_task(until_kind(bus, "call:1", "again"))
    await publish_until_done(bus, "call:1", asyncio.create_task(first_message(bus, "call:1")))
    await end_all_connections(admin_url)
    async with asyncio.timeout(10):
        while not heard_again.done():
            await bus.publish("call:1", {"kind": "again"})
            await asyncio.sleep(0.01)


async def until_kind(bus: PostgresBus, channel: str, kind: str) -> None:
    async with aclosing(bus.subscribe(channel)) as messages:
        while (await anext(messages))["kind"] != kind:
            pass


async def end_all_connections(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_a_bus_without_a_server_drops_and_goes_on() -> None:
    bus = PostgresBus("postgresql://nobody@127.0.0.1:1/none")
    await bus.publish("call:1", {"kind": "hello"})
    await bus.close()


async def test_a_message_too_long_is_refused(bus: PostgresBus) -> None:
    with pytest.raises(ValueError, match="7000 bytes"):
        await bus.publish("call:1", {"text": "x" * 7_000})
