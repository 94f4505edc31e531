"""What a launch is told beyond whom it rings: how long and how dear it may be, and what will not go as hoped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from voiceera.rules.estimates import Estimate, Experience, Line, estimate, outlasting_retries
from voiceera.rules.gate import Reason
from voiceera.rules.phones import NotANumber, facts
from voiceera.rules.preview import SAMPLE, Preview
from voiceera.services.trunks import Trunk
from voiceera.store import analytics, contacts
from voiceera.store.analytics import Slice
from voiceera.store.base import Connection
from voiceera.store.campaigns import Campaign
from voiceera.store.filters import Span

_OF_LATE = timedelta(days=30)
_FEWEST_CALLS = 50


@dataclass(frozen=True)
class Forecast:
    """`duplicates`: contacts whom another running campaign is to ring too; past a thousand contacts, estimated.
    `estimate` None: without a carrier. `is_guess`: the agent has had too few calls to go by."""

    duplicates: int
    estimate: Estimate | None
    is_guess: bool
    warnings: tuple[str, ...]


async def forecast(
    connection: Connection, campaign: Campaign, foreseen: Preview, trunk: Trunk | None, now: datetime
) -> Forecast:
    key = (campaign.organization_id, campaign.id)
    dialable = foreseen.now + foreseen.deferred
    sample = [number for number, _ in await contacts.sample_pending(connection, *key, SAMPLE)]
    share = dialable / len(sample) if sample else 0.0
    elsewhere = await contacts.count_elsewhere(connection, *key, sample)
    experience = await _experience(connection, campaign, now)
    line = trunk and Line(trunk.calls_per_second, trunk.max_concurrent_calls, trunk.price_per_minute)
    return Forecast(
        duplicates=round(elsewhere * share),
        estimate=estimate(dialable, campaign.config, line, experience) if line else None,
        is_guess=experience.is_guess,
        warnings=tuple(_warnings(campaign, foreseen, trunk, sample, share, now)),
    )


async def _experience(connection: Connection, campaign: Campaign, now: datetime) -> Experience:
    """From the agent's own calls of the last 30 days."""
    wanted = Slice(campaign.organization_id, campaign.agent_id, span=Span(now - _OF_LATE, now))
    sums = await analytics.totals(connection, wanted)
    total, answered = int(sums["total"]), int(sums["answered"])
    if total < _FEWEST_CALLS or not answered:
        return Experience()
    return Experience(answered / total, float(sums["talk_seconds"]) / answered, is_guess=False)


def _warnings(
    campaign: Campaign, foreseen: Preview, trunk: Trunk | None, sample: Sequence[str], share: float, now: datetime
) -> list[str]:
    config = campaign.config
    told = [
        f"{foreseen.reasons[reason]:,} contacts {what}"
        for reason, what in (
            (Reason.WINDOW_NEVER_OPENS, "will never be rung: their window does not open before the end"),
            (Reason.ZONE_UNKNOWN, "will never be rung: their time zone is not known"),
        )
        if foreseen.reasons.get(reason)
    ]
    starts_at = max(now, campaign.start_time) if campaign.start_time else now
    told += outlasting_retries(config, starts_at, campaign.end_time)
    told += [f"some contacts lack the variable {name}" for name in foreseen.missing_variables]
    if trunk is None:
        return told
    foreign = [number for number in config.caller_ids if number not in trunk.caller_ids]
    if foreign:
        told.append(f"these caller ids are none of the carrier's: {', '.join(foreign)}")
    abroad = sum(_country(number) not in trunk.allowed_countries for number in sample)
    if abroad:
        allowed = ", ".join(trunk.allowed_countries) or "none"
        told.append(
            f"{round(abroad * share):,} contacts will never be rung: their country is none of those that the "
            f"carrier's integration allows ({allowed})"
        )
    return told


def _country(number: str) -> str | None:
    try:
        return facts(number).country
    except NotANumber:
        return None
