"""Links to a recording that need no sign-in: signed, for one recording and a few minutes.

A token is "{organization hex}.{expiry, epoch seconds}.{HMAC-SHA256 of both and the call's id}".
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials

from voiceera.api.depends import Backend, bearer, visit, watcher
from voiceera.api.routing import declare
from voiceera.errors import Unauthenticated
from voiceera.rules.permissions import Access
from voiceera.store.vault import Vault

GOOD_FOR = timedelta(minutes=10)
_PURPOSE = "download links"


@dataclass(frozen=True)
class Download:
    """Somebody who may fetch the recordings of an organization, or the one that the link is for."""

    backend: Backend
    organization_id: UUID


@dataclass(frozen=True)
class Link:
    url: str
    expires_at: datetime


def link(backend: Backend, organization_id: UUID, call_id: UUID, now: datetime) -> Link:
    expires_at = (now + GOOD_FOR).replace(microsecond=0)
    expiry = str(int(expires_at.timestamp()))
    signature = _signature(backend.vault, organization_id, call_id, expiry)
    token = f"{organization_id.hex}.{expiry}.{signature}"
    return Link(f"{backend.settings.public_url}/call-recordings/{call_id}/download?token={token}", expires_at)


def organization_of_link(vault: Vault, call_id: UUID, token: str, now: datetime) -> UUID:
    """Whose recording the token opens. Raises Unauthenticated: not signed by us for this call, or too late."""
    organization, _, rest = token.partition(".")
    expiry, _, signature = rest.partition(".")
    try:
        organization_id = UUID(hex=organization)
    except ValueError:
        raise _refused() from None
    wanted = _signature(vault, organization_id, call_id, expiry)
    if not hmac.compare_digest(wanted.encode(), signature.encode(errors="replace")):
        raise _refused()
    if datetime.fromtimestamp(int(expiry), UTC) <= now:
        raise Unauthenticated("AUTH_002", "The link has expired.")
    return organization_id


def _signature(vault: Vault, organization_id: UUID, call_id: UUID, expiry: str) -> str:
    message = f"recording/{organization_id}/{call_id}/{expiry}"
    return hmac.new(vault.derive(_PURPOSE), message.encode(errors="replace"), sha256).hexdigest()


def _refused() -> Unauthenticated:
    return Unauthenticated("AUTH_003", "The link is not valid.")


_watch = watcher(Access.READ)


async def _downloader(
    request: Request,
    call_id: UUID,
    credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    token: Annotated[
        str | None, Query(max_length=300, description="Of a signed link, in place of a bearer token.")
    ] = None,
) -> Download:
    here = visit(request)
    if token is not None:
        here.backend.maintenance.refuse(here.now)
        return Download(here.backend, organization_of_link(here.backend.vault, call_id, token, here.now))
    return Download(here.backend, (await _watch(request, credential)).organization_id)


declare(_downloader, Access.READ)

Downloading = Annotated[Download, Depends(_downloader)]
