"""Claims: which attempts one dialer may make next, and at which instants. One transaction under the gates' locks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from voiceera.rules.breakers import may_dial, probed
from voiceera.rules.campaigns import CampaignStatus
from voiceera.rules.dialing_limits import DialingLimits
from voiceera.rules.gate import Reason
from voiceera.rules.pacing import SEND_WITHIN, Limit, free_places, starts, with_starts
from voiceera.services.abandonment import Abandonment
from voiceera.services.breakers import campaign_key, line_key
from voiceera.services.caller_ids import Pool, used_up_until
from voiceera.services.trunks import Trunk
from voiceera.store import campaigns, dial_queue, media_nodes, organizations
from voiceera.store.base import Connection, Database
from voiceera.store.campaigns import Hold
from voiceera.store.dial_queue import Claimed, Gate, Slots, Work

LEAD = timedelta(milliseconds=150)
"""The first start lies this far ahead: the claim and the intents have to be written before it."""
Held = Callable[[UUID, UUID, str, datetime | None], None]
"""Is told that a campaign can dial nobody: (organization, campaign, reason, until)."""
CLAIM_FOR = timedelta(seconds=15)
"""A claim that has not become a dial by then goes back: its worker is taken for dead."""


@dataclass(frozen=True)
class Claim:
    """One attempt to be dialled at `start_at`, not before, and not after `send_by`. `is_watched`: a circuit breaker
    wants to hear of it also if all goes well."""

    claimed: Claimed
    start_at: datetime
    is_watched: bool = False
    waits_at_carrier: timedelta = timedelta(0)
    """How long it will queue there before it rings, as far as we know."""

    @property
    def send_by(self) -> datetime:
        return self.start_at + SEND_WITHIN


async def media_room(database: Database, now: datetime) -> int:
    """Calls that the media processes can take beyond all that ring already."""
    async with database.platform() as connection:
        free = await media_nodes.free_capacity(connection, now)
        return max(0, free - await dial_queue.count_unanswered(connection))


async def claim(
    database: Database,
    work: Work,
    trunk: Trunk,
    pool: Pool,
    own: Limit,
    worker: str,
    now: datetime,
    *,
    abandonment: Abandonment | None = None,
    held: Held = lambda *_: None,
) -> list[Claim]:
    """As many as every limit allows within the pacing's horizon, and `own`: what this dialer can take on. None when
    another dialer was faster, or while all the numbers of `pool` that a campaign may call from are used up, which
    `held` is told (with the reason and until when)."""
    async with database.organization(work.organization_id) as connection:
        if work.campaign_id is None:
            return await _claim_single(connection, work.organization_id, trunk, own, worker, now)
        campaign = work.organization_id, work.campaign_id
        abandonment = abandonment or Abandonment()
        return await _claim_campaign(connection, *campaign, trunk, pool, own, worker, now, abandonment, held)


async def _claim_campaign(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    trunk: Trunk,
    pool: Pool,
    own: Limit,
    worker: str,
    now: datetime,
    abandonment: Abandonment,
    held: Held,
) -> list[Claim]:
    campaign = await campaigns.get(connection, organization_id, campaign_id, hold=Hold.SHARE)
    if campaign is None or campaign.status is not CampaignStatus.ACTIVE:
        return []
    if (free_at := used_up_until(pool, campaign.config.caller_ids, now)) is not None:
        held(organization_id, campaign_id, Reason.NO_CALLER_ID, free_at)
        return []
    trunk_key, own_key = line_key(trunk.integration_id), campaign_key(campaign_id)
    of_all = await organizations.dialing_limits(connection, organization_id)
    gates = await dial_queue.lock_gates(connection, organization_id, [*_of(of_all), trunk_key, own_key])
    slots = await dial_queue.count_slots(connection, organization_id, campaign_id)
    limits = _of_all(of_all, slots, gates) | {
        trunk_key: Limit(
            trunk.max_concurrent_calls, slots.everywhere, trunk.calls_per_second, gates[trunk_key].starts
        ),
        own_key: Limit(
            campaign.config.max_concurrent_calls, slots.here, campaign.config.calls_per_second, gates[own_key].starts
        ),
    }
    for_people = await abandonment.room(connection, organization_id, campaign_id, campaign.config, slots, now)
    if for_people is not None:
        own = replace(own, concurrent=min(own.concurrent, own.open + for_people))
    instants = _instants(limits, own, gates, now)
    if not instants:
        return []
    # What goes back keeps to its campaign's limits like everybody else, and goes first.
    until = now + CLAIM_FOR
    claimed = await dial_queue.claim_queued(
        connection, organization_id, campaign_id, len(instants), worker, now, until
    )
    if (left := len(instants) - len(claimed)) > 0:
        claimed += await dial_queue.claim_contacts(
            connection, organization_id, campaign_id, campaign.agent_id, left, worker, now, until
        )
    return await _book(connection, organization_id, limits, gates, claimed, instants, _wait(trunk, slots), now)


async def _claim_single(
    connection: Connection, organization_id: UUID, trunk: Trunk, own: Limit, worker: str, now: datetime
) -> list[Claim]:
    key = line_key(trunk.integration_id)
    of_all = await organizations.dialing_limits(connection, organization_id)
    gates = await dial_queue.lock_gates(connection, organization_id, [*_of(of_all), key])
    slots = await dial_queue.count_slots(connection, organization_id, None)
    line = Limit(trunk.max_concurrent_calls, slots.everywhere, trunk.calls_per_second, gates[key].starts)
    limits = _of_all(of_all, slots, gates) | {key: line}
    instants = _instants(limits, own, gates, now)
    if not instants:
        return []
    claimed = await dial_queue.claim_queued(
        connection, organization_id, None, len(instants), worker, now, now + CLAIM_FOR
    )
    return await _book(connection, organization_id, limits, gates, claimed, instants, _wait(trunk, slots), now)


_ORGANIZATION = "organization"


def _of(of_all: DialingLimits) -> list[str]:
    """The organization's own limit has a gate only where there is one: it would be everybody's bottleneck."""
    is_bounded = of_all.calls_per_second is not None or of_all.max_concurrent_calls is not None
    return [_ORGANIZATION] if is_bounded else []


def _of_all(of_all: DialingLimits, slots: Slots, gates: dict[str, Gate]) -> dict[str, Limit]:
    if _ORGANIZATION not in gates:
        return {}
    at_once, a_second = of_all.max_concurrent_calls or 100_000, of_all.calls_per_second or 100_000
    return {_ORGANIZATION: Limit(at_once, slots.everywhere, a_second, gates[_ORGANIZATION].starts)}


def _wait(trunk: Trunk, slots: Slots) -> timedelta:
    """What the carrier has taken and does not ring yet goes before, where it queues."""
    traits = trunk.carrier.traits
    return timedelta(seconds=slots.not_ringing / traits.calls_per_second) if traits.queues else timedelta(0)


async def rebook(
    database: Database,
    organization_id: UUID,
    campaign_id: UUID | None,
    trunk: Trunk,
    count: int,
    own: Limit,
    now: datetime,
) -> list[datetime]:
    """New starts for dials that could not be sent within theirs, as many as the limits allow within the horizon, and
    this dialer's own.

    The old starts count on, so that no second is overfull. The dials hold their slots already. Where caller ids have
    a rate of their own there are none: the dials go back.
    """
    if trunk.caller_id_calls_per_second is not None:
        return []
    async with database.organization(organization_id) as connection:
        campaign = campaign_id and await campaigns.get(connection, organization_id, campaign_id, deleted=True)
        rates = {line_key(trunk.integration_id): trunk.calls_per_second}
        of_all = await organizations.dialing_limits(connection, organization_id)
        if of_all.calls_per_second is not None:
            rates[_ORGANIZATION] = of_all.calls_per_second
        if campaign:
            rates[campaign_key(campaign.id)] = campaign.config.calls_per_second
        gates = await dial_queue.lock_gates(connection, organization_id, list(rates))
        limits = {key: Limit(count, 0, rate, gates[key].starts) for key, rate in rates.items()}
        given = starts((*limits.values(), own), count, now)
        for key, limit in limits.items():
            await dial_queue.set_gate(connection, organization_id, key, with_starts(limit, given, now))
    return given


def _instants(limits: dict[str, Limit], own: Limit, gates: dict[str, Gate], now: datetime) -> list[datetime]:
    nested = (*limits.values(), own)
    by_breakers = [may_dial(gate.breaker, now) for gate in gates.values()]
    room = min((allowed for allowed in by_breakers if allowed is not None), default=own.concurrent)
    return starts(nested, free_places(nested, room), now + LEAD)


async def _book(
    connection: Connection,
    organization_id: UUID,
    limits: dict[str, Limit],
    gates: dict[str, Gate],
    claimed: list[Claimed],
    instants: list[datetime],
    wait: timedelta,
    now: datetime,
) -> list[Claim]:
    """Only the starts that somebody took count against the gates; one that is a breaker's probe, it is told of."""
    if not claimed:
        return []
    given = instants[: len(claimed)]
    for key, limit in limits.items():
        await dial_queue.set_gate(connection, organization_id, key, with_starts(limit, given, now))
        if may_dial(gates[key].breaker, now) is not None:
            await dial_queue.set_breaker(connection, organization_id, key, probed(gates[key].breaker, now))
    is_watched = not all(gate.breaker.is_calm for gate in gates.values())
    return [Claim(one, start, is_watched, wait) for one, start in zip(claimed, given, strict=True)]
