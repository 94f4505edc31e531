"""A campaign's figures: from counters, so that they cost milliseconds, and add up at every instant."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.errors import NotFound
from voiceera.rules.reports import totals_of
from voiceera.store import analytics, attempts, campaigns, contacts
from voiceera.store.analytics import Slice
from voiceera.store.base import Connection


@dataclass(frozen=True)
class CampaignStats:
    """total = pending + in_progress + reached + exhausted + suppressed + invalid + canceled.

    `due_now` and `deferred` (by reason) break pending down; `live` counts calls with somebody on the line, `dialing`
    those that ring or are about to. `outcomes`: ended attempts by how they came out. Rates are percentages. `cost`:
    of all its calls, None while none has a price.
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
    cost: float | None
    cost_per_reached: float | None


_CONTACTS = ("total", "pending", "in_progress", "reached", "exhausted", "suppressed", "invalid", "canceled")
_UPLOADED = ("duplicates", "rejected", "opted_out")
_ANSWERED = ("reached", "voicemail", "dropped_early")


async def stats(connection: Connection, organization_id: UUID, campaign_id: UUID, now: datetime) -> CampaignStats:
    """Raises NotFound."""
    if await campaigns.get(connection, organization_id, campaign_id) is None:
        raise NotFound("CAMPAIGN_001", "No such campaign.")
    counts = await campaigns.counts(connection, organization_id, campaign_id)
    outcomes = {name.removeprefix("ended_"): n for name, n in counts.items() if name.startswith("ended_")}
    deferred = await contacts.count_deferred(connection, organization_id, campaign_id, now)
    open_states = await attempts.count_open(connection, organization_id, campaign_id)
    live = open_states.pop("in_progress", 0)
    ended = sum(outcomes.values())
    cost = totals_of(await analytics.totals(connection, Slice(organization_id, campaign_id=campaign_id))).total_cost
    tried = counts["total"] - counts["pending"] - counts["canceled"]
    return CampaignStats(
        **{name: counts[name] for name in (*_CONTACTS, *_UPLOADED)},
        due_now=max(0, counts["pending"] - sum(deferred.values())),
        deferred=deferred,
        live=live,
        dialing=sum(open_states.values()),
        attempts=ended,
        outcomes=outcomes,
        answer_rate=_percent(sum(outcomes[name] for name in _ANSWERED), ended),
        reach_rate=_percent(counts["reached"], counts["total"]),
        attempts_per_contact=round(ended / tried, 2) if tried > 0 else 0.0,
        cost=cost,
        cost_per_reached=None if cost is None or not counts["reached"] else round(cost / counts["reached"], 5),
    )


async def counts(connection: Connection, organization_id: UUID, campaign_id: UUID) -> dict[str, int]:
    """Where contacts and calls stand, by the stats' names: from counters and open attempts, for a live view."""
    found = await campaigns.counts(connection, organization_id, campaign_id)
    open_states = await attempts.count_open(connection, organization_id, campaign_id)
    live = open_states.pop("in_progress", 0)
    return {name: found[name] for name in _CONTACTS} | {"live": live, "dialing": sum(open_states.values())}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
