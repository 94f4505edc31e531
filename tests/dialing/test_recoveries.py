"""What dies, and what is not known: one ring at most, and nobody lost."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.dialing.floor import Floor
from tests.world import NOON, World, number, quick
from voiceera.providers.protocols import (
    CarrierTraits,
    Dial,
    DialAnswer,
    EndedAs,
    Placed,
)
from voiceera.rules.campaigns import RetryRule
from voiceera.services import calls


def unknown_but_rings(world: World) -> None:
    def swallow(dial: Dial) -> DialAnswer:
        world.carrier.place(dial, "c-9", NOON)
        return DialAnswer(Placed.UNKNOWN, reason="timed out")

    world.carrier.answers = [swallow]


async def begin_to_talk(floor: Floor, directory: Path) -> UUID:
    """The one open attempt, which is answered and whose conversation begins."""
    (attempt,) = await floor.open_attempts()
    world = floor.world
    invitation = await calls.answered(world.database, world.organization_id, attempt, world.trunk, floor.now)
    assert invitation is not None
    token = invitation.url.rsplit("/", 1)[1]
    assert await calls.redeem_media_token(world.database, token, "plivo", floor.now, directory)
    return attempt


async def test_a_worker_that_dies_after_its_claim_loses_no_contact(floor: Floor) -> None:
    campaign_id = await floor.launch(people=2)
    assert len(await floor.dialer("dead").round()) == 2
    await floor.reap()
    assert await floor.dial() == 0
    floor.later(seconds=16)
    await floor.reap()
    assert (await floor.counted(campaign_id))["pending"] == 2
    assert await floor.dial() == 2


async def test_a_claim_taken_over_is_of_no_use_to_the_one_who_had_it(floor: Floor) -> None:
    async with floor.world.scope() as connection:
        await calls.place(
            connection, floor.world.organization_id, agent_id=floor.world.agent_id, to=number(1), now=floor.now
        )
    stale = await floor.dialer("stopped").round()
    floor.later(seconds=16)
    await floor.reap()
    fresh = await floor.dialer("other").round()
    assert stale[0][0].claimed.attempt_id == fresh[0][0].claimed.attempt_id
    for name, claims in (("other", fresh), ("stopped", stale)):
        for claim, trunk in claims:
            await floor.dialer(name).dial(claim, trunk)
    assert len(floor.world.carrier.dialed) == 1


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


@pytest.mark.parametrize("has_rung", [False, True], ids=["before it was sent", "after it was sent"])
async def test_a_worker_that_dies_at_the_dial_leaves_one_ring_at_most(floor: Floor, has_rung: bool) -> None:
    await floor.launch(people=1)

    def die(dial: Dial) -> DialAnswer:
        if has_rung:
            floor.world.carrier.place(dial, "c-9", floor.now)
        raise Killed

    floor.world.carrier.answers = [die]
    with pytest.raises(Killed):
        await floor.dial()
    assert await floor.attempt_states() == ["dialing"]
    floor.later(seconds=31)
    await floor.reap()
    assert await floor.attempt_states() == ["unknown"]
    assert await floor.dial() == 0
    floor.later(seconds=60)
    await floor.reap()
    if has_rung:
        assert await floor.attempt_states() == ["dialing"]
        assert await floor.dial() == 0
        floor.world.carrier.end("c-9", EndedAs.NO_ANSWER)
        floor.later(seconds=121)
        await floor.reap()
        assert (await floor.contact()).last_outcome == "no_answer"
    else:
        assert await floor.dial() == 1
        first, second = floor.world.carrier.dialed
        assert first.reference == second.reference


async def test_an_unknown_dial_is_settled_by_its_callbacks(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    unknown_but_rings(floor.world)
    await floor.dial()
    (attempt,) = await floor.open_attempts(["unknown"])
    await floor.rings(attempt)
    await floor.ends(attempt, EndedAs.BUSY)
    assert (await floor.counted(campaign_id))["ended_busy"] == 1


async def test_a_carrier_that_lags_is_asked_again_before_the_attempt_goes_back(floor: Floor) -> None:
    floor.world.carrier.traits = CarrierTraits(1000, False, 120, False, False)
    await floor.launch(people=1)
    floor.world.carrier.answers = [DialAnswer(Placed.UNKNOWN)]
    await floor.dial()
    floor.later(seconds=76)
    await floor.reap()
    assert await floor.attempt_states() == ["unknown"]
    floor.later(seconds=50)
    await floor.reap()
    assert await floor.attempt_states() == ["queued"]


async def test_a_call_that_the_carrier_took_and_lost_is_never_redialled(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    await floor.dial()
    floor.world.carrier.calls.clear()
    for _ in range(12):
        floor.later(seconds=60)
        await floor.reap()
    assert await floor.attempt_states() == ["unknown_final"]
    counts = await floor.counted(campaign_id)
    assert (counts["exhausted"], counts["ended_unknown"]) == (1, 1)
    assert await floor.status(campaign_id) == "completed"


async def test_a_lost_hangup_callback_is_made_good_by_asking(floor: Floor) -> None:
    await floor.launch(people=1, config=quick(retries={"no_answer": RetryRule()}))
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    floor.world.carrier.end(floor.world.carrier.calls[0].carrier_call_id, EndedAs.NO_ANSWER)
    floor.later(seconds=76)
    await floor.reap()
    call = (await floor.world.rows("SELECT status FROM calls WHERE id = :id", id=attempt))[0]
    assert call.status == "no_answer"


async def test_a_call_whose_media_process_died_ends_by_the_carriers_hangup(floor: Floor, tmp_path: Path) -> None:
    campaign_id = await floor.launch(people=1)
    await floor.dial()
    attempt, world = await begin_to_talk(floor, tmp_path), floor.world
    await floor.ends(attempt, EndedAs.COMPLETED)
    assert await floor.attempt_states() == ["in_progress"]
    floor.later(seconds=16)
    await floor.reap()
    row = (await world.rows("SELECT outcome, consumed, reason FROM attempts"))[0]
    assert tuple(row) == ("failed", False, "conversation_lost")
    counts = await floor.counted(campaign_id)
    assert counts["pending"] == 1


async def test_a_call_that_outlives_its_longest_duration_is_hung_up_at_the_carrier(
    floor: Floor, tmp_path: Path
) -> None:
    await floor.launch(people=1)
    await floor.dial()
    attempt, world = await begin_to_talk(floor, tmp_path), floor.world
    floor.later(minutes=11)  # within 600 s and two minutes
    await floor.reap()
    await floor.reap()
    assert world.carrier.hung_up == []
    floor.later(minutes=3)
    await floor.reap()
    await floor.reap()
    assert world.carrier.hung_up == [f"c-{attempt}"]
