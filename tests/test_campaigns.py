"""What people do to a campaign, on the real database."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.world import NOON, World, make_world, number, quick
from voiceera.errors import Conflict, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.rules.agents import AgentConfig
from voiceera.rules.campaigns import MOVES, Action, CampaignConfig, CampaignStatus, ContactDraft, after
from voiceera.services import campaign_stats, campaigns, contacts
from voiceera.services.campaigns import CampaignDraft
from voiceera.services.uploads import UploadReport
from voiceera.store import agents, do_not_call
from voiceera.store import uploads as stored_uploads
from voiceera.store.base import Database


@pytest.fixture
async def world(database: Database) -> World:
    world = await make_world(database)
    await world.connect_carrier()
    return world


async def campaign_of(world: World, people: int = 3, name: str = "Spring", **changes: Any) -> UUID:
    config = changes.pop("config", quick())
    draft = CampaignDraft(name, changes.pop("agent_id", world.agent_id), config=config, **changes)
    async with world.scope() as connection:
        campaign = await campaigns.create(connection, world.organization_id, draft, NOON)
        drafts = [ContactDraft(phone_number=number(100 + place)) for place in range(people)]
        if drafts:
            await contacts.add(connection, world.organization_id, campaign.id, drafts, NOON)
    return campaign.id


async def status_of(world: World, campaign_id: UUID) -> str:
    return str(await world.value("SELECT status FROM campaigns WHERE id = :id", id=campaign_id))


@pytest.mark.parametrize("status", list(CampaignStatus))
@pytest.mark.parametrize("action", list(Action))
def test_a_move_that_is_not_allowed_says_what_is(action: Action, status: CampaignStatus) -> None:
    if status in MOVES[action]:
        assert after(action, status) in CampaignStatus
    else:
        with pytest.raises(Conflict) as refused:
            after(action, status)
        assert str(status) in (refused.value.details or "")


async def test_a_campaign_is_launched_paused_resumed_and_stopped(world: World) -> None:
    campaign_id = await campaign_of(world)
    key = (world.organization_id, campaign_id, NOON)
    async with world.scope() as connection:
        foreseen = await campaigns.launch(connection, *key)
        assert (foreseen.now, foreseen.deferred, foreseen.suppressed) == (3, 0, 0)
        assert await campaigns.pause(connection, *key) == "paused"
        assert await campaigns.resume(connection, *key) == "active"
        assert await campaigns.stop(connection, *key) == "stopped"
        figures = await campaign_stats.stats(connection, world.organization_id, campaign_id, NOON)
    assert (figures.total, figures.pending, figures.canceled) == (3, 0, 3)
    kinds = [row.kind for row in await world.rows("SELECT kind FROM campaign_events ORDER BY id")]
    assert kinds == ["launched", "paused", "resumed", "stopped"]


async def test_a_campaign_without_contacts_is_not_launched(world: World) -> None:
    campaign_id = await campaign_of(world, people=0)
    with pytest.raises(Conflict, match="no contacts"):
        async with world.scope() as connection:
            await campaigns.launch(connection, world.organization_id, campaign_id, NOON)
    assert await status_of(world, campaign_id) == "draft"


async def test_a_campaign_without_a_carrier_is_not_launched(database: Database) -> None:
    world = await make_world(database)
    campaign_id = await campaign_of(world)
    with pytest.raises(Conflict, match="No carrier"):
        async with world.scope() as connection:
            await campaigns.launch(connection, world.organization_id, campaign_id, NOON)


async def test_a_campaign_whose_agents_flow_leads_nowhere_is_not_launched(world: World) -> None:
    agent_id = new_id()
    flow = {"start": "hello", "steps": {"hello": {"kind": "say", "text": "Hi", "next": "nowhere"}}}
    config = AgentConfig.model_validate({"name": "Broken", "flow": flow})
    async with world.scope() as connection:
        await agents.add(
            connection, world.organization_id, agent_id, config, status="active", created_by=None, now=NOON
        )
    campaign_id = await campaign_of(world, agent_id=agent_id)
    with pytest.raises(Conflict) as refused:
        async with world.scope() as connection:
            await campaigns.launch(connection, world.organization_id, campaign_id, NOON)
    assert "nowhere" in (refused.value.details or "")


@pytest.mark.parametrize("closed", [{"calling_windows": {}}, {"ends_soon": True}])
async def test_a_campaign_whose_windows_never_open_is_not_launched(world: World, closed: dict[str, Any]) -> None:
    if closed.pop("ends_soon", False):
        late = NOON + timedelta(hours=9)
        changes: dict[str, Any] = {"start_time": late, "end_time": late + timedelta(hours=1)}
        config = CampaignConfig()
    else:
        changes, config = {}, quick(**closed)
    campaign_id = await campaign_of(world, config=config, **changes)
    with pytest.raises(Conflict, match="never open"):
        async with world.scope() as connection:
            await campaigns.launch(connection, world.organization_id, campaign_id, NOON)


async def test_the_preview_says_who_is_dialled_later_and_who_never(world: World) -> None:
    night = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
    campaign_id = await campaign_of(world, config=CampaignConfig())
    async with world.scope() as connection:
        await do_not_call.add(connection, world.organization_id, number(100), reason="asked", now=NOON)
        drafts = [ContactDraft(phone_number="+14155550123", timezone="Asia/Tokyo")]
        await contacts.add(connection, world.organization_id, campaign_id, drafts, NOON)
        foreseen = await campaigns.preview(connection, world.organization_id, campaign_id, night)
    assert (foreseen.now, foreseen.deferred, foreseen.suppressed) == (1, 2, 1)
    assert foreseen.reasons == {"outside_hours": 2} and foreseen.first_at == night


async def test_a_launch_before_its_time_waits_for_it(world: World) -> None:
    campaign_id = await campaign_of(world, start_time=NOON + timedelta(hours=1))
    async with world.scope() as connection:
        foreseen = await campaigns.launch(connection, world.organization_id, campaign_id, NOON)
    assert await status_of(world, campaign_id) == "scheduled"
    assert foreseen.reasons == {"campaign_not_started": 3}


async def test_an_active_campaign_is_changed_but_not_deleted(world: World) -> None:
    campaign_id = await campaign_of(world)
    key = (world.organization_id, campaign_id)
    async with world.scope() as connection:
        await campaigns.launch(connection, *key, NOON)
        slower = {"config": quick(max_concurrent_calls=2)}
        changed = await campaigns.update(connection, *key, slower, NOON)
        assert changed.config.max_concurrent_calls == 2
    with pytest.raises(Conflict):
        async with world.scope() as connection:
            await campaigns.delete(connection, *key, NOON)
    async with world.scope() as connection:
        await campaigns.pause(connection, *key, NOON)
        await campaigns.delete(connection, *key, NOON)
    with pytest.raises(NotFound):
        async with world.scope() as connection:
            await campaign_stats.stats(connection, *key, NOON)
    assert await world.value("SELECT canceled FROM campaign_counts") == 3


async def test_two_campaigns_of_one_name_are_a_conflict(world: World) -> None:
    await campaign_of(world, name="Spring")
    with pytest.raises(Conflict, match="name"):
        await campaign_of(world, name="SPRING")


async def test_what_does_not_fit_names_its_field(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        await campaign_of(world, config=quick(timezone="Mars/Olympus"))
    assert refused.value.fields[0].field == "timezone"
    with pytest.raises(Invalid) as refused:
        await campaign_of(world, start_time=NOON, end_time=NOON)
    assert refused.value.fields[0].field == "end_time"


FILE = b"phone,name,city\n2025550201,Anna,Rome\nnonsense,Bob,\n(202) 555-0201,Anna,\n2025550202,,\n12,Cy,\n"


async def upload(world: World, campaign_id: UUID, dry_run: bool = False) -> UploadReport:
    return await contacts.upload(
        world.database, world.organization_id, campaign_id, io.BytesIO(FILE), "people.csv", NOON, dry_run=dry_run
    )


async def test_a_file_with_broken_rows_brings_in_the_good_ones_and_reports_each_bad_one(world: World) -> None:
    campaign_id = await campaign_of(world, people=0)
    rehearsal = await upload(world, campaign_id, dry_run=True)
    assert await world.value("SELECT count(*) FROM contacts") == 0
    report = await upload(world, campaign_id)
    figures = (report.rows, report.added, report.duplicates, report.rejected)
    assert figures == (5, 2, 1, 2)
    assert replace(rehearsal, upload_id=report.upload_id, dry_run=False) == report
    async with world.scope() as connection:
        problems = await stored_uploads.errors(connection, world.organization_id, report.upload_id)
        stored = await stored_uploads.get(connection, world.organization_id, report.upload_id)
    assert [(problem.row, problem.column, problem.value) for problem in problems] == [
        (3, "phone", "nonsense"),
        (6, "phone", "12"),
    ]
    assert stored is not None and (stored.status, stored.rows, stored.rejected) == ("done", 5, 2)
    rows = await world.rows("SELECT phone_number, name, variables FROM contacts ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("+12025550201", "Anna", {"city": "Rome"}),
        ("+12025550202", None, {}),
    ]
    again = await upload(world, campaign_id)
    assert (again.added, again.duplicates) == (0, 3)
    assert await world.value("SELECT duplicates FROM campaign_counts") == 4


async def test_a_campaign_that_is_over_takes_no_more_contacts(world: World) -> None:
    campaign_id = await campaign_of(world)
    async with world.scope() as connection:
        await campaigns.launch(connection, world.organization_id, campaign_id, NOON)
        await campaigns.stop(connection, world.organization_id, campaign_id, NOON)
    with pytest.raises(Conflict):
        await upload(world, campaign_id)


async def test_one_organization_never_sees_anothers_campaign(world: World) -> None:
    campaign_id = await campaign_of(world)
    stranger = await make_world(world.database)
    with pytest.raises(NotFound):
        async with stranger.scope() as connection:
            await campaigns.launch(connection, stranger.organization_id, campaign_id, NOON)
    async with stranger.scope() as connection:
        seen = await connection.scalar(sa.text("SELECT count(*) FROM campaigns"))
    assert seen == 0
