"""What calls may cost at most: a call is dialled only if the dearest that it can become still fits every cap.

So a cap is never passed, however many calls begin at once: each puts the most that it can cost aside, and gives back
what it did not need when it is over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from uuid import UUID

ORGANIZATION = "organization"
"""Whose purse is locked first, whatever else is: so no two transactions wait for each other's."""
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Purse:
    """`spent` on calls that are over; `reserved`: the most that open ones can still cost."""

    spent: Decimal = NOTHING
    reserved: Decimal = NOTHING

    @property
    def committed(self) -> Decimal:
        return self.spent + self.reserved


Caps = Mapping[str, Decimal]
"""By the keys of purses; a purse without one is bounded by nothing."""


def most_cost(price_per_minute: Decimal, maximum_seconds: float) -> Decimal:
    """Of one call, every minute begun counted."""
    return price_per_minute * ceil(maximum_seconds / 60)


def cost(price_per_minute: Decimal, talked_seconds: float) -> Decimal:
    """Of a call that is over, where the carrier does not say: nothing if nobody picked up."""
    return price_per_minute * ceil(max(0.0, talked_seconds) / 60)


def campaign_purse(campaign_id: UUID) -> str:
    """For the campaign's whole life."""
    return f"campaign:{campaign_id}"


def agent_purse(agent_id: UUID, at: datetime) -> str:
    return f"agent:{agent_id}:{at.astimezone(UTC):%Y-%m-%d}"


def organization_purse(at: datetime) -> str:
    """For a day, as UTC counts them."""
    return f"{ORGANIZATION}:{at.astimezone(UTC):%Y-%m-%d}"


def purses_of(agent_id: UUID, campaign_id: UUID | None, at: datetime) -> tuple[str, ...]:
    """Every purse that a call which is dialled at `at` is paid from."""
    of_campaign = () if campaign_id is None else (campaign_purse(campaign_id),)
    return (organization_purse(at), agent_purse(agent_id, at), *of_campaign)


def would_pass(amount: Decimal, keys: Iterable[str], purses: Mapping[str, Purse], caps: Caps) -> str | None:
    """The first of the purses whose cap `amount` more would pass."""
    for key in keys:
        if key in caps and purses[key].committed + amount > caps[key]:
            return key
    return None


_SOON = timedelta(minutes=1)


def look_again_at(now: datetime) -> datetime:
    """When a purse may have room again: calls have ended by then, or somebody has raised its cap."""
    return now + _SOON
