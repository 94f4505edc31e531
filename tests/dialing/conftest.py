"""A floor with a carrier that takes every dial."""

import pytest

from tests.dialing.floor import Floor
from tests.world import make_world
from voiceera.store.base import Database


@pytest.fixture
async def floor(database: Database) -> Floor:
    world = await make_world(database)
    await world.connect_carrier()
    return Floor(world)
