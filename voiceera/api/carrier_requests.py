"""A carrier's request as the carrier was told to make it, and whether it is proved to come from it."""

from fastapi import Request, Response

from voiceera.api.depends import Visit
from voiceera.log import get_logger
from voiceera.providers.protocols import CallbackRequest
from voiceera.services.carrier_news import Proof
from voiceera.services.trunks import Trunk

log = get_logger("carriers")
REFUSED = 403


async def as_told(request: Request, here: Visit) -> CallbackRequest:
    body = await request.body()  # before the form, which is then read from it
    return CallbackRequest(
        method=request.method,
        url=_told_url(request, here),
        headers=dict(request.headers),
        form={name: str(value) for name, value in (await request.form()).items()},
        body=body,
    )


def proof_of(claimed: CallbackRequest, trunk: Trunk, carrier: str, here: Visit) -> Proof | None:
    """None: it did not come from the carrier of this line."""
    if trunk.provider != carrier or not trunk.carrier.is_authentic(claimed, here.now):
        log.warning("callback_refused", carrier=carrier[:20], integration_id=str(trunk.integration_id))
        return None
    return Proof(trunk.carrier.fingerprint(claimed), trunk.carrier.traits.signs_body)


def refused() -> Response:
    return Response(status_code=REFUSED)


def document(trunk: Trunk, text: str) -> Response:
    return Response(text, media_type=trunk.carrier.answer_type)


def _told_url(request: Request, here: Visit) -> str:
    """The URL as the carrier was told it, whatever proxies made of it since: that is what it signed."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{here.backend.settings.public_url}{request.url.path}{query}"
