"""API keys: they work wherever an access token does, for what their owner may, or only to read it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import StringConstraints

from voiceera import ids
from voiceera.api.campaigns import Moment
from voiceera.api.depends import Personal, Reading, Work
from voiceera.api.envelope import created, listed
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import FieldProblem, Forbidden, Invalid, NotFound
from voiceera.rules.people import HEADS
from voiceera.store import api_keys
from voiceera.store.api_keys import ApiKey

routes = router("Organization")

Scope = Literal["read", "write"]


class ApiKeyNew(Body):
    """`scope` read: it changes nothing. Without `expires_at` it is good until it is revoked."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    scope: Scope = "read"
    expires_at: Moment | None = None


class ApiKeyShown(Shown):
    """`last_used_at` is exact to the minute."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    name: str
    scope: Scope
    last_four: str
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None


class ApiKeyCreated(ApiKeyShown):
    """`key` is shown this once."""

    key: str


class ApiKeysQuery(DatedQuery):
    scope: Scope | None = None
    user_id: UUID | None = None


@routes.get("/api-keys")
async def list_api_keys(work: Reading, query: Annotated[ApiKeysQuery, Query()]) -> Success[Items[ApiKeyShown]]:
    """One's own keys; an owner sees the organization's."""
    found = await api_keys.find(
        work.connection,
        work.organization_id,
        query.page(),
        visible_to=None if work.caller.role in HEADS else work.caller.user.id,
        user_id=query.user_id,
        scope=query.scope,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(ApiKeyShown.model_validate))


@routes.post("/api-keys", status_code=201)
async def create_api_key(work: Personal, body: ApiKeyNew) -> Created[ApiKeyCreated]:
    """Make a key. It is shown now and never again."""
    if body.expires_at is not None and body.expires_at <= work.now:
        raise Invalid("The key would be of no use.", FieldProblem("expires_at", "must lie in the future"))
    key = f"{api_keys.PREFIX}{work.organization_id.hex}.{ids.new_secret()}"
    made = ApiKey(
        organization_id=work.organization_id,
        id=ids.new_id(),
        user_id=work.caller.user.id,
        name=body.name,
        scope=body.scope,
        last_four=key[-4:],
        created_at=work.now,
        expires_at=body.expires_at,
        last_used_at=None,
    )
    await api_keys.add(work.connection, made, key)
    await work.note("api_key.created", "api_key", made.id, scope=made.scope)
    return created(ApiKeyCreated.model_validate({**made.__dict__, "key": key}))


@routes.delete("/api-keys/{key_id}", status_code=204)
async def revoke_api_key(work: Personal, key_id: UUID) -> None:
    """Revoke a key of one's own, or as an owner one of the organization's: it is refused at once."""
    key = await _key_of(work, key_id)
    await api_keys.revoke(work.connection, work.organization_id, key.id, work.now)
    await work.note("api_key.revoked", "api_key", key.id)


async def _key_of(work: Work, key_id: UUID) -> ApiKey:
    key = await api_keys.get(work.connection, work.organization_id, key_id)
    if key is None:
        raise NotFound("API_KEY_001", "No such API key.")
    if key.user_id != work.caller.user.id and work.caller.role not in HEADS:
        raise Forbidden()
    return key
