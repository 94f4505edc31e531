"""Invitations: an owner has somebody invited by e-mail, who comes in with the link."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import EmailStr, Field, SecretStr

from voiceera.api.auth import Name, Password, UserShown, user_shown
from voiceera.api.depends import Owning, Visiting
from voiceera.api.envelope import created, listed
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import NotFound
from voiceera.services import invitations as service
from voiceera.store import invitations
from voiceera.store.base import widen
from voiceera.store.invitations import Invitation

routes = router("Organization")

InvitedRole = Literal["member", "viewer"]
Status = Literal["pending", "expired"]


class InvitationNew(Body):
    email: EmailStr
    role: InvitedRole = "member"


class Acceptance(Body):
    token: Annotated[SecretStr, Field(max_length=200)]
    password: Password
    first_name: Name
    last_name: Name


class InvitationShown(Shown):
    id: UUID
    organization_id: UUID
    email: str
    role: InvitedRole
    status: Status
    invited_by: UUID
    created_at: Instant
    expires_at: Instant


class InvitationsQuery(DatedQuery):
    """`search` looks in addresses."""

    status: Status | None = None
    role: InvitedRole | None = None


def invitation_shown(invitation: Invitation, now: datetime) -> InvitationShown:
    status = "pending" if invitation.expires_at > now else "expired"
    return InvitationShown.model_validate({**invitation.__dict__, "status": status})


@routes.get("/invitations")
async def list_invitations(
    work: Owning, query: Annotated[InvitationsQuery, Query()]
) -> Success[Items[InvitationShown]]:
    """The open invitations: neither accepted nor withdrawn."""
    found = await invitations.find(
        work.connection,
        work.organization_id,
        query.page(),
        now=work.now,
        status=query.status,
        role=query.role,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(lambda invitation: invitation_shown(invitation, work.now)))


@routes.post("/invitations", status_code=201)
async def create_invitation(work: Owning, body: InvitationNew) -> Created[InvitationShown]:
    """Invite somebody by mail, as member or (read-only) viewer. An earlier invitation of the address ends."""
    await widen(work.connection)
    await work.backend.accounts.throttle_in(work.connection, "invite", body.email, work.origin, work.now)
    invitation = await service.invite(
        work.connection,
        work.organization_id,
        body.email,
        body.role,
        work.caller.user.id,
        work.now,
        timedelta(days=work.backend.settings.invitation_days),
    )
    await work.note("invitation.created", "invitation", invitation.id, role=body.role)
    return created(invitation_shown(invitation, work.now))


@routes.delete("/invitations/{invitation_id}", status_code=204)
async def delete_invitation(work: Owning, invitation_id: UUID) -> None:
    """Withdraw an invitation: its link lets nobody in any more."""
    if not await invitations.end(work.connection, work.organization_id, invitation_id, work.now):
        raise NotFound("INVITATION_001", "No such invitation.")
    await work.note("invitation.withdrawn", "invitation", invitation_id)


@routes.post("/invitations/accept", status_code=201)
async def accept_invitation(visit: Visiting, body: Acceptance) -> Created[UserShown]:
    """Join the organization with the token that was mailed; it works once. Then sign in."""
    user = await service.accept(
        visit.backend.accounts,
        body.token.get_secret_value(),
        password=body.password.get_secret_value(),
        first_name=body.first_name,
        last_name=body.last_name,
        origin=visit.origin,
        now=visit.now,
    )
    return created(user_shown(user), "Welcome: sign in with your address and the new password.")
