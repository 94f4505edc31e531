"""People: read, changed, removed; and what each of them made."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import EmailStr, Field, SecretStr

from voiceera.api.agents import AgentShown, AgentsQuery, found_agents
from voiceera.api.auth import Name, Password, UserShown, user_shown
from voiceera.api.campaigns import CampaignShown, CampaignsQuery, found_campaigns
from voiceera.api.changes import changes, merged, partial, validated
from voiceera.api.depends import ActingForSelf, Administering, Caller, Personal, Reading, Watch
from voiceera.api.envelope import listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Items, Success
from voiceera.errors import FieldProblem, Forbidden, Invalid
from voiceera.rules.permissions import Role
from voiceera.services import people
from voiceera.store import audit, users
from voiceera.store.base import Connection, widen
from voiceera.store.users import User

routes = router("Users")


class UserFields(Body):
    email: EmailStr
    first_name: Name
    last_name: Name
    role: Role
    is_active: bool


class PasswordChange(Body):
    """A new password comes with the current one."""

    password: Password
    current_password: Annotated[SecretStr, Field(max_length=200)]


if TYPE_CHECKING:

    class UserChange(Body):
        password: SecretStr | None
        current_password: SecretStr | None
else:
    UserChange = partial("UserChange", UserShown, UserFields, PasswordChange)


class PeopleQuery(DatedQuery):
    """`search` looks in names and addresses."""

    status: Literal["active", "inactive"] | None = None
    role: Role | None = None

    @property
    def is_active(self) -> bool | None:
        return None if self.status is None else self.status == "active"


class UsersQuery(PeopleQuery):
    organization_id: UUID | None = None


_PERSONAL = frozenset(UserFields.model_fields)
_WRITABLE = _PERSONAL | set(PasswordChange.model_fields)


async def user_of(connection: Connection, caller: Caller, user_id: UUID) -> User:
    """Somebody whom the caller sees: a colleague, for an administrator anybody. Raises NotFound."""
    found = await users.get(connection, caller.organization_id, user_id)
    if found is None and caller.role is Role.ADMIN:
        await widen(connection)
        organization_id = await users.organization_of(connection, user_id)
        found = None if organization_id is None else await users.get(connection, organization_id, user_id)
    if found is None:
        raise people.no_user()
    return found


@routes.get("/users")
async def list_users(work: Administering, query: Annotated[UsersQuery, Query()]) -> Success[Items[UserShown]]:
    """The users of all organizations, for administrators."""
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
    return listed(found.map(user_shown))


@routes.get("/users/{user_id}")
async def get_user(work: Reading, user_id: UUID) -> Success[UserShown]:
    """Oneself or a colleague."""
    return success(user_shown(await user_of(work.connection, work.caller, user_id)))


@routes.put("/users/{user_id}")
async def update_user(act: ActingForSelf, user_id: UUID, body: UserChange) -> Success[UserShown]:
    """Change oneself, or as an owner the organization's people. Only owners change `role` and `is_active`. A new
    `password` takes `current_password` along and ends one's other sessions."""
    password_hash = await _new_password(act, user_id, body)
    async with act.scope() as connection:
        caller = await act.identify_again(connection)
        before = await user_of(connection, caller, user_id)
        shown = user_shown(before)
        given = changes(shown, body, _WRITABLE)
        kept = shown.model_dump(mode="json", include=set(_PERSONAL))
        fields = validated(UserFields, merged(kept, {name: given[name] for name in given.keys() & _PERSONAL}))
        await widen(connection)
        after = await people.change(
            connection,
            caller.user,
            before,
            {name: getattr(fields, name) for name in given.keys() & _PERSONAL},
            act.now,
            password_hash=password_hash,
            session_id=caller.session_id,
        )
        await note(connection, act, "user.changed", after, fields=sorted(given.keys() - {"current_password"}))
    return success(user_shown(after))


@routes.delete("/users/{user_id}", status_code=204)
async def delete_user(work: Personal, user_id: UUID) -> None:
    """Remove a person: name, address and password are erased, sessions end. What they made remains."""
    before = await user_of(work.connection, work.caller, user_id)
    await widen(work.connection)
    await people.remove(work.connection, work.caller.user, before, work.now)
    await note(work.connection, work, "user.deleted", before)


@routes.get("/users/{user_id}/agents")
async def list_user_agents(
    work: Reading, user_id: UUID, query: Annotated[AgentsQuery, Query()]
) -> Success[Items[AgentShown]]:
    """The agents that this user made."""
    user = await user_of(work.connection, work.caller, user_id)
    return await found_agents(work.connection, user.organization_id, query, created_by=user.id)


@routes.get("/users/{user_id}/campaigns")
async def list_user_campaigns(
    work: Reading, user_id: UUID, query: Annotated[CampaignsQuery, Query()]
) -> Success[Items[CampaignShown]]:
    """The campaigns that this user made."""
    user = await user_of(work.connection, work.caller, user_id)
    return await found_campaigns(
        work.connection, user.organization_id, query, agent_id=query.agent_id, created_by=user.id
    )


async def _new_password(act: Watch, user_id: UUID, body: UserChange) -> str | None:
    """The new password's hash, worked before any row is locked; None where none is given. Raises Invalid unless the
    current password comes along, and Forbidden for somebody else's."""
    if body.password is None:
        return None
    caller, accounts = act.caller, act.backend.accounts
    async with act.scope() as connection:
        user = await user_of(connection, caller, user_id)
        if user.id != caller.user.id:
            raise Forbidden("A password is changed by whose it is.")
        stored = await users.password_hash_of(connection, user.organization_id, user.id)
    await accounts.throttle("password", user.email, act.origin, act.now)
    current = "" if body.current_password is None else body.current_password.get_secret_value()
    if not await accounts.passwords.verify(current, stored):
        raise Invalid(
            "The password cannot be changed.", FieldProblem("current_password", "is not the current password")
        )
    return await accounts.passwords.hash(body.password.get_secret_value())


async def note(connection: Connection, act: Watch, action: str, user: User, **details: object) -> None:
    """In the journal of the organization that it happens to."""
    await audit.write(
        connection,
        user.organization_id,
        action,
        act.now,
        actor_id=act.caller.user.id,
        subject="user",
        subject_id=user.id,
        address=act.origin.address,
        request_id=act.origin.request_id,
        details=details,
    )
