"""A dial, step by step: gate and intent in one transaction, then the carrier, then its answer in another.

The intent is committed before the carrier hears of the call, so whatever dies in between, the row says that a
telephone may be ringing. All of it works in slices of claims that start at about the same instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from voiceera.providers.protocols import Dial
from voiceera.rules.caller_ids import CallerId
from voiceera.rules.calls import AttemptState, CallStatus, Direction
from voiceera.rules.dialing_limits import DialingLimits
from voiceera.rules.gate import Facts, Reason, Refusal, refusal
from voiceera.rules.phones import facts as number_facts
from voiceera.rules.windows import closes_at, hours_of, zones_of
from voiceera.services.caller_id_limits import Leaving, refused
from voiceera.services.caller_ids import Choice, Pool, Wish, choose
from voiceera.services.cases import Case, gather
from voiceera.services.claiming import Claim
from voiceera.services.dial_log import Deferred, deferred
from voiceera.services.live import CallState
from voiceera.services.purses import Asking, money, reserve
from voiceera.services.releasing import refuse
from voiceera.services.trunks import Trunk
from voiceera.store import attempts, calls, organizations
from voiceera.store.agents import Agent
from voiceera.store.base import Connection, Database

ANSWER_WITHIN = timedelta(seconds=30)
"""After an intent: a carrier's answer that has not been written down by then is unknown (its worker may be dead)."""
_SOON = timedelta(seconds=30)
_FRESH = timedelta(milliseconds=600)
"""How long what the gate was told holds good for a dial that could not be sent at once."""
_ANY = 1_000_000


@dataclass(frozen=True)
class Intent:
    """`request_id`: under which its log lines are found. `facts`: what the gate opened on."""

    claim: Claim
    dial: Dial
    state: CallState
    request_id: str
    facts: Facts

    def at(self, start: datetime) -> "Intent | None":
        """The same with another start a moment later; None: by what is known, the gate is closed then."""
        is_fresh = start < self.facts.now + _FRESH
        if not is_fresh or refusal(replace(self.facts, now=start)) is not None:
            return None
        return replace(self, claim=replace(self.claim, start_at=start))


@dataclass(frozen=True)
class Intended:
    """`ended`: calls to which the gate is closed for good. Who is in neither waits, or is another's by now."""

    intents: list[Intent] = field(default_factory=list)
    ended: list[CallState] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    """Why those who wait do, and those who are never to be dialled."""

    def with_(self, other: "Intended") -> "Intended":
        return Intended(
            [*self.intents, *other.intents], [*self.ended, *other.ended], [*self.deferred, *other.deferred]
        )


@dataclass(frozen=True)
class _Open:
    """A case that the gate lets pass."""

    case: Case
    agent: Agent
    caller_id: str
    facts: Facts
    reserved: Decimal | None = None

    @property
    def variables(self) -> dict[str, str]:
        contact = self.case.contact
        if contact is None:
            return dict(self.case.attempt.variables)
        return {**({"name": contact.name} if contact.name else {}), **contact.variables}


async def intend(
    database: Database,
    organization_id: UUID,
    claims: Sequence[Claim],
    trunk: Trunk,
    public_url: str,
    now: datetime,
    *,
    pool: Pool | None = None,
    in_maintenance: bool = False,
) -> Intended:
    """Ask the gate, for each claim at the instant of its dial; where it opens, commit the intent.

    `pool`: what the calls may come from; by default any of the trunk's numbers, as if none had a cap.
    """
    pool = tuple(map(CallerId, trunk.caller_ids)) if pool is None else pool
    opened: list[_Open] = []
    ended: list[CallState] = []
    deferrals: list[Deferred] = []
    async with database.organization(organization_id) as connection:
        cases = await gather(connection, organization_id, claims, now)
        choices = await choose(connection, organization_id, pool, [_wish(case) for case in cases], now)
        limits = await organizations.dialing_limits(connection, organization_id)
        answers = [
            _ask(case, trunk, choice, limits, now, in_maintenance=in_maintenance)
            for case, choice in zip(cases, choices, strict=True)
        ]
        answers = await _shared(connection, organization_id, answers, trunk, limits, now)
        for case, answer in zip(cases, answers, strict=True):
            if isinstance(answer, _Open):
                opened.append(answer)
                continue
            if case.campaign is not None:
                deferrals.append(deferred(case.campaign.id, answer, _zones(case)))
            if (state := await refuse(connection, case, answer, now)) is not None:
                ended.append(state)
        await _commit(connection, organization_id, opened, trunk, now)
    return Intended([_intent(each, trunk, public_url) for each in opened], ended, deferrals)


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _ask(
    case: Case, trunk: Trunk, choice: Choice, limits: DialingLimits, now: datetime, *, in_maintenance: bool
) -> _Open | Refusal:
    if case.agent is None or case.agent.status != "active":
        return Refusal(Reason.AGENT_NOT_ACTIVE, now + _SOON)
    instant = max(now, case.claim.start_at)
    facts = _facts(case, trunk, choice, limits, instant, in_maintenance=in_maintenance)
    closed = refusal(facts)
    if closed is not None:
        return replace(closed, look_again_at=now) if closed.look_again_at == instant else closed
    assert choice.number is not None
    return _Open(case, case.agent, choice.number, facts)


async def _shared(
    connection: Connection,
    organization_id: UUID,
    answers: Sequence[_Open | Refusal],
    trunk: Trunk,
    limits: DialingLimits,
    now: datetime,
) -> list[_Open | Refusal]:
    """What is left to a dial by those that go out with it and beside it: its caller id's limits, and the money."""
    opened = [each for each in answers if isinstance(each, _Open)]
    leaving = [Leaving(each.case.attempt.id, each.caller_id, each.case.claim.start_at) for each in opened]
    shut: dict[UUID, Refusal] = {**await refused(connection, organization_id, leaving, trunk, now)}
    asking = [_asking(each, trunk) for each in opened if each.case.attempt.id not in shut]
    amounts = await reserve(connection, organization_id, asking, limits)
    shut |= {attempt: answer for attempt, answer in amounts.items() if isinstance(answer, Refusal)}
    return [
        shut.get(each.case.attempt.id) or replace(each, reserved=_amount(amounts.get(each.case.attempt.id)))
        if isinstance(each, _Open)
        else each
        for each in answers
    ]


def _amount(answer: Decimal | Refusal | None) -> Decimal | None:
    return answer if isinstance(answer, Decimal) else None


def _asking(each: _Open, trunk: Trunk) -> Asking:
    return Asking(
        each.case.attempt.id,
        each.agent.id,
        each.case.attempt.campaign_id,
        each.facts.now,
        _price(each.case, trunk),
        _maximum_seconds(each.agent),
        each.case.config.spend_cap if each.case.campaign else None,
    )


def _price(case: Case, trunk: Trunk) -> float | None:
    return trunk.price_per_minute if case.config.price_per_minute is None else case.config.price_per_minute


def _maximum_seconds(agent: Agent) -> int:
    return int(agent.config.conversation.maximum_duration) + 60


def _wish(case: Case) -> Wish:
    """A single call may name its number; one that the carrier was too busy for keeps the number that it had."""
    named = case.attempt.caller_id if case.campaign is None else None
    return Wish(
        to=case.attempt.phone_number,
        wanted=(named,) if named else case.config.caller_ids,
        local_presence=case.config.local_presence,
        by_hand=named is not None,
    )


def _zones(case: Case) -> tuple[ZoneInfo, ...]:
    own = case.contact.timezone if case.contact else None
    return zones_of(case.attempt.phone_number, own, case.config.timezone)


def _facts(
    case: Case, trunk: Trunk, choice: Choice, limits: DialingLimits, instant: datetime, *, in_maintenance: bool
) -> Facts:
    campaign, contact, number = case.campaign, case.contact, case.attempt.phone_number
    told = number_facts(number)
    return Facts(
        now=instant,
        campaign_status=campaign.status if campaign else None,
        starts_at=campaign.start_time if campaign else None,
        ends_at=campaign.end_time if campaign else None,
        hours=hours_of(case.config, number),
        zones=_zones(case),
        on_do_not_call_list=case.is_listed,
        country=told.country,
        allowed_countries=frozenset(trunk.allowed_countries),
        is_premium=told.is_premium,
        caller_id=choice.number,
        caller_id_free_at=choice.free_at,
        number_dials=tuple(at for at, _ in case.dials),
        number_cap=min(case.config.max_number_calls_per_day, limits.max_number_calls_per_day or _ANY),
        contact_dials=tuple(at for at, who in case.dials if contact is not None and who == contact.id),
        contact_cap=case.config.max_attempts_per_day,
        in_maintenance=in_maintenance,
        number_cap_a_week=min(case.config.max_number_calls_per_week, limits.max_number_calls_per_week or _ANY),
        waits_at_carrier=case.claim.waits_at_carrier,
    )


# ── the intents ──────────────────────────────────────────────────────────────────────────────────────────────────


async def _commit(
    connection: Connection, organization_id: UUID, opened: Sequence[_Open], trunk: Trunk, now: datetime
) -> None:
    await attempts.change_all(connection, organization_id, [_dialed(each, trunk, now) for each in opened])
    asked = [each.case.attempt.id for each in opened if _may_have_call(each.case)]
    known = await calls.known(connection, organization_id, asked) if asked else set()
    again = [each for each in opened if each.case.attempt.id in known]
    await calls.move_all(
        connection, organization_id, [{"id": each.case.attempt.id} | _call(each, trunk) for each in again]
    )
    born = [each for each in opened if each.case.attempt.id not in known]
    await calls.add_all(connection, organization_id, [_call(each, trunk) | _birth(each.case, now) for each in born])


def _may_have_call(case: Case) -> bool:
    """A contact's first claim has none; a single call has, and so may what was claimed before."""
    return case.attempt.fence > 1 or case.attempt.contact_id is None


def _dialed(each: _Open, trunk: Trunk, now: datetime) -> dict[str, Any]:
    return {
        "id": each.case.attempt.id,
        "state": AttemptState.DIALING,
        "agent_id": each.agent.id,
        "caller_id": each.caller_id,
        "provider": trunk.provider,
        "dialed_at": each.facts.now,
        "check_at": now + ANSWER_WITHIN,
        "variables": each.variables,
        "latest_ring_at": _latest_ring_at(each.facts) if trunk.carrier.traits.queues else None,
        "price_per_minute": None if each.reserved is None else money(_price(each.case, trunk) or 0),
        "reserved": each.reserved,
    }


def _latest_ring_at(facts: Facts) -> datetime | None:
    """Until when a carrier may let the call wait: to the window's end, or the campaign's."""
    ends = (closes_at(facts.hours, facts.zones, facts.now), facts.ends_at)
    return min((end for end in ends if end is not None), default=None)


def _call(each: _Open, trunk: Trunk) -> dict[str, Any]:
    return {
        "status": CallStatus.DIALING,
        "agent_id": each.agent.id,
        "agent_version": each.agent.version,
        "caller_id": each.caller_id,
        "provider": trunk.provider,
        "variables": each.variables,
        "contact_name": each.variables.get("name"),
    }


def _birth(case: Case, now: datetime) -> dict[str, Any]:
    attempt = case.attempt
    return {
        "id": attempt.id,
        "direction": Direction.OUTBOUND,
        "campaign_id": attempt.campaign_id,
        "contact_id": attempt.contact_id,
        "phone_number": attempt.phone_number,
        "created_at": now,
    }


def _intent(each: _Open, trunk: Trunk, public_url: str) -> Intent:
    attempt = each.case.attempt
    base = f"{public_url}/carriers/{trunk.provider}/{attempt.organization_id}/{attempt.id}"
    dial = Dial(
        reference=str(attempt.id),
        to=attempt.phone_number,
        caller_id=each.caller_id,
        answer_url=f"{base}/answer",
        ringing_url=f"{base}/ringing",
        hangup_url=f"{base}/hangup",
        ring_seconds=each.case.config.ring_seconds,
        maximum_seconds=_maximum_seconds(each.agent),
    )
    name = each.variables.get("name")
    shown = CallState(attempt.id, attempt.campaign_id, attempt.contact_id, name, CallStatus.DIALING)
    return Intent(each.case.claim, dial, shown, attempt.traced_as, each.facts)
