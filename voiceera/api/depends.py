"""What a route is given: who calls, and one transaction that commits once, before the answer leaves.

`Reading`, `Listing`, `Writing`, `Personal`, `Owning`, `Administering` are a caller with a transaction over its
organization; `Visiting` is anybody, without one. `Watching`, `Acting` (which may write) and `ActingForSelf` are a
caller without one, for answers that stream and for operations with transactions of their own. Each declares the
route's policy. Those that may write heed a POST's Idempotency-Key.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from structlog.contextvars import bind_contextvars

from voiceera import clock
from voiceera.api import idempotency
from voiceera.api.event_stream import Streams
from voiceera.api.http_metrics import HttpMetrics
from voiceera.api.idempotency import Keeping
from voiceera.api.rate_limit import AcceptedKeys
from voiceera.api.routing import declare
from voiceera.config import Settings
from voiceera.errors import Conflict, Forbidden, Unauthenticated
from voiceera.rules.permissions import Access, Role, allows
from voiceera.services import credentials
from voiceera.services.accounts import Accounts, Origin
from voiceera.services.carrier_events import CarrierEvents
from voiceera.services.checks import Checks
from voiceera.services.idempotency import InFlight
from voiceera.services.maintenance import MaintenanceWatch
from voiceera.services.sound_archive import SoundArchive
from voiceera.services.trunks import Trunk, TrunkBook
from voiceera.store import audit
from voiceera.store.base import Connection, Database
from voiceera.store.bus import Bus
from voiceera.store.call_counts import CallCounts
from voiceera.store.users import User
from voiceera.store.vault import Vault

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An access token from `/auth/login`, or an API key from `/api-keys`.",
)


@dataclass(frozen=True)
class Backend:
    """What the application stands on; one a process."""

    settings: Settings
    database: Database
    bus: Bus
    vault: Vault
    accounts: Accounts
    accepted_keys: AcceptedKeys
    trunks: TrunkBook
    carrier_events: CarrierEvents
    streams: Streams
    archive: SoundArchive
    checks: Checks
    maintenance: MaintenanceWatch
    http_metrics: HttpMetrics
    draining: asyncio.Event
    """Set once this process is to end: nothing new shall be sent here."""
    call_counts: CallCounts = field(default_factory=CallCounts)


@dataclass(frozen=True)
class Caller:
    """`session_id` is None for a caller with an API key."""

    user: User
    session_id: UUID | None
    read_only: bool = False

    @property
    def organization_id(self) -> UUID:
        return self.user.organization_id

    @property
    def role(self) -> Role:
        return Role(self.user.role)


@dataclass(frozen=True)
class Visit:
    backend: Backend
    origin: Origin
    now: datetime


@dataclass(frozen=True)
class Watch(Visit):
    caller: Caller
    identify_again: Callable[[Connection], Awaitable[Caller]] = field(repr=False)
    """For answers that last: asks again, now, whether the caller may. Raises Unauthenticated or Forbidden."""

    @property
    def organization_id(self) -> UUID:
        return self.caller.organization_id

    def scope(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction of its own over the caller's organization."""
        return self.backend.database.organization(self.organization_id)


@dataclass(frozen=True)
class Work(Watch):
    connection: Connection
    request: Request
    _committed: list[Callable[[], Awaitable[None]]] = field(default_factory=list, repr=False)

    def after_commit(self, action: Callable[[], Awaitable[None]]) -> None:
        """Do this once the transaction is committed, before the answer leaves: telling what others will look up."""
        self._committed.append(action)

    async def note(self, action: str, subject: str, subject_id: UUID, **details: Any) -> None:
        """Write a line of audit, in the transaction of what it tells."""
        await audit.write(
            self.connection,
            self.organization_id,
            action,
            self.now,
            actor_id=self.caller.user.id,
            subject=subject,
            subject_id=subject_id,
            address=self.origin.address,
            request_id=self.origin.request_id,
            details=details,
        )


def visit(request: Request) -> Visit:
    origin = Origin(
        address=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent", "")[:500] or None,
        request_id=request.state.request_id,
    )
    return Visit(request.app.state.backend, origin, clock.utc_now())


def visitor(request: Request) -> Visit:
    """The same where maintenance closes the door."""
    here = visit(request)
    here.backend.maintenance.refuse(here.now)
    return here


def _worker(access: Access, *, keep_plans: bool = False) -> Callable[..., AsyncIterator[Work]]:
    async def work(
        request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> AsyncIterator[Work]:
        here = visit(request)
        organization_id = _organization_of(here, credential)
        asked = None if access is Access.READ else await idempotency.asked(request)
        committed: list[Callable[[], Awaitable[None]]] = []
        for pause in idempotency.tries():
            try:
                begun = here.backend.database.organization(organization_id, keep_plans=keep_plans)
                async with begun as connection:
                    caller = await _identify(connection, here, credential, access)
                    if asked is not None:
                        key = asked.of(organization_id, caller.user.id, here.backend.vault)
                        await idempotency.begin(Keeping(key, here.now, here.backend.database, connection), request)
                    again = _identifier(here, credential, access)
                    yield Work(here.backend, here.origin, here.now, caller, again, connection, request, committed)
                break
            except InFlight:
                await asyncio.sleep(pause)
        for action in committed:
            await action()

    declare(work, access)
    return work


def watcher(access: Access) -> Callable[..., Awaitable[Watch]]:
    async def watch(
        request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> Watch:
        here = visit(request)
        organization_id = _organization_of(here, credential)
        async with here.backend.database.organization(organization_id) as connection:
            caller = await _identify(connection, here, credential, access)
        asked = None if access is Access.READ else await idempotency.asked(request)
        if asked is not None:
            key = asked.of(organization_id, caller.user.id, here.backend.vault)
            await _claim(Keeping(key, here.now, here.backend.database), request)
        return Watch(here.backend, here.origin, here.now, caller, _identifier(here, credential, access))

    declare(watch, access)
    return watch


async def _claim(keeping: Keeping, request: Request) -> None:
    for pause in idempotency.tries():
        try:
            await idempotency.begin(keeping, request)
            return
        except InFlight:
            await asyncio.sleep(pause)


declare(visit, Access.PUBLIC)
declare(visitor, Access.PUBLIC)

Visiting = Annotated[Visit, Depends(visitor)]
VisitingAlways = Annotated[Visit, Depends(visit)]
"""For what goes on in maintenance: signing in, probes, carriers."""
Watching = Annotated[Watch, Depends(watcher(Access.READ))]
Acting = Annotated[Watch, Depends(watcher(Access.WRITE))]
ActingForSelf = Annotated[Watch, Depends(watcher(Access.SELF))]
Reading = Annotated[Work, Depends(_worker(Access.READ), scope="function")]
Listing = Annotated[Work, Depends(_worker(Access.READ, keep_plans=True), scope="function")]
"""`Reading` for hot lists, whose statements are put for it; see `Database.organization`."""
Writing = Annotated[Work, Depends(_worker(Access.WRITE), scope="function")]
Personal = Annotated[Work, Depends(_worker(Access.SELF), scope="function")]
Owning = Annotated[Work, Depends(_worker(Access.OWN), scope="function")]
Administering = Annotated[Work, Depends(_worker(Access.ADMIN), scope="function")]


async def _line(
    request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Callable[[], Trunk]:
    """The caller's line into its carrier, looked up before the route's transaction takes a connection of its own.

    What it gives raises Conflict where there is none: who may not call hears that first.
    """
    here = visit(request)
    found: Trunk | Conflict
    try:
        found = await here.backend.trunks.of(_organization_of(here, credential))
    except Conflict as none:
        found = none

    def line() -> Trunk:
        if isinstance(found, Conflict):
            raise found
        return found

    return line


Line = Annotated[Callable[[], Trunk], Depends(_line)]


def _organization_of(here: Visit, credential: HTTPAuthorizationCredentials | None) -> UUID:
    """Whose rows the request is about, by what the credential says of itself; `_identify` then asks the database."""
    if credential is None:
        here.backend.maintenance.refuse(here.now)
        raise Unauthenticated("AUTH_003", "An access token is needed: Authorization: Bearer …")
    return credentials.organization_of(here.backend.accounts.tokens, credential.credentials, here.now)


async def _identify(
    connection: Connection, here: Visit, credential: HTTPAuthorizationCredentials | None, access: Access
) -> Caller:
    assert credential is not None
    token = credential.credentials
    bearer = await credentials.bearer_of(connection, here.backend.accounts.tokens, token, here.now)
    if credentials.is_api_key(token):
        here.backend.accepted_keys.remember(token)
    caller = Caller(bearer.user, bearer.session_id, bearer.read_only)
    bind_contextvars(user_id=str(caller.user.id), organization_id=str(caller.organization_id))
    if caller.role is not Role.ADMIN:
        here.backend.maintenance.refuse(here.now)
    if not allows(access, caller.role, read_only=caller.read_only):
        raise Forbidden()
    return caller


def _identifier(
    here: Visit, credential: HTTPAuthorizationCredentials | None, access: Access
) -> Callable[[Connection], Awaitable[Caller]]:
    async def identify(connection: Connection) -> Caller:
        return await _identify(connection, replace(here, now=clock.utc_now()), credential, access)

    return identify
