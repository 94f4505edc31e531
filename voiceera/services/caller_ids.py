"""The pool of numbers that an organization's calls come from: which a call gets, and which must rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from voiceera.clock import monotonic
from voiceera.rules.caller_ids import A_DAY, REST, CallerId, Record, Tally, free_at, in_order, to_rest
from voiceera.rules.dial_stories import clock_time
from voiceera.services.trunks import Trunk
from voiceera.store import caller_ids, campaigns, phone_numbers
from voiceera.store.base import Connection, Database

_FRESH_SECONDS = 1.0
"""How old the numbers of a pool may be. A cap holds nevertheless: it is counted again before the dial."""

_NOTHING = Tally(0, 0)

Pool = tuple[CallerId, ...]


@dataclass(frozen=True)
class Wish:
    """What a call asks of the number that it comes from. `wanted`: one of these; none: any of the trunk's.

    `by_hand`: somebody named the number for this one call, which it makes whether or not it rests.
    """

    to: str
    wanted: tuple[str, ...] = ()
    local_presence: bool = True
    by_hand: bool = False

    def among(self, pool: Pool) -> Pool:
        wanted = [caller_id for caller_id in pool if not self.wanted or caller_id.number in self.wanted]
        return tuple(replace(each, resting_until=None) if self.by_hand else each for each in wanted)


@dataclass(frozen=True)
class Choice:
    """`number` None: there is none, or none is free before `free_at`."""

    number: str | None
    free_at: datetime | None = None


async def pool_of(connection: Connection, organization_id: UUID, trunk: Trunk, now: datetime) -> Pool:
    """All that the trunk's calls may come from, and how much of each is left."""
    rows = await phone_numbers.of_integration(connection, organization_id, trunk.integration_id)
    caps = {row.phone_number: row.daily_cap for row in rows if row.phone_number in trunk.caller_ids}
    capped = [number for number, cap in caps.items() if cap is not None]
    used = await caller_ids.uses(connection, organization_id, capped, now - A_DAY) if capped else {}
    rested = await caller_ids.rests_of(connection, organization_id)
    return tuple(
        CallerId(
            number,
            caps.get(number),
            used[number].dials if number in used else 0,
            used[number].oldest_at if number in used else None,
            rested[number].until if number in rested else None,
        )
        for number in trunk.caller_ids
    )


class Pools:
    """Every organization's pool, asked for again when it is no longer fresh."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[UUID, tuple[tuple[str, ...], Pool, float]] = {}

    async def of(self, organization_id: UUID, trunk: Trunk, now: datetime) -> Pool:
        numbers, pool, read_at = self._known.get(organization_id, ((), (), float("-inf")))
        if numbers == trunk.caller_ids and monotonic() - read_at < _FRESH_SECONDS:
            return pool
        async with self._database.organization(organization_id) as connection:
            pool = await pool_of(connection, organization_id, trunk, now)
        self._known[organization_id] = trunk.caller_ids, pool, monotonic()
        return pool


def used_up_until(pool: Pool, wanted: Sequence[str], now: datetime) -> datetime | None:
    """When the first of the wanted numbers is free, if each has reached its cap or rests; None: one is free, or there
    are none at all, which the gate says."""
    free = free_at(Wish("", tuple(wanted)).among(pool), now)
    return free if free is not None and free > now else None


async def choose(
    connection: Connection, organization_id: UUID, pool: Pool, wishes: Sequence[Wish], now: datetime
) -> list[Choice]:
    """A number for each wish, in one transaction with the intents to dial from them: no cap is passed."""
    previous: Mapping[str, str] = {}
    if len(pool) > 1:
        previous = await caller_ids.last_used(connection, organization_id, [wish.to for wish in wishes])
    orders = [
        in_order(wish.among(pool), wish.to, now, previous=previous.get(wish.to), local_presence=wish.local_presence)
        for wish in wishes
    ]
    firsts = {order[0].number for order in orders if order and order[0].daily_cap is not None}
    left = await _left(connection, organization_id, [each for each in pool if each.number in firsts], now)
    return [_chosen(wish, order, pool, left, now) for wish, order in zip(wishes, orders, strict=True)]


async def _left(
    connection: Connection, organization_id: UUID, capped: Sequence[CallerId], now: datetime
) -> dict[str, int]:
    """Number → the dials that its cap leaves, which nobody else can use meanwhile."""
    numbers = [caller_id.number for caller_id in capped]
    if not numbers:
        return {}
    await caller_ids.hold(connection, organization_id, numbers)
    used = await caller_ids.uses(connection, organization_id, numbers, now - A_DAY)
    return {
        each.number: (each.daily_cap or 0) - (used[each.number].dials if each.number in used else 0)
        for each in capped
    }


def _chosen(wish: Wish, order: Sequence[CallerId], pool: Pool, left: dict[str, int], now: datetime) -> Choice:
    """Takes one of what is `left`. A capped number that nobody holds waits for the next look: it would be locked out
    of order."""
    for caller_id in order:
        if caller_id.daily_cap is None:
            return Choice(caller_id.number)
        if left.get(caller_id.number, 0) > 0:
            left[caller_id.number] -= 1
            return Choice(caller_id.number)
    return Choice(None, None if order else free_at(wish.among(pool), now))


# ── how they are doing ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Usage:
    """Rates are 0–1; None: of no calls. While a number rests, its `answer_rate` is what it was given the rest for."""

    phone_number: str
    phone_number_id: UUID | None
    label: str
    daily_cap: int | None
    dials_24h: int
    recent_calls: int
    answer_rate: float | None
    earlier_rate: float | None
    resting_until: datetime | None


async def usage(connection: Connection, organization_id: UUID, trunk: Trunk, now: datetime) -> list[Usage]:
    """Of each number that the trunk's calls may come from."""
    numbers = trunk.caller_ids
    rows = await phone_numbers.of_integration(connection, organization_id, trunk.integration_id)
    own = {row.phone_number: row for row in rows}
    used = await caller_ids.uses(connection, organization_id, numbers, now - A_DAY)
    rested = await caller_ids.rests_of(connection, organization_id)
    tallied = await caller_ids.records(connection, organization_id, numbers, rested)
    records = {record.number: record for record in tallied}
    found = []
    for number in numbers:
        record, row = records.get(number, Record(number, _NOTHING, _NOTHING)), own.get(number)
        rest = rested.get(number)
        if rest is not None and rest.until <= now:
            rest = None
        answered = record.recent.rate if record.recent.calls else None
        found.append(
            Usage(
                phone_number=number,
                phone_number_id=row.id if row else None,
                label=row.label if row else "",
                daily_cap=row.daily_cap if row else None,
                dials_24h=used[number].dials if number in used else 0,
                recent_calls=record.recent.calls,
                answer_rate=rest.answer_rate if rest else answered,
                earlier_rate=record.before.rate if record.before.calls else None,
                resting_until=rest.until if rest else None,
            )
        )
    return found


async def give_rests(connection: Connection, organization_id: UUID, trunk: Trunk, now: datetime) -> list[Record]:
    """Rest the numbers whose answer rate has drifted down; answers which."""
    rested = await caller_ids.rests_of(connection, organization_id)
    resting = [number for number in trunk.caller_ids if number in rested and rested[number].until > now]
    awake = [number for number in trunk.caller_ids if number not in resting]
    if len(awake) < 2:
        return []
    found = await caller_ids.records(connection, organization_id, awake, rested)
    seen = {record.number for record in found}
    unused = [Record(number, _NOTHING, _NOTHING) for number in awake if number not in seen]
    worn = to_rest([*found, *unused], len(resting))
    if worn:
        dialing = await campaigns.active(connection, organization_id)
        for record in worn:
            await caller_ids.rest(connection, organization_id, record, now, now + REST)
            for campaign_id in dialing:
                message = _story(record, now)
                await campaigns.add_event(
                    connection, organization_id, campaign_id, "caller_id_rests", message, now=now
                )
    return worn


def _story(record: Record, now: datetime) -> str:
    until, recent, before = clock_time(now + REST, None, now), record.recent, record.before
    return (
        f"{record.number} rests until {until}: a person answered {recent.rate:.0%} of its latest {recent.calls} "
        f"calls, {before.rate:.0%} of those before"
    )
