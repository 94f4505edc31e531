"""The caller's organization and who is in it."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Query
from pydantic import StringConstraints

from voiceera.api.auth import UserShown, user_shown
from voiceera.api.changes import changes, partial, validated
from voiceera.api.depends import Owning, Reading
from voiceera.api.envelope import listed, success
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Instant, Items, Shown, Success
from voiceera.api.users import PeopleQuery
from voiceera.rules.dialing_limits import DialingLimits
from voiceera.store import organizations, users

routes = router("Organization")


class OrganizationFields(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    dialing: DialingLimits = DialingLimits()


class OrganizationShown(Shown):
    id: UUID
    name: str
    dialing: DialingLimits
    created_at: Instant


if TYPE_CHECKING:
    OrganizationChange = Body
else:
    OrganizationChange = partial("OrganizationChange", OrganizationShown, OrganizationFields)


@routes.get("/organization")
async def get_organization(work: Reading) -> Success[OrganizationShown]:
    """The organization that the caller belongs to."""
    found = await organizations.get(work.connection, work.organization_id)
    return success(OrganizationShown.model_validate(found))


@routes.put("/organization")
async def update_organization(work: Owning, body: OrganizationChange) -> Success[OrganizationShown]:
    """Rename it, or bound what it dials, whatever its campaigns say: `dialing` is given as a whole."""
    before = OrganizationShown.model_validate(await organizations.get(work.connection, work.organization_id))
    given = changes(before, body, frozenset(OrganizationFields.model_fields))
    fields = validated(OrganizationFields, {"name": before.name, "dialing": before.dialing, **given})
    await organizations.change(work.connection, work.organization_id, fields.name, fields.dialing)
    await work.note("organization.changed", "organization", work.organization_id, fields=sorted(given))
    return success(before.model_copy(update={"name": fields.name, "dialing": fields.dialing}))


@routes.get("/organization/members")
async def list_members(work: Reading, query: Annotated[PeopleQuery, Query()]) -> Success[Items[UserShown]]:
    """Everybody in it."""
    found = await users.find(
        work.connection,
        work.organization_id,
        query.page(),
        is_active=query.is_active,
        role=query.role,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(user_shown))
