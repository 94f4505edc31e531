"""Attempts of which nobody knows whether they rang: a list for people to go through."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import StringConstraints

from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import listed, success
from voiceera.api.lists import DatedQuery, PhoneFilter
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Instant, Items, Shown, Success
from voiceera.services import reviews as service
from voiceera.services.live import wake
from voiceera.store import reviews
from voiceera.store.reviews import UnknownAttempt

routes = router("Calls")

Status = Literal["open", "resolved"]


class UnknownAttemptShown(Shown):
    """`reason`: why the carrier could not say. `rang`, `note`, `redialled`: what somebody found out. `id` is also the
    call's."""

    id: UUID
    status: Status
    campaign_id: UUID | None
    contact_id: UUID | None
    phone_number: str
    caller_id: str | None
    provider: str | None
    carrier_call_id: str | None
    reason: str | None
    dialed_at: Instant | None
    created_at: Instant
    ended_at: Instant | None
    rang: bool | None
    note: str | None
    redialled: bool | None
    reviewed_by: UUID | None
    reviewed_at: Instant | None


class Review(Body):
    """`redial`: try the contact of an attempt that did not ring again, in its hours and through the gate."""

    rang: bool
    note: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)] = ""
    redial: bool = False


class UnknownAttemptsQuery(DatedQuery):
    status: Status | None = None
    campaign_id: UUID | None = None
    phone_number: PhoneFilter | None = None


def attempt_shown(attempt: UnknownAttempt) -> UnknownAttemptShown:
    return UnknownAttemptShown.model_validate({**vars(attempt), "status": "open" if attempt.is_open else "resolved"})


async def _of(work: Work, attempt_id: UUID) -> UnknownAttempt:
    found = await reviews.get(work.connection, work.organization_id, attempt_id)
    if found is None:
        raise service.no_attempt()
    return found


@routes.get("/unknown-attempts")
async def list_unknown_attempts(
    work: Reading, query: Annotated[UnknownAttemptsQuery, Query()]
) -> Success[Items[UnknownAttemptShown]]:
    """Dials that may have rung, of which the carrier could not say. They are counted, shown here, and never dialled
    again by themselves. `search` matches notes."""
    found = await reviews.find(
        work.connection,
        work.organization_id,
        query.page(),
        is_open=None if query.status is None else query.status == "open",
        campaign_id=query.campaign_id,
        phone_number=query.phone_number,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(attempt_shown))


@routes.get("/unknown-attempts/{attempt_id}")
async def get_unknown_attempt(work: Reading, attempt_id: UUID) -> Success[UnknownAttemptShown]:
    """One of them."""
    return success(attempt_shown(await _of(work, attempt_id)))


@routes.post("/unknown-attempts/{attempt_id}/resolve")
async def resolve_unknown_attempt(work: Writing, attempt_id: UUID, body: Review) -> Success[UnknownAttemptShown]:
    """Say whether it rang, once, by the carrier's bill or the callee's word."""
    await _of(work, attempt_id)
    await service.resolve(
        work.connection,
        work.organization_id,
        attempt_id,
        work.now,
        rang=body.rang,
        note=body.note,
        redial=body.redial,
        reviewed_by=work.caller.user.id,
    )
    await work.note("attempt.reviewed", "attempt", attempt_id, rang=body.rang, redial=body.redial)
    if body.redial:
        work.after_commit(lambda: wake(work.backend.bus))
    return success(attempt_shown(await _of(work, attempt_id)))
