"""Media sockets of every carrier: a token that is forged, altered, late or used opens and changes nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.world import NOON, World, make_world, number
from voiceera.media.dialects.registry import DIALECTS
from voiceera.services import calls
from voiceera.store.base import Database

CARRIERS = sorted(DIALECTS)


@pytest.fixture
async def world(database: Database) -> World:
    return await make_world(database)


async def invited(world: World, carrier: str) -> tuple[UUID, str]:
    """A call over this carrier that was answered: its attempt, and the token of its socket."""
    async with world.scope() as connection:
        to = number(CARRIERS.index(carrier))
        attempt_id = await calls.place(connection, world.organization_id, agent_id=world.agent_id, to=to, now=NOON)
    await world.rows("UPDATE attempts SET state = 'dialing' WHERE id = :id RETURNING id", id=attempt_id)
    trunk = replace(world.trunk, provider=carrier)
    invitation = await calls.answered(world.database, world.organization_id, attempt_id, trunk, NOON)
    assert invitation is not None and f"/media/{carrier}/" in invitation.url
    return attempt_id, invitation.url.rpartition("/")[2]


async def state(world: World, attempt_id: UUID) -> dict[str, Any]:
    row = await world.rows(
        """SELECT a.state, a.conversation_started_at, (SELECT count(*) FROM media_tokens t
               WHERE t.organization_id = a.organization_id AND t.redeemed_at IS NOT NULL) AS redeemed
           FROM attempts a WHERE a.organization_id = :organization_id AND a.id = :id""",
        id=attempt_id,
        organization_id=world.organization_id,
    )
    return dict(row[0]._mapping)


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_only_the_very_token_opens_the_socket_and_only_once(world: World, carrier: str, tmp_path: Path) -> None:
    attempt_id, token = await invited(world, carrier)
    organization, _, secret = token.partition(".")
    other = next(each for each in CARRIERS if each != carrier)
    refused = {
        "no token": ("", carrier, 0),
        "a secret alone": (secret, carrier, 0),
        "another secret": (f"{organization}.{'A' * len(secret)}", carrier, 0),
        "one letter less": (token[:-1], carrier, 0),
        "one letter more": (f"{token}A", carrier, 0),
        "another organization": (f"{uuid4().hex}.{secret}", carrier, 0),
        "another carrier's socket": (token, other, 0),
        "a minute later": (token, carrier, calls.TOKEN_SECONDS),
    }
    before = await state(world, attempt_id)
    for name, (text, told, seconds) in refused.items():
        at = NOON + timedelta(seconds=seconds)
        assert await calls.redeem_media_token(world.database, text, told, at, tmp_path) is None, name
    assert await state(world, attempt_id) == before

    brief = await calls.redeem_media_token(world.database, token, carrier, NOON, tmp_path)
    assert brief is not None and brief.call_id == attempt_id
    before = await state(world, attempt_id)
    assert await calls.redeem_media_token(world.database, token, carrier, NOON, tmp_path) is None, "replayed"
    assert await state(world, attempt_id) == before
