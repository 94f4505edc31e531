"""The dialer on the real database: claim, gate, intent, dial, answer, retry."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.dialing.floor import Floor
from tests.world import NOON, make_world, number, quick
from voiceera.ids import new_id
from voiceera.providers.protocols import (
    DialAnswer,
    EndedAs,
    Placed,
)
from voiceera.rules.campaigns import CampaignConfig, ContactDraft
from voiceera.rules.splits import Split
from voiceera.services import calls, contacts
from voiceera.store import agents, do_not_call
from voiceera.store import campaigns as stored_campaigns
from voiceera.store.base import Database


async def test_each_contact_is_dialled_once_with_its_own_reference_in_the_callbacks(floor: Floor) -> None:
    campaign_id = await floor.launch(people=3)
    assert await floor.dial() == 3
    assert await floor.dial() == 0
    dialed = floor.world.carrier.dialed
    assert sorted(dial.to for dial in dialed) == [number(100), number(101), number(102)]
    attempt = dialed[0].reference
    base = f"http://api/carriers/plivo/{floor.world.organization_id}/{attempt}"
    assert (dialed[0].answer_url, dialed[0].hangup_url) == (f"{base}/answer", f"{base}/hangup")
    assert (await floor.counted(campaign_id))["in_progress"] == 3
    call = (await floor.world.rows("SELECT * FROM calls WHERE id = :id", id=UUID(attempt)))[0]
    assert (call.status, call.variables) == ("dialing", {"name": call.contact_name})


async def test_a_split_campaign_rings_with_two_agents_and_each_contact_always_with_the_same(floor: Floor) -> None:
    world = floor.world
    async with world.scope() as connection:
        agent = await agents.get(connection, world.organization_id, world.agent_id)
        assert agent is not None
        other, config = new_id(), agent.config.model_copy(update={"name": "Other"})
        whose = {"status": "active", "created_by": None, "now": NOON}
        await agents.add(connection, world.organization_id, other, config, **whose)  # type: ignore[arg-type]
    split = quick().model_copy(update={"split": Split(agent_id=other, percent=30), "max_concurrent_calls": 100})
    await floor.launch(people=60, config=split)
    heard: dict[UUID, set[UUID]] = {}
    for _ in range(2):
        while await floor.dial():
            pass
        for row in await world.rows("SELECT id, contact_id, agent_id FROM calls"):
            heard.setdefault(row.contact_id, set()).add(row.agent_id)
        for attempt in await floor.open_attempts():
            await floor.ends(attempt, EndedAs.BUSY)
        floor.later(seconds=60)
    assert len(heard) == 60 and all(len(each) == 1 for each in heard.values())
    assert 8 <= sum(each == {other} for each in heard.values()) <= 30
    counted = "SELECT DISTINCT a.agent_id = c.agent_id AS same FROM attempts a JOIN calls c ON c.id = a.id"
    assert [row.same for row in await world.rows(counted)] == [True]
    async with world.scope() as connection:
        assert await stored_campaigns.active_of_agent(connection, world.organization_id, other) is not None


async def test_a_busy_contact_is_rung_again_after_its_delays_and_then_given_up(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    for waited in (60, 120, None):
        assert await floor.dial() == 1
        (attempt,) = await floor.open_attempts()
        await floor.ends(attempt, EndedAs.BUSY)
        contact = await floor.contact()
        await floor.counted(campaign_id)
        if waited is None:
            assert (contact.state, contact.reason) == ("exhausted", "max_attempts")
        else:
            assert contact.due_at == floor.now + timedelta(seconds=waited)
            assert await floor.dial() == 0
            floor.later(seconds=waited)
    await floor.reap()
    assert await floor.status(campaign_id) == "completed"
    assert [row.status for row in await floor.world.rows("SELECT status FROM calls")] == ["busy"] * 3


async def test_an_invalid_number_is_never_tried_again(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    floor.world.carrier.answers = [DialAnswer(Placed.REFUSED, invalid_number=True, permanent=True, reason="no such")]
    await floor.dial()
    assert (await floor.counted(campaign_id))["invalid"] == 1


async def test_a_carrier_that_is_too_busy_costs_no_attempt_and_keeps_the_reference(floor: Floor) -> None:
    await floor.launch(people=1)
    floor.world.carrier.answers = [DialAnswer(Placed.BUSY_NOW, retry_after_seconds=5)]
    await floor.dial()
    assert await floor.attempt_states() == ["queued"]
    assert await floor.dial() == 0
    floor.later(seconds=5)
    assert await floor.dial() == 1
    first, second = floor.world.carrier.dialed
    assert first.reference == second.reference
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.NO_ANSWER)
    assert (await floor.contact()).attempts == 1


async def test_a_telephone_that_rings_although_the_carrier_was_too_busy_is_not_rung_again(floor: Floor) -> None:
    await floor.launch(people=1)
    floor.world.carrier.answers = [DialAnswer(Placed.BUSY_NOW, retry_after_seconds=5)]
    await floor.dial()
    floor.later(seconds=5)
    claims = await floor.dialer().round()
    await floor.rings(UUID(floor.world.carrier.dialed[0].reference))
    for claim, trunk in claims:
        await floor.dialer().dial(claim, trunk)
    assert len(floor.world.carrier.dialed) == 1
    assert await floor.attempt_states() == ["ringing"]


async def test_a_refusal_that_is_the_carriers_own_costs_no_attempt_but_ends_some_day(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    floor.world.carrier.otherwise = lambda dial: DialAnswer(Placed.REFUSED, reason="out of credit")
    for _ in range(6):
        assert await floor.dial() == 1
        floor.later(hours=1)
    contact = await floor.contact()
    assert (contact.state, contact.reason, contact.attempts) == ("exhausted", "too_many_faults", 0)
    await floor.counted(campaign_id)


async def test_two_dialers_never_get_the_same_contact(floor: Floor) -> None:
    await floor.launch(people=40)
    found = await asyncio.gather(*(floor.dialer(name).round() for name in "abcd"))
    claimed = [claim.claimed.attempt_id for claims in found for claim, _ in claims]
    assert len(claimed) == len(set(claimed)) == 40
    people = await floor.world.value("SELECT count(DISTINCT contact_id) FROM attempts")
    assert people == 40


async def test_limits_hold_over_several_dialers_and_campaigns(floor: Floor) -> None:
    await floor.launch(people=30, config=quick(max_concurrent_calls=7))
    found = await asyncio.gather(*(floor.dialer(name).round() for name in "abcd"))
    assert sum(len(claims) for claims in found) == 7


async def test_calls_a_second_are_spaced_and_never_saved_up(floor: Floor) -> None:
    await floor.launch(people=30, config=quick(calls_per_second=5))
    floor.later(seconds=60)
    starts: list[datetime] = []
    while len(starts) < 20:
        for name in ("a", "b"):
            starts += [claim.start_at for claim, _ in await floor.dialer(name).round()]
        floor.later(seconds=0.05)
    assert starts[-1] - starts[0] < timedelta(seconds=5)
    starts.sort()
    for start in starts:
        assert sum(start <= other < start + timedelta(seconds=1) for other in starts) <= 5


async def test_a_dial_that_comes_too_late_for_its_second_gets_another_start(floor: Floor) -> None:
    await floor.launch(people=1)
    ((claim, trunk),) = await floor.dialer().round()
    floor.now = claim.send_by + timedelta(milliseconds=1)
    await floor.dialer().dial(claim, trunk)
    assert len(floor.world.carrier.dialed) == 1
    for row in await floor.world.rows("SELECT starts FROM dial_gates"):
        assert sum(row.starts.values()) == 2, "the start that it missed counts as well"


async def test_what_goes_back_keeps_to_its_campaigns_rate(floor: Floor) -> None:
    await floor.launch(people=30, config=quick(calls_per_second=5))
    floor.world.carrier.otherwise = lambda dial: DialAnswer(Placed.BUSY_NOW, retry_after_seconds=0.1)
    starts: list[datetime] = []
    for _ in range(25):
        found = await floor.dialer().round()
        for claim, trunk in sorted(found, key=lambda each: each[0].start_at):
            starts.append(claim.start_at)
            floor.now = max(floor.now, claim.start_at)
            await floor.dialer().dial(claim, trunk)
        floor.later(seconds=0.2)
    assert len(starts) > 10
    for start in starts:
        assert sum(start <= other < start + timedelta(seconds=1) for other in starts) <= 5


async def test_a_dial_that_finds_no_other_start_goes_back_unsent(floor: Floor) -> None:
    await floor.launch(people=2, config=quick(calls_per_second=1))
    ((claim, trunk),) = await floor.dialer().round()
    floor.now = claim.send_by + timedelta(milliseconds=1)
    await floor.dialer().dial(claim, trunk)
    assert floor.world.carrier.dialed == []
    assert await floor.attempt_states() == ["queued"]


async def test_a_late_dial_is_not_sent_after_its_window_has_closed(floor: Floor) -> None:
    closes_at = NOON + timedelta(seconds=1)
    await floor.launch(people=1, end_time=closes_at)
    ((claim, trunk),) = await floor.dialer().round()
    floor.now = closes_at - timedelta(milliseconds=20)
    await floor.dialer().dial(claim, trunk)
    assert floor.world.carrier.dialed == []
    assert await floor.attempt_states() == ["queued"]


async def test_a_number_in_two_campaigns_is_rung_by_one_at_a_time(floor: Floor) -> None:
    await floor.launch(people=1, name="Spring")
    await floor.launch(people=1, name="Summer")
    assert await floor.dial() == 1
    waiting = [row for row in await floor.world.rows("SELECT * FROM contacts") if row.state == "pending"]
    assert [row.reason for row in waiting] == ["number_busy"]
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.BUSY)
    floor.later(seconds=30)
    assert await floor.dial() == 1


async def test_contacts_of_higher_priority_go_first(floor: Floor) -> None:
    campaign_id = await floor.launch(people=2, config=quick(max_concurrent_calls=1))
    async with floor.world.scope() as connection:
        urgent = ContactDraft(phone_number=number(900), priority=9)
        await contacts.add(connection, floor.world.organization_id, campaign_id, [urgent], floor.now)
    await floor.dial()
    assert floor.world.carrier.dialed[0].to == number(900)


async def test_an_opt_out_between_claim_and_dial_is_obeyed(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    claims = await floor.dialer().round()
    async with floor.world.scope() as connection:
        await do_not_call.add(connection, floor.world.organization_id, number(100), reason="asked for", now=floor.now)
    for claim, trunk in claims:
        await floor.dialer().dial(claim, trunk)
    assert floor.world.carrier.dialed == []
    assert (await floor.counted(campaign_id))["suppressed"] == 1
    assert (await floor.contact()).reason == "do_not_call"


async def test_outside_the_window_a_contact_waits_for_its_opening(floor: Floor) -> None:
    floor.now = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
    campaign_id = await floor.launch(people=1, config=CampaignConfig())
    await floor.dial()
    assert floor.world.carrier.dialed == []
    contact = await floor.contact()
    assert (contact.reason, contact.due_at) == ("outside_hours", datetime(2026, 3, 10, 13, 0, tzinfo=UTC))
    assert (await floor.counted(campaign_id))["pending"] == 1


async def test_a_single_call_goes_out_at_any_hour_through_the_same_gate(floor: Floor) -> None:
    floor.now = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)

    async def place(to: str) -> UUID:
        async with floor.world.scope() as connection:
            return await calls.place(
                connection,
                floor.world.organization_id,
                agent_id=floor.world.agent_id,
                to=to,
                now=floor.now,
                variables={"name": "Anna"},
            )

    ours, abroad, premium = await place(number(1)), await place("+442079460123"), await place("+19002345678")
    assert await floor.dial() == 3
    assert [dial.to for dial in floor.world.carrier.dialed] == [number(1)]
    rows = await floor.world.rows("SELECT id, status, hangup_cause FROM calls")
    assert {row.id: (row.status, row.hangup_cause) for row in rows} == {
        ours: ("dialing", None),
        abroad: ("canceled", "country_not_allowed"),
        premium: ("canceled", "premium_number"),
    }


async def test_without_room_in_any_media_process_nothing_is_dialled(database: Database) -> None:
    world = await make_world(database, capacity=2)
    await world.connect_carrier()
    floor = Floor(world)
    await floor.launch(people=5)
    assert await floor.dial() == 2
    assert await floor.dial() == 0


async def test_a_number_on_one_campaigns_list_is_rung_for_the_others(floor: Floor) -> None:
    spring = await floor.launch(people=1)
    world = floor.world
    async with world.scope() as connection:
        await do_not_call.add_all(
            connection,
            world.organization_id,
            [(number(100), "asked")],
            source=do_not_call.Source.ADDED,
            now=floor.now,
            campaign_id=spring,
        )
    await floor.dial()
    assert world.carrier.dialed == []
    assert (await floor.contact()).reason == "do_not_call"
    await floor.launch(people=1, name="Autumn")
    assert await floor.dial() == 1
    assert [dial.to for dial in world.carrier.dialed] == [number(100)]
