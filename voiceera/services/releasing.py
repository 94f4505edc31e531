"""Attempts that go back, since nobody outside has heard of them: refused at the gate, released, put off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from voiceera.rules.attempts import Verdict
from voiceera.rules.calls import AttemptState, CallStatus, Outcome
from voiceera.rules.campaigns import OVER, ContactState
from voiceera.rules.gate import Refusal
from voiceera.services.cases import Case
from voiceera.services.live import CallState
from voiceera.services.purses import give_back
from voiceera.services.settle import end
from voiceera.store import attempts, calls, campaigns, contacts
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection
from voiceera.store.contacts import Contact


async def refuse(connection: Connection, case: Case, closed: Refusal, now: datetime) -> CallState | None:
    """What becomes of a dial at which the gate is closed; a CallState: the call has ended."""
    attempt, contact, campaign = case.attempt, case.contact, case.campaign
    if contact is None:
        if closed.look_again_at is None:
            verdict = Verdict(Outcome.CANCELED, fault=True, reason=closed.reason)
            return await end(connection, attempt, verdict, now)
        await requeue(connection, attempt, closed.look_again_at, closed.reason)
        return None
    if closed.look_again_at is None:
        state = ContactState.SUPPRESSED
    elif campaign is None or campaign.status in OVER or campaign.deleted_at is not None:
        state = ContactState.CANCELED
    else:
        state = ContactState.PENDING
    await _give_back(connection, attempt, contact, state, closed.look_again_at or now, closed.reason, now)
    return None


async def release(connection: Connection, attempt: Attempt, now: datetime) -> None:
    """Give back a locked claim that will not be dialled now (its worker stops, or has died)."""
    contact = None
    if attempt.contact_id is not None:
        contact = await contacts.lock(connection, attempt.organization_id, attempt.contact_id)
    if contact is None or attempt.campaign_id is None:
        await requeue(connection, attempt, now, None)
        return
    campaign = await campaigns.get(connection, attempt.organization_id, attempt.campaign_id, deleted=True)
    is_over = campaign is None or campaign.status in OVER or campaign.deleted_at is not None
    state = ContactState.CANCELED if is_over else ContactState.PENDING
    await _give_back(connection, attempt, contact, state, now, None, now)


async def _give_back(
    connection: Connection,
    attempt: Attempt,
    contact: Contact,
    state: ContactState,
    due_at: datetime,
    reason: str | None,
    now: datetime,
) -> None:
    """The attempt never was: it and its call, if an earlier round made one, go; the contact keeps its tries."""
    await contacts.change(connection, contact, state=state, due_at=due_at, reason=reason, updated_at=now)
    await calls.remove(connection, attempt.organization_id, attempt.id)
    await attempts.remove(connection, attempt)


@dataclass(frozen=True)
class Later:
    """A locked attempt that waits until `due_at` to be dialled."""

    attempt: Attempt
    due_at: datetime
    reason: str | None


async def requeue(connection: Connection, attempt: Attempt, due_at: datetime, reason: str | None) -> None:
    await requeue_all(connection, attempt.organization_id, [Later(attempt, due_at, reason)])


async def requeue_all(connection: Connection, organization_id: UUID, waiting: Sequence[Later]) -> None:
    await give_back(connection, organization_id, [each.attempt for each in waiting])
    await attempts.change_all(connection, organization_id, [_queued(each) for each in waiting])
    shown = [{"id": each.attempt.id, "status": CallStatus.QUEUED} for each in waiting]
    await calls.move_all(connection, organization_id, shown)


def _queued(later: Later) -> dict[str, Any]:
    nothing = ("dialed_at", "unknown_since", "check_at", "claimed_by", "claim_expires_at", "reserved")
    queued = {"state": AttemptState.QUEUED, "due_at": later.due_at, "reason": later.reason}
    return {"id": later.attempt.id} | queued | dict.fromkeys(nothing)
