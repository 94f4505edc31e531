"""What people do to a campaign: look ahead, launch, pause, resume, stop; and its figures."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from voiceera.api.campaigns import CampaignShown, moved
from voiceera.api.depends import Reading, Writing
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Nothing, Shown, Success
from voiceera.services import campaign_stats
from voiceera.services import campaigns as service

routes = router("Campaigns")


class PreviewShown(Shown):
    """`now`, `deferred` (by `reasons`) and `suppressed` (on a do-not-call list) are the contacts not tried yet.

    `missing_variables`: what the agent's texts name and some contact lacks. Past a thousand contacts `now` and
    `deferred` are estimates.
    """

    now: int
    deferred: int
    suppressed: int
    reasons: dict[str, int]
    missing_variables: list[str]
    first_at: Instant | None
    is_estimate: bool


class Launched(CampaignShown):
    preview: PreviewShown


class StatsShown(Shown):
    """Every contact counts where it stands: total = pending + in_progress + reached + exhausted + suppressed +
    invalid + canceled. `due_now` and `deferred` (by reason) break pending down, `live` and `dialing` the open calls,
    `outcomes` the ended attempts. Rates are percentages.
    """

    total: int
    pending: int
    in_progress: int
    reached: int
    exhausted: int
    suppressed: int
    invalid: int
    canceled: int
    duplicates: int
    rejected: int
    opted_out: int
    due_now: int
    deferred: dict[str, int]
    live: int
    dialing: int
    attempts: int
    outcomes: dict[str, int]
    answer_rate: float
    reach_rate: float
    attempts_per_contact: float


@routes.get("/campaigns/{campaign_id}/preview")
async def preview_campaign(work: Reading, campaign_id: UUID) -> Success[PreviewShown]:
    """What a launch would do now: whom it would dial at once, whom later and why."""
    foreseen = await service.preview(work.connection, work.organization_id, campaign_id, work.now)
    return success(PreviewShown.model_validate(foreseen))


@routes.post("/campaigns/{campaign_id}/launch")
async def launch_campaign(work: Writing, campaign_id: UUID, body: Nothing | None = None) -> Success[Launched]:
    """Let it dial: at once, or from its `start_time` on. A campaign that cannot is a 409 that says what to do."""
    foreseen = await service.launch(
        work.connection, work.organization_id, campaign_id, work.now, actor_id=work.caller.user.id
    )
    campaign = await moved(work, campaign_id)
    return success(Launched(**dict(campaign), preview=PreviewShown.model_validate(foreseen)))


@routes.post("/campaigns/{campaign_id}/pause")
async def pause_campaign(work: Writing, campaign_id: UUID, body: Nothing | None = None) -> Success[CampaignShown]:
    """No new dials; live calls finish."""
    await service.pause(work.connection, work.organization_id, campaign_id, work.now, actor_id=work.caller.user.id)
    return success(await moved(work, campaign_id))


@routes.post("/campaigns/{campaign_id}/resume")
async def resume_campaign(work: Writing, campaign_id: UUID, body: Nothing | None = None) -> Success[CampaignShown]:
    """Dial on where it was paused: nobody is rung twice for it."""
    await service.resume(work.connection, work.organization_id, campaign_id, work.now, actor_id=work.caller.user.id)
    return success(await moved(work, campaign_id))


@routes.post("/campaigns/{campaign_id}/stop")
async def stop_campaign(
    work: Writing,
    campaign_id: UUID,
    body: Nothing | None = None,
    hangup: Annotated[bool, Query(description="End live calls too.")] = False,
) -> Success[CampaignShown]:
    """For good: whoever waits is canceled. Live calls finish, unless `hangup` ends them."""
    await service.stop(
        work.connection,
        work.organization_id,
        campaign_id,
        work.now,
        hang_up=hangup,
        actor_id=work.caller.user.id,
    )
    return success(await moved(work, campaign_id))


@routes.get("/campaigns/{campaign_id}/stats")
async def get_campaign_stats(work: Reading, campaign_id: UUID) -> Success[StatsShown]:
    """Where every contact stands, from counters: milliseconds, whatever the campaign's size."""
    figures = await campaign_stats.stats(work.connection, work.organization_id, campaign_id, work.now)
    return success(StatsShown.model_validate(figures))
