"""The caller's organization and who is in it."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from voiceera.api.auth import UserShown, user_shown
from voiceera.api.changes import changes, partial, validated
from voiceera.api.depends import Owning, Reading
from voiceera.api.envelope import listed, success
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Instant, Items, Shown, Success
from voiceera.api.users import PeopleQuery
from voiceera.rules.dialing_limits import DialingLimits
from voiceera.rules.retention import Retention
from voiceera.store import organizations, users
from voiceera.store import retention as store

routes = router("Organization")


class OrganizationFields(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    dialing: DialingLimits = DialingLimits()
    retention: Retention = Retention()


class OrganizationShown(Shown):
    id: UUID
    name: str
    dialing: DialingLimits
    retention: Retention
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
    """Rename it, bound what it dials, whatever its campaigns say, or say for how long it keeps calls: `dialing` and
    `retention` are given as a whole. What is too old is erased within an hour, for good."""
    before = OrganizationShown.model_validate(await organizations.get(work.connection, work.organization_id))
    given = changes(before, body, frozenset(OrganizationFields.model_fields))
    as_before = {"name": before.name, "dialing": before.dialing, "retention": before.retention}
    fields = validated(OrganizationFields, as_before | given)
    await organizations.change(work.connection, work.organization_id, fields.name, fields.dialing, fields.retention)
    await work.note("organization.changed", "organization", work.organization_id, fields=sorted(given))
    changed = {"name": fields.name, "dialing": fields.dialing, "retention": fields.retention}
    return success(before.model_copy(update=changed))


class TooOldShown(Shown):
    """`recordings`, `calls`: how many would be erased now, counted up to 10,000. `…_before`: such as began before
    that instant; null: all are kept."""

    recordings_before: Instant | None
    recordings: int
    calls_before: Instant | None
    calls: int


class TooOldQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    recordings_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    calls_days: Annotated[int, Field(ge=1, le=3650)] | None = None


@routes.get("/organization/retention")
async def preview_retention(work: Reading, query: Annotated[TooOldQuery, Query()]) -> Success[TooOldShown]:
    """What is older than the organization keeps it, or than it would with other days: look before you set them."""
    kept = (await organizations.get(work.connection, work.organization_id)).retention
    asked = query.model_dump(exclude_none=True)
    kept = Retention.model_validate(asked) if asked else kept
    before = kept.recordings_before(work.now), kept.calls_before(work.now)
    recordings, calls = await store.count_old(work.connection, work.organization_id, *before)
    return success(
        TooOldShown(recordings_before=before[0], recordings=recordings, calls_before=before[1], calls=calls)
    )


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
