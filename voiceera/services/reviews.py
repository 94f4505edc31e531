"""A person settles what no carrier could say: whether an attempt rang. Nothing here dials by itself."""

from datetime import datetime
from uuid import UUID

from voiceera.errors import Conflict, FieldProblem, Invalid, NotFound
from voiceera.rules.calls import Outcome
from voiceera.rules.campaigns import OVER, ContactState
from voiceera.store import attempts, campaigns, contacts, reviews
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection
from voiceera.store.campaigns import Campaign, Hold


def no_attempt() -> NotFound:
    return NotFound("ATTEMPT_001", "No such attempt is to be reviewed.")


async def resolve(
    connection: Connection,
    organization_id: UUID,
    attempt_id: UUID,
    now: datetime,
    *,
    rang: bool,
    note: str,
    redial: bool,
    reviewed_by: UUID | None,
) -> None:
    """Note what was found out; with `redial`, let the contact of an attempt that did not ring be tried again, through
    the gate like any other. Raises NotFound, Conflict for one that is settled or cannot be tried again, and Invalid.
    """
    if rang and redial:
        raise Invalid("The review does not fit.", FieldProblem("redial", "somebody was rung already: launch anew"))
    attempt = await attempts.get(connection, organization_id, attempt_id)
    if attempt is None:
        raise no_attempt()
    campaign = None
    if redial and attempt.campaign_id is not None:
        # Campaign before attempt before contact: the order in which everybody locks.
        campaign = await campaigns.get(connection, organization_id, attempt.campaign_id, hold=Hold.SHARE)
    await attempts.lock(connection, organization_id, attempt_id)
    found = await reviews.get(connection, organization_id, attempt_id)
    if found is None:
        raise no_attempt()
    if not found.is_open:
        raise Conflict("ATTEMPT_002", "The attempt has been reviewed.", f"at {found.reviewed_at:%Y-%m-%d %H:%M} UTC")
    if redial:
        await _try_again(connection, attempt, campaign, now)
    await reviews.add(
        connection,
        organization_id,
        attempt_id,
        rang=rang,
        note=note,
        redialled=redial,
        reviewed_by=reviewed_by,
        now=now,
    )


async def _try_again(connection: Connection, attempt: Attempt, campaign: Campaign | None, now: datetime) -> None:
    if campaign is None or attempt.contact_id is None or campaign.status in OVER:
        raise Conflict("ATTEMPT_002", "The contact cannot be tried again.", "its campaign is over")
    contact = await contacts.lock(connection, attempt.organization_id, attempt.contact_id)
    if contact is None or (contact.state, contact.last_outcome) != (ContactState.EXHAUSTED, Outcome.UNKNOWN):
        state = contact.state if contact else "gone"
        raise Conflict("ATTEMPT_002", "The contact cannot be tried again.", f"it is {state}")
    await contacts.change(
        connection,
        contact,
        state=ContactState.PENDING,
        due_at=now,
        reason=None,
        attempts=max(0, contact.attempts - 1),
        updated_at=now,
    )
