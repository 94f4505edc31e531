"""Who rings in is looked up before the agent speaks, and is answered whatever the server does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.far_end import far_end
from tests.media.carrier import CarrierSocket
from tests.media.test_media_role import Role
from tests.world import FLOW, World, make_world
from voiceera import clock
from voiceera.ids import new_id
from voiceera.providers.protocols import RungIn
from voiceera.rules.agents import AgentConfig
from voiceera.services import inbound
from voiceera.services.calls import MediaInvitation
from voiceera.store import agents, phone_numbers
from voiceera.store.base import Database
from voiceera.store.phone_numbers import MissedCall, PhoneNumber

PERSON = "+12025550142"
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """The organization's own: answers each request by `write`."""

    write: Write
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")
        )
        self.asked.append(json.loads(await reader.readexactly(length)))
        await self.write(writer)


def answering(body: str, status: str = "200 OK") -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()

    return write


async def hanging(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.5)


@asynccontextmanager
async def rung_in(database: Database, directory: Path, write: Write) -> AsyncIterator[tuple[World, Server, str]]:
    """Somebody rings a number whose agent asks a server; yields with what the agent said, once it said it."""
    world = await make_world(database, clock.utc_now(), capacity=0)
    await world.connect_carrier()
    server, role = Server(write), Role(database, directory)
    async with far_end(server.serve) as port:
        role.settings = role.settings.model_copy(update={"outbound_allow": f"127.0.0.1/32:{port}"})
        await role.start()
        try:
            number = await _number(world, f"http://127.0.0.1:{port}/callers")
            came = RungIn(carrier_call_id=str(new_id()), person=PERSON, number=number.phone_number)
            invitation = await inbound.ring(database, number, world.trunk, came, clock.utc_now())
            assert isinstance(invitation, MediaInvitation)
            async with connect(invitation.url, compression=None, open_timeout=20) as connection:
                carrier = CarrierSocket(connection)
                await carrier.start()
                assert await carrier.closed_with() == 1000
            said = await world.rows("SELECT text FROM call_turns WHERE speaker = 'agent' ORDER BY index")
            yield world, server, " ".join(row.text for row in said)
        finally:
            await role.end()


async def _number(world: World, url: str) -> PhoneNumber:
    config = AgentConfig.model_validate(
        {
            "name": "Berta",
            "flow": FLOW,
            "greeting_message": "Hello {{name | there}}.",
            "stt_provider": "scripted",
            "tts_provider": "scripted",
            "caller_lookup": {"url": url, "timeout": 1},
        }
    )
    agent_id, now = new_id(), clock.utc_now()
    line = await world.value("SELECT id FROM integrations")
    number = PhoneNumber(
        *(new_id(), world.organization_id, world.caller_id, "", line, agent_id, MissedCall.NONE, True),
        *(None, True, None, now, now),
    )
    async with world.scope() as connection:
        of = world.organization_id
        await agents.add(connection, of, agent_id, config, status="active", created_by=None, now=now)
        await phone_numbers.add(connection, number)
    return number


async def test_what_the_server_knows_is_said_and_kept(database: Database, tmp_path: Path) -> None:
    answer = '{"name": "Dana", "visits": 3, "caller_number": "+19005551234"}'
    async with rung_in(database, tmp_path, answering(answer)) as (world, server, said):
        assert said.startswith("Hello Dana.")
        [asked] = server.asked
        [call] = await world.rows("SELECT id, variables FROM calls")
        assert asked == {"caller_number": PERSON, "called_number": world.caller_id, "call_id": str(call.id)}
        assert call.variables["name"] == "Dana"
        assert call.variables["visits"] == "3"
        assert call.variables["caller_number"] == PERSON


@pytest.mark.parametrize(
    "write",
    [
        answering('{"name": "Dana"}', "500 Oops"),
        answering('{"name": "Dana"}', "302 Found"),
        answering("not JSON"),
        answering("[]"),
        answering('{"name": "' + "x" * 200_000 + '"}'),
        hanging,
        dripping,
    ],
    ids=["500", "302", "no JSON", "a list", "too much", "hangs", "a byte at a time"],
)
async def test_whatever_the_server_does_the_caller_is_answered(
    write: Write, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    async with rung_in(database, tmp_path, write) as (world, server, said):
        assert said.startswith("Hello there.")
        assert len(server.asked) == 1
        assert "name" not in await world.value("SELECT variables FROM calls")
    assert time.monotonic() - began < 15
