"""What people do to a campaign: look ahead, launch, pause, resume, stop; and its figures."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from voiceera.api.campaigns import CampaignShown, campaign_of, moved
from voiceera.api.depends import Line, Reading, Work, Writing
from voiceera.api.envelope import success
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Nothing, Shown, Success
from voiceera.errors import Conflict
from voiceera.rules.preview import Preview
from voiceera.services import campaign_stats, forecasts
from voiceera.services import campaigns as service
from voiceera.services.trunks import Trunk

routes = router("Campaigns")


class PreviewShown(Shown):
    """`now`, `deferred` (by `reasons`) and `suppressed` (on a do-not-call list) are the contacts not tried yet.

    `missing_variables`: what the agent's texts name and some contact lacks. `duplicates`: contacts whom another
    running campaign is to ring too. Past a thousand contacts `now`, `deferred` and `duplicates` are estimates.
    `calls`, `seconds` (nights included) and `cost` are estimated from the agent's calls of the last 30 days, or
    guessed (`is_guess`) where there are too few; null without a carrier, or without a price. `warnings`: what will
    not go as hoped.
    """

    now: int
    deferred: int
    suppressed: int
    reasons: dict[str, int]
    missing_variables: list[str]
    first_at: Instant | None
    is_estimate: bool
    duplicates: int
    calls: int | None
    seconds: float | None
    cost: float | None
    is_guess: bool
    warnings: list[str]


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
    cost: float | None = Field(description="Of all its calls; null while none has a price.")
    cost_per_reached: float | None


@routes.get("/campaigns/{campaign_id}/preview")
async def preview_campaign(line: Line, work: Reading, campaign_id: UUID) -> Success[PreviewShown]:
    """What a launch would do now: whom it would dial at once, whom later and why, how long and how dear it may be,
    and what will not go as hoped."""
    foreseen = await service.preview(work.connection, work.organization_id, campaign_id, work.now)
    return success(await _told(work, campaign_id, foreseen, _trunk(line)))


def _trunk(line: Callable[[], Trunk]) -> Trunk | None:
    try:
        return line()
    except Conflict:
        return None


async def _told(work: Work, campaign_id: UUID, foreseen: Preview, trunk: Trunk | None) -> PreviewShown:
    campaign = (await campaign_of(work, campaign_id)).campaign
    more = await forecasts.forecast(work.connection, campaign, foreseen, trunk, work.now)
    estimated = vars(more.estimate) if more.estimate else dict.fromkeys(("calls", "seconds", "cost"))
    return PreviewShown.model_validate({**vars(foreseen), **vars(more), **estimated})


@routes.post("/campaigns/{campaign_id}/launch")
async def launch_campaign(
    line: Line, work: Writing, campaign_id: UUID, body: Nothing | None = None
) -> Success[Launched]:
    """Let it dial: at once, or from its `start_time` on. A campaign that cannot is a 409 that says what to do."""
    trunk = _trunk(line)
    foreseen = await service.launch(
        work.connection,
        work.organization_id,
        campaign_id,
        work.now,
        owned=trunk.caller_ids if trunk else None,
        actor_id=work.caller.user.id,
    )
    told = await _told(work, campaign_id, foreseen, trunk)
    return success(Launched(**dict(await moved(work, campaign_id)), preview=told))


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
