"""The operator's view of people: with their sessions, and the switch that lets them in."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query

from voiceera.api.auth import UserShown, user_shown
from voiceera.api.depends import Administering, Work
from voiceera.api.envelope import listed, success
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Items, Nothing, Shown, Success
from voiceera.api.users import UsersQuery, note, user_of
from voiceera.rules.campaigns import CampaignStatus
from voiceera.services import people
from voiceera.services.live import tell_campaign, wake
from voiceera.store import organizations, sessions, users
from voiceera.store.base import widen
from voiceera.store.users import User

routes = router("Admin")


class SessionShown(Shown):
    id: UUID
    address: str | None
    user_agent: str | None
    created_at: Instant
    last_used_at: Instant


class OrganizationName(Shown):
    id: UUID
    name: str


class AdminUserShown(UserShown):
    """`sessions`: the live ones, newest first."""

    organization: OrganizationName
    last_address: str | None
    sessions: list[SessionShown]


@routes.get("/admin/users")
async def list_users_as_admin(
    work: Administering, query: Annotated[UsersQuery, Query()]
) -> Success[Items[AdminUserShown]]:
    """The users of all organizations, with their sessions."""
    await widen(work.connection)
    found = await users.find(
        work.connection,
        query.organization_id,
        query.page(),
        is_active=query.is_active,
        role=query.role,
        search=query.search,
        span=query.span(),
    )
    shown = await _with_sessions(work, found.items)
    return listed(found.map(lambda user: shown[user.id]))


@routes.post("/admin/users/{user_id}/activate")
async def activate_user(work: Administering, user_id: UUID, body: Nothing | None = None) -> Success[AdminUserShown]:
    """Let somebody sign in again."""
    before = await user_of(work.connection, work.caller, user_id)
    await widen(work.connection)
    after = await people.activate(work.connection, before, work.now)
    await note(work.connection, work, "user.activated", after)
    return success((await _with_sessions(work, [after]))[user_id])


@routes.post("/admin/users/{user_id}/deactivate")
async def deactivate_user(work: Administering, user_id: UUID, body: Nothing | None = None) -> Success[AdminUserShown]:
    """Lock somebody out: sessions and keys stop at once. When no active owner is left in the organization, the
    campaigns that dial are paused."""
    before = await user_of(work.connection, work.caller, user_id)
    await widen(work.connection)
    after, paused = await people.deactivate(work.connection, before, work.now, actor_id=work.caller.user.id)
    await note(work.connection, work, "user.deactivated", after, paused=[str(campaign_id) for campaign_id in paused])

    async def tell() -> None:
        for campaign_id in paused:
            await tell_campaign(work.backend.bus, campaign_id, CampaignStatus.PAUSED)
        await wake(work.backend.bus)

    work.after_commit(tell)
    return success((await _with_sessions(work, [after]))[user_id])


async def _with_sessions(work: Work, found: Sequence[User]) -> dict[UUID, AdminUserShown]:
    live = await sessions.live_of(work.connection, found, work.now)
    addresses = await users.last_addresses(work.connection, found)
    names = await organizations.names(work.connection, (user.organization_id for user in found))
    return {
        user.id: AdminUserShown(
            **dict(user_shown(user)),
            organization=OrganizationName(id=user.organization_id, name=names[user.organization_id]),
            last_address=addresses[user.id],
            sessions=[SessionShown.model_validate(session) for session in live.get(user.id, ())],
        )
        for user in found
    }
