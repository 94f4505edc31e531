"""The end of attempts: their verdicts, their calls' last state, and what becomes of their contacts. One transaction.

All of it in slices, campaign after campaign: so everybody locks the campaigns' counters in one order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voiceera.errors import NotFound
from voiceera.rules.attempts import ENDS_AS, Verdict, is_told, verdict
from voiceera.rules.calls import AttemptState, Outcome
from voiceera.rules.campaigns import OVER, ContactState
from voiceera.rules.retries import History, Next, next_step
from voiceera.rules.webhooks import Event
from voiceera.rules.windows import hours_of, zones_of
from voiceera.services import analyses
from voiceera.services.costs import charged
from voiceera.services.events import emit_of_call
from voiceera.services.live import CallState
from voiceera.services.purses import Bill, pay
from voiceera.services.salvage import salvage
from voiceera.store import attempts, calls, campaigns, contacts
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection
from voiceera.store.campaigns import Campaign
from voiceera.store.contacts import Contact

RING_CHECK = timedelta(seconds=150)
"""Longer than anything rings: then the carrier is asked whether it still does."""
LIVE_CHECK = timedelta(seconds=120)
"""How often the carrier is asked whether a call of which nothing is heard still lives."""
CLOSE_GRACE = timedelta(seconds=15)
"""How long after the carrier's hang-up a media process may still bring in its conversation."""
HANGUP_GRACE = timedelta(seconds=30)
"""How long after the conversation's end the carrier's hang-up may take before the carrier is asked."""


@dataclass(frozen=True)
class Account:
    """What the carrier says of a call that it has ended. `duration_seconds`, `cost`: None where it says nothing."""

    cause: str | None = None
    duration_seconds: float | None = None
    cost: str | None = None


@dataclass(frozen=True)
class Ending:
    """An attempt to be ended as `verdict` says. It is locked, and as it is to be: what of it has changed since it was
    read is written with its end. `account`: the carrier's, which is not written down yet."""

    attempt: Attempt
    verdict: Verdict
    account: Account = Account()


async def settle(connection: Connection, attempt: Attempt, now: datetime) -> CallState | None:
    """End a locked attempt if both sides are in; else note when to look again, and answer None."""
    if is_told(attempt.story):
        return await end(connection, attempt, verdict(attempt.story), now)
    if (look_at := look_again_at(attempt, now)) is not None:
        await attempts.change(connection, attempt, check_at=look_at)
    return None


def look_again_at(attempt: Attempt, now: datetime) -> datetime | None:
    """When to ask after an attempt of which one side has told its end; None: neither has."""
    if attempt.carrier_ended_at is None and attempt.conversation_ended_at is None:
        return None
    return now + (CLOSE_GRACE if attempt.carrier_ended_at else HANGUP_GRACE)


async def end(connection: Connection, attempt: Attempt, verdict: Verdict, now: datetime) -> CallState:
    """End one locked attempt as `verdict` says."""
    return (await end_all(connection, attempt.organization_id, [Ending(attempt, verdict)], now))[0]


async def end_all(
    connection: Connection, organization_id: UUID, endings: Sequence[Ending], now: datetime
) -> list[CallState]:
    """End an organization's attempts: their money, their contacts, then the attempts, then the calls' rows. Answers
    what watchers shall be told."""
    states: list[CallState] = []
    for _, group in groupby(sorted(endings, key=_campaign), key=_campaign):
        states += await _end_of_campaign(connection, organization_id, list(group), now)
    return states


def _campaign(ending: Ending) -> str:
    return str(ending.attempt.campaign_id)


async def _end_of_campaign(
    connection: Connection, organization_id: UUID, endings: Sequence[Ending], now: datetime
) -> list[CallState]:
    of = {row.id: row for row in await calls.get_all(connection, organization_id, [e.attempt.id for e in endings])}
    if len(of) < len(endings):
        raise NotFound("CALL_001", "The attempt has no call.")
    bills = [Bill(each.attempt, _carrier_cost(each, of[each.attempt.id])) for each in endings]
    await pay(connection, organization_id, bills, now)
    await _move_contacts(connection, organization_id, endings, now)
    await attempts.change_all(connection, organization_id, [_ended(each, now) for each in endings])
    return await _end_calls(connection, organization_id, endings, of, now)


def _carrier_cost(ending: Ending, call: sa.Row[Any]) -> Decimal | None:
    told: Decimal | None = call.carrier_cost
    return told if ending.account.cost is None else Decimal(ending.account.cost)


def _ended(ending: Ending, now: datetime) -> dict[str, Any]:
    attempt, verdict = ending.attempt, ending.verdict
    return {
        "id": attempt.id,
        "state": AttemptState.UNKNOWN_FINAL if verdict.outcome is Outcome.UNKNOWN else AttemptState.ENDED,
        "outcome": verdict.outcome,
        "consumed": not verdict.fault,
        "reason": verdict.reason,
        "ended_at": now,
        "carrier_ended_at": attempt.carrier_ended_at,
        "ended_as": attempt.ended_as,
        "accepted_at": attempt.accepted_at,
        "carrier_call_id": attempt.carrier_call_id,
        "reserved": None,
    }


# ── the calls ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _end_calls(
    connection: Connection,
    organization_id: UUID,
    endings: Sequence[Ending],
    of: dict[UUID, sa.Row[Any]],
    now: datetime,
) -> list[CallState]:
    rows = [await _ended_call(connection, each, of[each.attempt.id], now) for each in endings]
    if await calls.move_all(connection, organization_id, rows):
        for each in endings:
            await emit_of_call(connection, organization_id, each.attempt.id, Event.CALL_ENDED, now)
    for attempt in (each.attempt for each in endings):
        if attempt.conversation_started_at is not None and attempt.conversation_ended_at is None:
            # what was heard until it broke off
            await analyses.make_due(connection, organization_id, attempt.id, now)
            await salvage(connection, organization_id, attempt.id, now)
    return [_state(each, of[each.attempt.id]) for each in endings]


async def _ended_call(connection: Connection, ending: Ending, call: sa.Row[Any], now: datetime) -> dict[str, Any]:
    attempt, verdict, account = ending.attempt, ending.verdict, ending.account
    duration = call.duration_seconds if account.duration_seconds is None else Decimal(str(account.duration_seconds))
    ended_at = attempt.carrier_ended_at or attempt.conversation_ended_at or now
    if duration is None and attempt.answered_at is not None:
        duration = Decimal(str(max(0.0, (ended_at - attempt.answered_at).total_seconds())))
    told = _carrier_cost(ending, call)
    row = {
        "id": attempt.id,
        "status": ENDS_AS[verdict.outcome],
        "outcome": verdict.outcome,
        "ended_at": ended_at,
        "duration_seconds": duration or Decimal(0),
        "hangup_cause": call.hangup_cause or account.cause or verdict.reason or attempt.ended_as,
        "error": call.error or (verdict.reason if verdict.fault else None),
        "carrier_call_id": attempt.carrier_call_id or call.carrier_call_id,
        "carrier_cost": told,
        "cost": call.cost if account.cost is None else told,
        "cost_parts": call.cost_parts if account.cost is None else {"carrier": account.cost},
    }
    if attempt.answered_at is None:
        return row
    return row | await charged(connection, call, duration, carrier_cost=told)


def _state(ending: Ending, call: sa.Row[Any]) -> CallState:
    attempt, outcome = ending.attempt, ending.verdict.outcome
    return CallState(
        attempt.id,
        attempt.campaign_id,
        attempt.contact_id,
        call.contact_name,
        ENDS_AS[outcome],
        outcome,
        call.disposition,
    )


# ── the contacts ─────────────────────────────────────────────────────────────────────────────────────────────────


async def _move_contacts(
    connection: Connection, organization_id: UUID, endings: Sequence[Ending], now: datetime
) -> None:
    """The contacts of one campaign's attempts go on, or are done."""
    campaign_id = endings[0].attempt.campaign_id
    ids = [each.attempt.contact_id for each in endings if each.attempt.contact_id is not None]
    if campaign_id is None or not ids:
        return
    people = await contacts.lock_all(connection, organization_id, ids)
    campaign = await campaigns.get(connection, organization_id, campaign_id, deleted=True)
    if campaign is None:
        return
    counted = await attempts.count_outcomes(connection, organization_id, ids)
    rows = []
    for each in endings:
        contact = people.get(each.attempt.contact_id) if each.attempt.contact_id else None
        if contact is not None and contact.state is ContactState.IN_PROGRESS:
            same = counted.get((contact.id, each.verdict.outcome), 0)
            rows.append(_moved(contact, each, _next(contact, campaign, each, same, now), now))
    await contacts.change_all(connection, organization_id, rows)


def _next(contact: Contact, campaign: Campaign, ending: Ending, same: int, now: datetime) -> Next:
    step = next_step(
        ending.verdict,
        History(contact.attempts, same, contact.faults),
        campaign.config,
        hours_of(campaign.config, contact.phone_number),
        zones_of(contact.phone_number, contact.timezone, campaign.config.timezone),
        now,
        opted_out=ending.attempt.opted_out,
        callback_at=ending.attempt.callback_at,
    )
    is_over = campaign.status in OVER or campaign.deleted_at is not None
    if step.state is ContactState.PENDING and is_over:
        return Next(ContactState.CANCELED, reason="campaign_over")
    return step


def _moved(contact: Contact, ending: Ending, step: Next, now: datetime) -> dict[str, Any]:
    is_fault = ending.verdict.fault
    return {
        "id": contact.id,
        "state": step.state,
        "due_at": step.due_at or contact.due_at,
        "reason": step.reason,
        "attempts": contact.attempts + (0 if is_fault else 1),
        "faults": contact.faults + (1 if is_fault else 0),
        "last_outcome": ending.verdict.outcome,
        "opted_out": ending.attempt.opted_out,
        "updated_at": now,
    }
