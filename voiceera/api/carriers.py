"""What carriers call back: somebody picked up, it rings, it is over. Signed requests in, the carrier's own XML out.

Nothing happens before the signature is verified against the organization's own secret: no body is believed, no row
read but the integration. Bare bodies, no envelope; no user, no rate limit (a carrier does not slow down).
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from voiceera.api.depends import Visit, VisitingAlways
from voiceera.api.routing import CarrierRoute
from voiceera.errors import Conflict
from voiceera.log import get_logger
from voiceera.providers.protocols import CallbackRequest, CarrierEvent, CarrierEventKind, Transfer
from voiceera.services import calls
from voiceera.services.trunks import Trunk

log = get_logger("carriers")
routes = APIRouter(
    prefix="/carriers/{carrier}/{organization_id}/{attempt_id}", include_in_schema=False, route_class=CarrierRoute
)


@routes.post("/answer")
async def answer(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, here: VisitingAlways
) -> Response:
    trunk, event = await _verified(request, carrier, organization_id, CarrierEventKind.ANSWERED, here)
    if trunk is None or event is None:
        return Response(status_code=403)
    if event.kind is not CarrierEventKind.ANSWERED:
        # Vobiz tells ringing and hang-up at this URL too.
        return await _take_in(here, organization_id, attempt_id, event)
    invitation = await calls.answered(
        here.backend.database,
        organization_id,
        attempt_id,
        trunk,
        here.now,
        carrier_call_id=event.carrier_call_id,
        bus=here.backend.bus,
    )
    if invitation is None:
        log.warning("call_turned_away", attempt_id=str(attempt_id))
        xml = trunk.carrier.answer_with_hangup()
    else:
        xml = trunk.carrier.answer_with_stream(invitation.url, invitation.audio_format)
    return Response(xml, media_type="application/xml")


@routes.post("/ringing")
async def ringing(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, here: VisitingAlways
) -> Response:
    return await _event(request, carrier, organization_id, attempt_id, CarrierEventKind.RINGING, here)


@routes.post("/hangup")
async def hangup(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, here: VisitingAlways
) -> Response:
    return await _event(request, carrier, organization_id, attempt_id, CarrierEventKind.ENDED, here)


@routes.post("/transfer/{to}")
async def transfer(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, to: str, here: VisitingAlways
) -> Response:
    """A carrier that was told to transfer a call fetches where to. The number stands in the signed path."""
    trunk, event = await _verified(request, carrier, organization_id, CarrierEventKind.ANSWERED, here)
    if trunk is None or event is None:
        return Response(status_code=403)
    caller_id = await calls.caller_id_of(here.backend.database, organization_id, attempt_id)
    ours = caller_id or next(iter(trunk.caller_ids), None)
    if ours is None or not to.isdecimal():
        return Response(status_code=404)
    return Response(trunk.carrier.answer_with_transfer(Transfer(f"+{to}", ours, "")), media_type="application/xml")


async def _event(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, kind: CarrierEventKind, here: Visit
) -> Response:
    _, event = await _verified(request, carrier, organization_id, kind, here)
    if event is None:
        return Response(status_code=403)
    return await _take_in(here, organization_id, attempt_id, event)


async def _take_in(here: Visit, organization_id: UUID, attempt_id: UUID, event: CarrierEvent) -> Response:
    known = await calls.carrier_event(
        here.backend.database, organization_id, attempt_id, event, here.now, bus=here.backend.bus
    )
    return Response(status_code=200 if known else 404)


async def _verified(
    request: Request, carrier: str, organization_id: UUID, kind: CarrierEventKind, here: Visit
) -> tuple[Trunk, CarrierEvent] | tuple[None, None]:
    """The trunk and what its carrier says; nothing for a request that is not proved to come from it."""
    try:
        trunk = await here.backend.trunks.of(organization_id)
    except Conflict:
        return None, None
    body = await request.body()  # before the form, which is then read from it
    claimed = CallbackRequest(
        method=request.method,
        url=_told_url(request, here),
        headers=dict(request.headers),
        form={name: str(value) for name, value in (await request.form()).items()},
        body=body,
    )
    if trunk.provider != carrier or not trunk.carrier.is_authentic(claimed, here.now):
        log.warning("callback_refused", carrier=carrier[:20], organization_id=str(organization_id))
        return None, None
    return trunk, trunk.carrier.parse(claimed, kind)


def _told_url(request: Request, here: Visit) -> str:
    """The URL as the carrier was told it, whatever proxies made of it since: that is what it signed."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{here.backend.settings.public_url}{request.url.path}{query}"
