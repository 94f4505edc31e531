"""A campaign's life as a webhook hears it; and that nobody's listening costs nothing."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import soundfile

from tests.api.jobs import do_due
from tests.api.statements import statements
from tests.dialing.floor import Floor
from tests.test_calls import RESULT
from tests.webhooks.conftest import PostOffice
from voiceera.providers.protocols import DialAnswer, EndedAs, Placed
from voiceera.rules.calls import RecordingFile
from voiceera.rules.sound_files import SoundFormat
from voiceera.services import calls, campaigns
from voiceera.services.sound_archive import SoundArchive
from voiceera.worker.encoding import encoding


@pytest.fixture
def floor(office: PostOffice) -> Floor:
    floor = Floor(office.world)
    office.now = floor.now
    return floor


async def a_call_is_held(floor: Floor, attempt: UUID, directory: Path) -> None:
    """Answered, talked on, opted out of, hung up."""
    world = floor.world
    invitation = await calls.answered(world.database, world.organization_id, attempt, world.trunk, floor.now)
    assert invitation is not None
    token = invitation.url.rsplit("/", 1)[1]
    brief = await calls.redeem_media_token(world.database, token, "plivo", floor.now, directory)
    assert brief is not None
    soundfile.write(brief.recording_path, np.zeros((12_000, 2), np.int16), 8000)
    file = RecordingFile(brief.recording_path, channels=2, sample_rate=8000, duration_seconds=1.5, size_bytes=48_044)
    result = replace(RESULT, recording=file, opted_out=True)
    for _ in range(2):
        await calls.close(world.database, brief, result, floor.now)
        await floor.ends(attempt, EndedAs.COMPLETED)


async def heard(office: PostOffice) -> list[str]:
    return [row.type for row in await office.world.rows("SELECT type FROM events ORDER BY id")]


async def test_a_campaign_is_heard_from_its_launch_to_its_end(
    office: PostOffice, floor: Floor, tmp_path: Path
) -> None:
    await office.subscribe()
    await office.world.connect_carrier()
    campaign_id = await floor.launch(people=1)
    key = office.world.organization_id, campaign_id
    async with office.world.scope() as connection:
        await campaigns.pause(connection, *key, floor.now)
        await campaigns.resume(connection, *key, floor.now)
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    await a_call_is_held(floor, attempt, tmp_path)
    await do_due(
        office.world.database, encoding(office.world.database, SoundArchive(tmp_path), SoundFormat.FLAC), floor.now
    )
    await floor.reap()
    moves = ["campaign.launched", "campaign.paused", "campaign.resumed"]
    talk = ["call.started", "call.answered", "recording.ready", "transcript.ready", "contact.opted_out", "call.ended"]
    told = await heard(office)
    assert told[:3] + sorted(told[3:]) == moves + sorted([*talk, "campaign.completed"])
    (ended,) = await office.world.rows("SELECT data FROM events WHERE type = 'call.ended'")
    assert (ended.data["id"], ended.data["status"], ended.data["disposition"]) == (
        str(attempt),
        "completed",
        "confirmed",
    )
    assert ended.data["campaign_id"] == str(campaign_id)


async def test_a_stopped_campaign_and_a_call_that_nobody_answers_are_heard(office: PostOffice, floor: Floor) -> None:
    await office.subscribe()
    await office.world.connect_carrier()
    campaign_id = await floor.launch(people=1)
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.BUSY)
    async with office.world.scope() as connection:
        await campaigns.stop(connection, office.world.organization_id, campaign_id, floor.now)
    assert await heard(office) == ["campaign.launched", "call.started", "call.ended", "campaign.stopped"]


async def test_a_dial_that_the_carrier_does_not_take_starts_no_call(office: PostOffice, floor: Floor) -> None:
    await office.subscribe("call.started")
    await office.world.connect_carrier()
    await floor.launch(people=1)
    office.world.carrier.answers = [DialAnswer(Placed.BUSY_NOW, retry_after_seconds=5)]
    await floor.dial()
    assert await heard(office) == []
    floor.later(seconds=5)
    await floor.dial()
    assert await heard(office) == ["call.started"]


async def test_a_call_of_which_nobody_hears_costs_no_statement(
    office: PostOffice, floor: Floor, tmp_path: Path
) -> None:
    await office.subscribe("call.ended", is_active=False)
    await office.world.connect_carrier()
    await floor.launch(people=1)
    with statements(office.world.database) as asked:
        await floor.dial()
        (attempt,) = await floor.open_attempts()
        await floor.rings(attempt)
        await floor.ends(attempt, EndedAs.BUSY)
    about = [each for each in asked if "webhooks" in each or "deliveries" in each or "pgqueuer" in each]
    assert all(each.lstrip().startswith("UPDATE calls") for each in about), about
    assert await heard(office) == []
