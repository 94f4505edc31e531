"""A line's health by what calls find out: three faults, one success, and one telling of each."""

from datetime import timedelta
from typing import Any

import pytest

from tests.world import NOON, World, make_world
from voiceera.providers.protocols import DialAnswer, Placed
from voiceera.services.line_health import LineHealth
from voiceera.store.base import Database

WELL = DialAnswer(Placed.ACCEPTED, carrier_call_id="1")
BUSY = DialAnswer(Placed.BUSY_NOW, reason="too many at once")
BROKEN = DialAnswer(Placed.BUSY_NOW, reason="not connected", fault=True)


@pytest.fixture
async def world(database: Database) -> World:
    world = await make_world(database)
    await world.connect_carrier()
    await world.rows("UPDATE integrations SET id = organization_id RETURNING id")
    return world


async def after(world: World, *answers: DialAnswer) -> Any:
    """The status, from a worker that has just started."""
    health = LineHealth(world.database)
    for seconds, answer in enumerate(answers):
        await health.note(world.organization_id, world.trunk, answer, NOON + timedelta(seconds=seconds))
    return await world.value("SELECT status FROM integrations")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([BROKEN, BROKEN], "untested"),
        ([BROKEN, BROKEN, BROKEN], "failing"),
        ([BROKEN, BROKEN, BUSY, BROKEN, BROKEN], "working"),
        ([WELL], "working"),
        ([BROKEN] * 5 + [WELL], "working"),
        ([BROKEN] * 3 + [WELL] + [BROKEN] * 2, "working"),
        ([WELL] + [BROKEN] * 3, "failing"),
    ],
)
async def test_three_faults_in_a_row_and_it_fails(world: World, answers: list[DialAnswer], status: str) -> None:
    assert await after(world, *answers) == status


async def test_another_worker_mends_what_the_first_has_found_broken(world: World) -> None:
    assert await after(world, *[BROKEN] * 3) == "failing"
    assert await after(world, WELL) == "working"


async def test_the_row_is_written_when_something_changes_and_not_for_each_call(world: World) -> None:
    await after(world, *[WELL] * 100)
    assert await world.value("SELECT tested_at FROM integrations") == NOON
