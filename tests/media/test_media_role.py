"""The media role on the real database and bus, with a carrier's socket from outside."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.media.carrier import CarrierSocket
from tests.world import World, make_world, number
from voiceera import clock
from voiceera.config import Settings
from voiceera.media.main import run_media
from voiceera.services import calls
from voiceera.store.base import Database
from voiceera.store.bus import PostgresBus


class Role:
    """A media role under way."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self.bus = PostgresBus(database.url)
        self.stop = asyncio.Event()
        self.port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.settings = Settings(data_dir=directory, media_port=0, media_capacity=7, drain_seconds=30)
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        self.task = asyncio.create_task(
            run_media(self.settings, self.database, self.bus, self.stop, self.port.set_result)
        )
        return await asyncio.wait_for(self.port, 20)

    async def end(self) -> None:
        self.stop.set()
        if self.task is not None:
            await asyncio.wait_for(self.task, 20)
        await self.bus.close()


@pytest.fixture
async def role(database: Database, tmp_path: Path) -> AsyncIterator[Role]:
    role = Role(database, tmp_path)
    yield role
    await role.end()


@pytest.fixture
async def world(database: Database) -> World:
    return await make_world(database, clock.utc_now(), capacity=0)


async def nodes(database: Database) -> list[Any]:
    """The rows of media processes but the world's own, which takes no calls."""
    async with database.platform() as connection:
        statement = sa.text("SELECT id, url, capacity FROM media_nodes WHERE capacity > 0")
        return list((await connection.execute(statement)).all())


async def invited(world: World) -> tuple[str, str]:
    """A call that was answered: its id and where its socket is awaited."""
    now = clock.utc_now()
    async with world.scope() as connection:
        call_id = await calls.place(connection, world.organization_id, agent_id=world.agent_id, to=number(1), now=now)
    await world.rows("UPDATE attempts SET state = 'dialing' WHERE id = :id RETURNING id", id=call_id)
    invitation = await calls.answered(world.database, world.organization_id, call_id, world.trunk, now)
    assert invitation is not None
    return str(call_id), invitation.url


async def test_a_call_comes_in_and_is_hung_up_over_the_bus(role: Role, world: World) -> None:
    port = await role.start()
    (node,) = await nodes(role.database)
    assert (node.url, node.capacity) == (f"ws://127.0.0.1:{port}", 7)
    call_id, url = await invited(world)
    async with connect(url, compression=None) as connection:
        carrier = CarrierSocket(connection)
        await carrier.start()
        with pytest.raises(InvalidStatus):
            await connect(url)
        ended = asyncio.create_task(carrier.closed_with())
        command = {"kind": "hang_up", "call_id": call_id}
        await role.bus.publish(f"node:{node.id}", {"kind": "hang_up", "call_id": "nonsense"})
        async with asyncio.timeout(20):
            while not ended.done():  # the command may outrun the start
                await role.bus.publish(f"node:{node.id}", command)
                await asyncio.wait([ended], timeout=0.2)
        assert ended.result() == 1000
    cause = await world.value("SELECT hangup_cause FROM calls WHERE id = :id", id=call_id)
    assert cause == "requested"


async def test_a_stopped_role_leaves_its_place_and_waits_for_its_calls(role: Role, world: World) -> None:
    port = await role.start()
    _, url = await invited(world)
    async with connect(url, compression=None) as connection:
        carrier = CarrierSocket(connection)
        await carrier.start()
        assert role.task is not None
        assert len(await nodes(role.database)) == 1
        role.stop.set()
        async with asyncio.timeout(20):
            while await nodes(role.database):
                await asyncio.wait([role.task], timeout=0.02)
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/media/plivo/any")
        assert not role.task.done()
    await asyncio.wait_for(role.task, 20)


async def test_a_role_on_a_taken_port_says_so(role: Role, world: World) -> None:
    port = await role.start()
    second = Role(role.database, role.settings.data_dir)
    second.settings = role.settings.model_copy(update={"media_port": port})
    with pytest.raises(OSError):
        await run_media(second.settings, second.database, second.bus, second.stop, second.port.set_result)
    await second.bus.close()
