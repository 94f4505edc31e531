"""Money for calls: put aside with the intent, paid when the call is over, given back when it was never placed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from voiceera.rules.dialing_limits import DialingLimits
from voiceera.rules.gate import Reason, Refusal
from voiceera.rules.spending import (
    Purse,
    agent_purse,
    campaign_purse,
    cost,
    look_again_at,
    most_cost,
    organization_purse,
    purses_of,
    would_pass,
)
from voiceera.store import purses
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection


@dataclass(frozen=True)
class Asking:
    """A call about to be dialled, `at` that instant. `price_per_minute` None: nobody has said."""

    attempt_id: UUID
    agent_id: UUID
    campaign_id: UUID | None
    at: datetime
    price_per_minute: float | None
    maximum_seconds: float
    campaign_cap: float | None

    @property
    def purses(self) -> tuple[str, ...]:
        return purses_of(self.agent_id, self.campaign_id, self.at)

    def caps(self, limits: DialingLimits) -> dict[str, Decimal]:
        given = {
            organization_purse(self.at): limits.daily_spend_cap,
            agent_purse(self.agent_id, self.at): limits.agent_daily_spend_cap,
        }
        if self.campaign_id is not None:
            given[campaign_purse(self.campaign_id)] = self.campaign_cap
        return {key: money(cap) for key, cap in given.items() if cap is not None}


async def reserve(
    connection: Connection, organization_id: UUID, asking: Sequence[Asking], limits: DialingLimits
) -> Mapping[UUID, Decimal | Refusal]:
    """By attempt: the money put aside, or why there is none. Calls without price and cap are not in it, and cost no
    statement. The attempts are locked."""
    answers: dict[UUID, Decimal | Refusal] = {}
    priced: list[tuple[Asking, float]] = []
    for each in asking:
        if each.price_per_minute is not None:
            priced.append((each, each.price_per_minute))
        elif each.caps(limits):
            answers[each.attempt_id] = Refusal(Reason.PRICE_UNKNOWN, look_again_at(each.at))
    if not priced:
        return answers
    held = await purses.hold(connection, organization_id, [key for each, _ in priced for key in each.purses])
    before = dict(held)
    for each, price in priced:
        amount = most_cost(money(price), each.maximum_seconds)
        if would_pass(amount, each.purses, held, each.caps(limits)) is not None:
            answers[each.attempt_id] = Refusal(Reason.SPEND_CAP, look_again_at(each.at))
            continue
        answers[each.attempt_id] = amount
        for key in each.purses:
            held[key] = Purse(held[key].spent, held[key].reserved + amount)
    changes = {key: Purse(reserved=held[key].reserved - before[key].reserved) for key in held}
    await purses.add(connection, organization_id, {key: each for key, each in changes.items() if each.reserved})
    return answers


@dataclass(frozen=True)
class Bill:
    """An attempt that is over, and what its carrier says that it cost (None: it says nothing). It is locked."""

    attempt: Attempt
    told: Decimal | None


async def pay(connection: Connection, organization_id: UUID, bills: Sequence[Bill], now: datetime) -> None:
    """What the attempts cost is spent, the rest of what was put aside is free again. Whoever ends them writes down
    that nothing is reserved any more."""
    await _settle(connection, organization_id, [(each.attempt, _spent(each, now)) for each in bills])


def _spent(bill: Bill, now: datetime) -> Decimal:
    if bill.told is not None:
        return bill.told
    attempt = bill.attempt
    ended_at = attempt.carrier_ended_at or now
    talked = 0.0 if attempt.answered_at is None else (ended_at - attempt.answered_at).total_seconds()
    return cost(attempt.price_per_minute or Decimal(0), talked)


async def give_back(connection: Connection, organization_id: UUID, never_placed: Sequence[Attempt]) -> None:
    """What was put aside for them is free again. Whoever moves them writes down that nothing is reserved any more."""
    await _settle(connection, organization_id, [(attempt, Decimal(0)) for attempt in never_placed])


async def _settle(connection: Connection, organization_id: UUID, spent: Sequence[tuple[Attempt, Decimal]]) -> None:
    changes: dict[str, Purse] = {}
    for attempt, amount in spent:
        if attempt.reserved is None:
            continue
        assert attempt.dialed_at is not None
        for key in purses_of(attempt.agent_id, attempt.campaign_id, attempt.dialed_at):
            before = changes.get(key, Purse())
            changes[key] = Purse(before.spent + amount, before.reserved - attempt.reserved)
    if changes:
        await purses.hold(connection, organization_id, list(changes))
        await purses.add(connection, organization_id, changes)


def money(amount: float) -> Decimal:
    return Decimal(str(amount))
