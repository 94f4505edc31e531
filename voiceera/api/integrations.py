"""Integrations: credentials for a provider, typed by its own schema, written and never read."""

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints

from voiceera import clock, ids
from voiceera.api.changes import changes, merged, partial
from voiceera.api.depends import Acting, Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import FieldProblem, Invalid, NotFound
from voiceera.providers.outbound import allow_list
from voiceera.rules.leads import led_elsewhere
from voiceera.services import integrations as service
from voiceera.store import integrations
from voiceera.store.base import Connection
from voiceera.store.integrations import Integration

routes = router("Integrations")

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Status = Literal["untested", "working", "failing"]

_MASK = "••••"


class IntegrationNew(Body):
    """`config` and `credentials` are as the provider's schema says: `GET /integrations/providers`."""

    name: Name
    type: Word = Field(examples=["telephony"])
    provider: Word = Field(examples=["plivo"])
    config: dict[str, Any] = Field(default_factory=dict)
    credentials: dict[str, str] = Field(default_factory=dict, json_schema_extra={"writeOnly": True})


class IntegrationShown(Shown):
    """`credentials` show their last four characters."""

    id: UUID
    organization_id: UUID
    name: str
    type: str
    provider: str
    config: dict[str, Any]
    credentials: dict[str, str]
    status: Status
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant


class IntegrationStatus(Shown):
    """What the last test found, or the calls since. `latency_ms`: how long the provider took to answer the test.

    Calls make a line `failing` after three in a row that it could not take, and `working` again with the first that
    it could.
    """

    integration_id: UUID
    status: Status
    detail: str | None
    latency_ms: float | None
    tested_at: Instant | None


class IntegrationTested(IntegrationStatus):
    """For a carrier also the URLs to set there for your numbers: who asks about calls that come in is told them."""

    answer_url: str | None
    hangup_url: str | None


class ProviderShown(Shown):
    """`settings` and `credentials`: JSON schemas of what an integration's `config` and `credentials` take."""

    type: str
    provider: str
    settings: dict[str, Any]
    credentials: dict[str, Any]


if TYPE_CHECKING:
    IntegrationChange = Body
else:
    IntegrationChange = partial("IntegrationChange", IntegrationShown)


class IntegrationsQuery(DatedQuery):
    status: Status | None = None
    type: Annotated[str | None, Query(max_length=60)] = None
    provider: Annotated[str | None, Query(max_length=60)] = None


_WRITABLE = frozenset({"name", "config", "credentials"})


def integration_shown(integration: Integration) -> IntegrationShown:
    values = {**integration.__dict__, "credentials": _masked(integration)}
    return IntegrationShown.model_validate(values)


def _masked(integration: Integration) -> dict[str, str]:
    return {name: _MASK + ending for name, ending in integration.credential_endings.items()}


async def _get(connection: Connection, organization_id: UUID, integration_id: UUID) -> Integration:
    found = await integrations.get(connection, organization_id, integration_id)
    if found is None:
        raise NotFound("INTEGRATION_001", "No such integration.")
    return found


async def _of(work: Work, integration_id: UUID) -> Integration:
    return await _get(work.connection, work.organization_id, integration_id)


@routes.get("/integrations")
async def list_integrations(
    work: Reading, query: Annotated[IntegrationsQuery, Query()]
) -> Success[Items[IntegrationShown]]:
    """The organization's integrations; no secret is in them."""
    found = await integrations.find(
        work.connection,
        work.organization_id,
        query.page(),
        type_=query.type,
        provider=query.provider,
        status=query.status,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(integration_shown))


@routes.post("/integrations", status_code=201)
async def create_integration(work: Writing, body: IntegrationNew) -> Created[IntegrationShown]:
    """Connect a provider. The credentials are encrypted, and never shown again but for their last characters."""
    config, credentials = service.checked(body.type, body.provider, body.config, body.credentials)
    integration_id = ids.new_id()
    await integrations.add(
        work.connection,
        work.backend.vault,
        work.organization_id,
        integration_id,
        name=body.name,
        type_=body.type,
        provider=body.provider,
        config=config,
        credentials=credentials,
        created_by=work.caller.user.id,
        now=work.now,
    )
    await work.note("integration.created", "integration", integration_id)
    return created(integration_shown(await _of(work, integration_id)))


@routes.get("/integrations/providers")
async def list_providers(work: Reading) -> Success[list[ProviderShown]]:
    """What an integration can be made for, with the schemas of its settings and credentials."""
    return success([ProviderShown.model_validate(each) for each in service.providers()])


@routes.get("/integrations/{integration_id}")
async def get_integration(work: Reading, integration_id: UUID) -> Success[IntegrationShown]:
    """One integration."""
    return success(integration_shown(await _of(work, integration_id)))


@routes.put("/integrations/{integration_id}")
async def update_integration(
    work: Writing, integration_id: UUID, body: IntegrationChange
) -> Success[IntegrationShown]:
    """Change the fields given; of `config` and `credentials`, the parts given. The next call uses them."""
    before = await _of(work, integration_id)
    given = changes(integration_shown(before), body, _WRITABLE)
    secrets = await integrations.credentials(
        work.connection, work.backend.vault, work.organization_id, integration_id
    )
    masked = _masked(before)
    fresh = {name: value for name, value in (given.get("credentials") or {}).items() if masked.get(name) != value}
    kept = {"name": before.name, "config": before.config}
    after = merged(kept, given, "config")
    if not isinstance(after["config"], dict) or not after["name"]:
        raise Invalid("A name and a config are needed.")
    config, credentials = service.checked(before.type, before.provider, after["config"], {**secrets, **fresh})
    if (led := led_elsewhere(before.config, config)) and (kept_secrets := sorted(secrets.keys() - fresh.keys())):
        why = f"{', '.join(led)} leads elsewhere now: give them again, so that nobody sends them there unseen"
        raise Invalid(
            "The credentials are needed again.", *(FieldProblem(f"credentials.{name}", why) for name in kept_secrets)
        )
    await integrations.change(
        work.connection,
        work.backend.vault,
        before,
        name=after["name"],
        config=config,
        credentials=credentials,
        now=work.now,
    )
    await work.note("integration.changed", "integration", integration_id, fields=sorted(given))
    return success(integration_shown(await _of(work, integration_id)))


@routes.delete("/integrations/{integration_id}", status_code=204)
async def delete_integration(work: Writing, integration_id: UUID) -> None:
    """Disconnect a provider and forget its credentials."""
    found = await _of(work, integration_id)
    await integrations.delete(work.connection, work.organization_id, found.id, work.now)
    await work.note("integration.deleted", "integration", found.id)


@routes.post("/integrations/{integration_id}/test")
async def test_integration(act: Acting, integration_id: UUID) -> Success[IntegrationTested]:
    """Make one real, harmless request to the provider, and say what it answered and how long it took."""
    database, organization_id = act.backend.database, act.organization_id
    async with database.organization(organization_id) as connection:
        found = await _get(connection, organization_id, integration_id)
        secrets = await integrations.credentials(connection, act.backend.vault, organization_id, integration_id)
    allow = allow_list(act.backend.settings.outbound_allow)
    inbound = f"{act.backend.settings.public_url}/carriers/{found.provider}/{organization_id}/inbound"
    tested = await service.test(found.type, found.provider, found.config, secrets, allow, inbound)
    async with database.organization(organization_id) as connection:
        await integrations.note_test(
            connection,
            organization_id,
            integration_id,
            status="working" if tested.works else "failing",
            detail=tested.detail,
            latency_ms=tested.latency_ms,
            now=clock.utc_now(),
        )
        shown = _status_of(await _get(connection, organization_id, integration_id)).model_dump()
    urls = {"answer_url": tested.answer_url, "hangup_url": tested.hangup_url}
    return success(IntegrationTested.model_validate(shown | urls))


@routes.get("/integrations/{integration_id}/status")
async def get_integration_status(work: Reading, integration_id: UUID) -> Success[IntegrationStatus]:
    """Whether it works, by the last test or the calls since."""
    return success(_status_of(await _of(work, integration_id)))


def _status_of(found: Integration) -> IntegrationStatus:
    return IntegrationStatus.model_validate(
        {
            "integration_id": found.id,
            "status": found.status,
            "detail": found.status_detail,
            "latency_ms": found.status_latency_ms,
            "tested_at": found.tested_at,
        }
    )
