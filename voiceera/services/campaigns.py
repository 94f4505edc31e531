"""What people do to a campaign. Each function is one operation on an open transaction; the caller commits."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from voiceera.errors import Conflict, FieldProblem, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.providers import registry
from voiceera.providers.registry import Kind
from voiceera.rules.attempts import Verdict
from voiceera.rules.calling_hours import UnknownZone, zone
from voiceera.rules.calls import Outcome
from voiceera.rules.campaigns import OVER, Action, CampaignConfig, CampaignStatus, after
from voiceera.rules.phones import NotANumber, to_e164
from voiceera.rules.preview import SAMPLE, Preview, cannot_run, look_ahead, required_variables
from voiceera.rules.webhooks import Event
from voiceera.services.events import emit
from voiceera.services.settle import end
from voiceera.store import agents, attempts, campaigns, contacts, integrations
from voiceera.store.agents import Agent
from voiceera.store.base import Connection
from voiceera.store.campaigns import Campaign, Hold

_EVENTS = {
    Action.PAUSE: Event.CAMPAIGN_PAUSED,
    Action.RESUME: Event.CAMPAIGN_RESUMED,
    Action.STOP: Event.CAMPAIGN_STOPPED,
}
_TOLD = ("id", "name", "agent_id", "start_time", "end_time", "launched_at", "completed_at", "created_at")


@dataclass(frozen=True)
class CampaignDraft:
    name: str
    agent_id: UUID
    description: str = ""
    config: CampaignConfig = field(default_factory=CampaignConfig)
    start_time: datetime | None = None
    end_time: datetime | None = None


async def create(
    connection: Connection,
    organization_id: UUID,
    draft: CampaignDraft,
    now: datetime,
    *,
    created_by: UUID | None = None,
) -> Campaign:
    """A draft. Raises NotFound for the agent, Conflict for a name that is taken, Invalid for what does not fit."""
    await _agents(connection, organization_id, draft.agent_id, draft.config)
    _check(draft.config, draft.start_time, draft.end_time)
    campaign = Campaign(
        organization_id=organization_id,
        id=new_id(),
        agent_id=draft.agent_id,
        name=draft.name,
        description=draft.description,
        status=CampaignStatus.DRAFT,
        config=draft.config,
        start_time=draft.start_time,
        end_time=draft.end_time,
        launched_at=None,
        completed_at=None,
        created_by=created_by,
        created_at=now,
        updated_at=now,
        deleted_at=None,
    )
    try:
        await campaigns.add(connection, campaign)
    except IntegrityError as problem:
        raise _name_taken(problem, draft.name) from None
    return campaign


async def update(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    actor_id: UUID | None = None,
) -> Campaign:
    """Change any of a CampaignDraft's fields; the dialer obeys from its next look on. Raises what `create` does, and
    Conflict when the campaign is over."""
    campaign = await hold(connection, organization_id, campaign_id)
    if campaign.status in OVER:
        raise Conflict(
            "CAMPAIGN_002",
            f"A campaign that is {campaign.status} cannot be changed.",
            f"current state: {campaign.status}; allowed: a new campaign",
        )
    changed = replace(campaign, **changes, updated_at=now)
    if "agent_id" in changes or changed.config.split != campaign.config.split:
        await _agents(connection, organization_id, changed.agent_id, changed.config)
    _check(changed.config, changed.start_time, changed.end_time)
    try:
        await campaigns.change(connection, organization_id, campaign_id, **changes, updated_at=now)
    except IntegrityError as problem:
        raise _name_taken(problem, changed.name) from None
    if changed_fields := sorted(_changed(campaign, changed)):
        message = f"Changed: {', '.join(changed_fields)}."
        await _tell(connection, campaign, "changed", message, now, actor_id)
    if campaign.status is CampaignStatus.SCHEDULED and (changed.start_time is None or changed.start_time <= now):
        await start(connection, changed, now)
    return changed


def _changed(before: Campaign, after: Campaign) -> Iterator[str]:
    for name in ("name", "description", "agent_id", "start_time", "end_time"):
        if getattr(before, name) != getattr(after, name):
            yield name
    for name in type(before.config).model_fields:
        if getattr(before.config, name) != getattr(after.config, name):
            yield name


async def delete(connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime) -> None:
    """Hide it and dial no more; its calls remain. Raises Conflict while it is active."""
    campaign = await hold(connection, organization_id, campaign_id)
    if campaign.status is CampaignStatus.ACTIVE:
        raise Conflict(
            "CAMPAIGN_002",
            "A campaign that is active cannot be deleted.",
            "current state: active; allowed: pause or stop it first",
        )
    await campaigns.change(connection, organization_id, campaign_id, deleted_at=now, updated_at=now)
    await _cancel_waiting(connection, campaign, now)


async def preview(connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime) -> Preview:
    """What a launch would do now; `forecasts` tells more. Raises NotFound."""
    campaign = await campaigns.get(connection, organization_id, campaign_id)
    if campaign is None:
        raise _not_found()
    its_agents = await _agents(connection, organization_id, campaign.agent_id, campaign.config)
    return await _preview(connection, campaign, its_agents, now)


async def launch(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    now: datetime,
    *,
    owned: Collection[str] | None = None,
    actor_id: UUID | None = None,
) -> Preview:
    """Let it dial, at once or from its `start_time` on. Raises Conflict, with what to do, for a campaign that has
    nobody to ring, whose agent cannot run, whose windows never open, that has no carrier, or whose caller ids are
    none of the numbers that are `owned`."""
    campaign = await hold(connection, organization_id, campaign_id)
    status = after(Action.LAUNCH, campaign.status)
    its_agents = await _agents(connection, organization_id, campaign.agent_id, campaign.config)
    await _check_runnable(connection, campaign, its_agents)
    wanted = campaign.config.caller_ids
    if owned is not None and wanted and not set(wanted) & set(owned):
        numbers = ", ".join(owned) or "it has none"
        raise _cannot_launch("None of its caller ids is the carrier's.", f"choose from the carrier's: {numbers}")
    foreseen = await _preview(connection, campaign, its_agents, now)
    if foreseen.first_at is None and foreseen.now + foreseen.deferred > 0:
        raise _cannot_launch("Its calling windows never open.", _never_opens(campaign, foreseen))
    if campaign.start_time is not None and campaign.start_time > now:
        status = CampaignStatus.SCHEDULED
    await campaigns.change(connection, organization_id, campaign_id, status=status, launched_at=now, updated_at=now)
    await _tell(connection, campaign, "launched", f"Launched; it is now {status}.", now, actor_id)
    await _emit(connection, replace(campaign, launched_at=now), Event.CAMPAIGN_LAUNCHED, status, now)
    return foreseen


async def pause(
    connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime, *, actor_id: UUID | None = None
) -> CampaignStatus:
    """No new dials; live calls finish. Raises Conflict."""
    return await _move(connection, organization_id, campaign_id, Action.PAUSE, "paused", now, actor_id)


async def resume(
    connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime, *, actor_id: UUID | None = None
) -> CampaignStatus:
    """Dial on. Raises Conflict."""
    return await _move(connection, organization_id, campaign_id, Action.RESUME, "resumed", now, actor_id)


async def stop(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    now: datetime,
    *,
    hang_up: bool = False,
    actor_id: UUID | None = None,
) -> CampaignStatus:
    """For good: what waits is canceled; live calls finish, or end too with `hang_up`. Raises Conflict."""
    status = await _move(connection, organization_id, campaign_id, Action.STOP, "stopped", now, actor_id)
    campaign = await hold(connection, organization_id, campaign_id)
    await _cancel_waiting(connection, campaign, now)
    if hang_up:
        await attempts.request_hangups(connection, organization_id, campaign_id)
    return status


async def finish(connection: Connection, campaign: Campaign, message: str, now: datetime) -> None:
    """The clock's move: nothing is left to try. The campaign is held by the caller."""
    status = after(Action.COMPLETE, campaign.status)
    await campaigns.change(
        connection,
        campaign.organization_id,
        campaign.id,
        status=status,
        completed_at=now,
        updated_at=now,
    )
    await _cancel_waiting(connection, campaign, now)
    await _tell(connection, campaign, "completed", message, now, None)
    await _emit(connection, replace(campaign, completed_at=now), Event.CAMPAIGN_COMPLETED, status, now)


async def cancel_left_behind(connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime) -> None:
    """Who came back after the campaign's end gets no dial either: a dial that was under way then may prove never to
    have been placed, and a call that ended in the same moment may have asked for another try."""
    campaign = await campaigns.get(connection, organization_id, campaign_id, deleted=True, hold=Hold.UPDATE)
    if campaign is not None and campaign.status in OVER:
        await _cancel_waiting(connection, campaign, now)


async def start(connection: Connection, campaign: Campaign, now: datetime) -> None:
    """The clock's move: a scheduled campaign's time has come. The campaign is held by the caller."""
    status = after(Action.START, campaign.status)
    await campaigns.change(connection, campaign.organization_id, campaign.id, status=status, updated_at=now)
    await _tell(connection, campaign, "started", "Its start time has come.", now, None)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _move(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    action: Action,
    done: str,
    now: datetime,
    actor_id: UUID | None,
) -> CampaignStatus:
    campaign = await hold(connection, organization_id, campaign_id)
    status = after(action, campaign.status)
    if action is Action.RESUME and campaign.start_time is not None and campaign.start_time > now:
        status = CampaignStatus.SCHEDULED
    ended = {"completed_at": now} if status in OVER else {}
    await campaigns.change(connection, organization_id, campaign_id, status=status, updated_at=now, **ended)
    await _tell(connection, campaign, done, f"It was {done}.", now, actor_id)
    await _emit(connection, replace(campaign, completed_at=ended.get("completed_at")), _EVENTS[action], status, now)
    return status


async def _cancel_waiting(connection: Connection, campaign: Campaign, now: datetime) -> None:
    """Whoever waits for a dial gets none: pending contacts, and attempts that the carrier was too busy to take."""
    for attempt in await attempts.lock_queued(connection, campaign.organization_id, campaign.id):
        await end(connection, attempt, Verdict(Outcome.CANCELED, fault=True, reason="campaign_over"), now)
    await contacts.cancel_pending(connection, campaign.organization_id, campaign.id, now)


async def hold(connection: Connection, organization_id: UUID, campaign_id: UUID) -> Campaign:
    """The campaign, locked: no dial is decided between this and the commit."""
    campaign = await campaigns.get(connection, organization_id, campaign_id, hold=Hold.UPDATE)
    if campaign is None:
        raise _not_found()
    return campaign


async def _agents(
    connection: Connection, organization_id: UUID, agent_id: UUID, config: CampaignConfig
) -> list[Agent]:
    """The campaign's agent, and the one that it is split with. Raises NotFound, and Invalid where they are one."""
    wanted = [agent_id] if config.split is None else [agent_id, config.split.agent_id]
    if len(set(wanted)) < len(wanted):
        problem = FieldProblem("split.agent_id", "must be another agent than the campaign's")
        raise Invalid("A campaign is split between two agents.", problem)
    found = [await agents.get(connection, organization_id, each) for each in wanted]
    if None in found:
        raise NotFound("AGENT_001", "No such agent.")
    return [agent for agent in found if agent is not None]


async def _check_runnable(connection: Connection, campaign: Campaign, its_agents: Sequence[Agent]) -> None:
    if not await contacts.has_pending(connection, campaign.organization_id, campaign.id):
        raise _cannot_launch(
            "It has no contacts to ring.",
            f"add some first: POST /campaigns/{campaign.id}/contacts, or upload a CSV file",
        )
    for agent in its_agents:
        if agent.status != "active":
            what = f"{agent.config.name} is {agent.status}; activate it first"
            raise _cannot_launch("Its agent is not active.", what)
        if missing := list(cannot_run(agent.config)):
            raise _cannot_launch("Its agent cannot run.", f"{agent.config.name}: {'; '.join(missing)}")
    if not await integrations.of_type(connection, campaign.organization_id, "telephony"):
        raise _cannot_launch("No carrier is connected.", "create an integration of type telephony first")


async def _preview(connection: Connection, campaign: Campaign, its_agents: Sequence[Agent], now: datetime) -> Preview:
    key = (campaign.organization_id, campaign.id)
    sample = await contacts.sample_pending(connection, *key, SAMPLE)
    pending, suppressed = await contacts.count_pending(connection, *key)
    needed = {name: None for agent in its_agents for name in required_variables(agent.config)}
    lacking = await contacts.lacking(connection, *key, tuple(needed))
    foreseen = await asyncio.to_thread(
        look_ahead,
        sample,
        pending,
        suppressed,
        campaign.config,
        now,
        starts_at=campaign.start_time,
        ends_at=campaign.end_time,
    )
    return replace(foreseen, missing_variables=tuple(lacking))


def _check(config: CampaignConfig, start_time: datetime | None, end_time: datetime | None) -> None:
    if start_time and end_time and end_time <= start_time:
        raise Invalid(
            "The campaign would end before it starts.", FieldProblem("end_time", "must be after start_time")
        )
    if config.telephony_provider not in {None, *registry.names(Kind.CARRIER)}:
        there_are = ", ".join(sorted(registry.names(Kind.CARRIER)))
        problem = FieldProblem("telephony_provider", f"there is no such provider; there are: {there_are}")
        raise Invalid("The carrier is unknown.", problem)
    for place, number in enumerate(config.caller_ids):
        if not _is_e164(number):
            problem = FieldProblem(f"caller_ids.{place}", "must be a number in E.164, such as +12025550123")
            raise Invalid("A caller id is no phone number.", problem)
    if config.timezone is not None:
        try:
            zone(config.timezone)
        except UnknownZone:
            raise Invalid(
                "The time zone is unknown.", FieldProblem("timezone", "must be an IANA name such as America/New_York")
            ) from None


def _is_e164(number: str) -> bool:
    try:
        return to_e164(number, "") == number
    except NotANumber:
        return False


def _never_opens(campaign: Campaign, foreseen: Preview) -> str:
    if foreseen.reasons.get("zone_unknown"):
        return "the contacts' time zones are unknown: give them a timezone column, or the campaign a timezone"
    if campaign.end_time is not None:
        return "no window opens before end_time: widen calling_windows or move end_time"
    return "widen calling_windows"


async def _tell(
    connection: Connection, campaign: Campaign, kind: str, message: str, now: datetime, actor_id: UUID | None
) -> None:
    await campaigns.add_event(
        connection, campaign.organization_id, campaign.id, kind, message, now=now, actor_id=actor_id
    )


async def _emit(
    connection: Connection, campaign: Campaign, event: Event, status: CampaignStatus, now: datetime
) -> None:
    told = {name: getattr(campaign, name) for name in _TOLD} | {
        "status": status,
        "category": campaign.config.category,
    }
    await emit(connection, campaign.organization_id, event, told, now)


def _cannot_launch(why: str, what_to_do: str) -> Conflict:
    return Conflict("CAMPAIGN_002", f"The campaign cannot be launched. {why}", what_to_do)


def _name_taken(problem: IntegrityError, name: str) -> Exception:
    if "campaigns_name_key" not in str(problem.orig):
        return problem
    return Conflict("CAMPAIGN_002", "Another campaign has this name.", f"name: {name}")


def _not_found() -> NotFound:
    return NotFound("CAMPAIGN_001", "No such campaign.")
