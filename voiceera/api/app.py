"""The HTTP application: routes, layers, life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from voiceera.api import (
    admin_logs,
    admin_system,
    admin_users,
    agent_campaigns,
    agents,
    analytics,
    analytics_export,
    api_keys,
    auth,
    call_analysis,
    call_events,
    call_logs,
    caller_ids,
    calls,
    campaign_events,
    campaign_log,
    campaign_moves,
    campaigns,
    carriers,
    comparison,
    console,
    contact_files,
    contacts,
    do_not_call,
    do_not_call_files,
    docs,
    envelope,
    health,
    idempotency,
    inbound_calls,
    integrations,
    invitations,
    metrics,
    openapi,
    organization,
    pages,
    phone_numbers,
    prices,
    prompts,
    providers,
    recordings,
    reviews,
    talk,
    trials,
    upload_reports,
    users,
    webhooks,
)
from voiceera.api.depends import Backend
from voiceera.api.event_stream import Streams
from voiceera.api.http_metrics import HttpMetrics
from voiceera.api.outermost import Outermost
from voiceera.api.rate_limit import AcceptedKeys, RateLimit
from voiceera.api.routing import literal_paths, policies
from voiceera.config import Settings
from voiceera.providers.outbound import allow_list
from voiceera.services.accounts import Accounts
from voiceera.services.carrier_events import CarrierEvents
from voiceera.services.checks import Checks
from voiceera.services.maintenance import MaintenanceWatch
from voiceera.services.sound_archive import SoundArchive
from voiceera.services.trunks import StoredTrunks
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.store.vault import Vault


def create_app(settings: Settings, database: Database, bus: Bus) -> FastAPI:
    """The API over a database and a bus, which the caller opens and closes. Raises StartupError."""
    vault = Vault.load(settings)
    accounts = Accounts(database, settings, vault)
    accepted_keys = AcceptedKeys()
    trunks = StoredTrunks(database, vault, allow_list(settings.outbound_allow))

    checks = Checks(database, bus, settings.recordings_dir, settings.disk_free_minimum_bytes)
    maintenance = MaintenanceWatch(database, bus)
    http_metrics = HttpMetrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await maintenance.look()
        watching = asyncio.create_task(maintenance.run())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        accounts.close()
        await trunks.close()

    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=openapi.operation_id,
    )
    app.state.backend = Backend(
        *(settings, database, bus, vault, accounts, accepted_keys, trunks, CarrierEvents(database, bus), Streams()),
        *(SoundArchive.of(settings), checks, maintenance, http_metrics, asyncio.Event()),
    )
    for part in (
        *(auth, agents, agent_campaigns, campaigns, campaign_moves, campaign_events, contacts),
        *(
            talk,
            calls,
            call_events,
            call_logs,
            recordings,
            integrations,
            providers,
            caller_ids,
            phone_numbers,
            inbound_calls,
        ),
        *(carriers, health),
        *(campaign_log, contact_files, reviews, upload_reports, do_not_call_files, do_not_call),
        *(analytics, analytics_export, comparison, call_analysis),
        *(users, organization, invitations, api_keys, admin_users, webhooks, prices, prompts, trials),
    ):
        app.include_router(part.routes)
    for each in (admin_logs, admin_system, metrics):
        app.include_router(each.routes)
    docs.install(app)
    pages.install(app)
    console.install(app, settings)
    talk.install(app)
    envelope.install(app)
    idempotency.install(app)
    openapi.install(app)
    app.add_middleware(RateLimit, settings=settings, tokens=accounts.tokens, keys=accepted_keys)
    app.add_middleware(Outermost, metrics=http_metrics)
    policies(app)
    app.state.literal_paths = literal_paths(app)
    return app
