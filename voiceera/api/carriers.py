"""What carriers call back: somebody picked up, it rings, it is over. Signed requests in, the carrier's own words out.

Nothing happens before the signature is verified against the organization's own secret: no body is believed, no row
read but the integration; and the same request twice is refused. Bare bodies, no envelope; no user, no rate limit (a
carrier does not slow down).
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from voiceera.api.carrier_requests import as_told, document, log, proof_of, refused
from voiceera.api.depends import Visit, VisitingAlways
from voiceera.api.routing import CarrierRoute
from voiceera.errors import Conflict
from voiceera.providers.protocols import CarrierEvent, CarrierEventKind, Transfer
from voiceera.services import calls
from voiceera.services.carrier_events import News
from voiceera.services.carrier_news import Proof, Replayed
from voiceera.services.trunks import Trunk

routes = APIRouter(
    prefix="/carriers/{carrier}/{organization_id}/{attempt_id}", include_in_schema=False, route_class=CarrierRoute
)
Verified = tuple[Trunk, CarrierEvent, Proof]


@routes.post("/answer")
async def answer(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, here: VisitingAlways
) -> Response:
    verified = await _verified(request, carrier, organization_id, CarrierEventKind.ANSWERED, here)
    if verified is None:
        return refused()
    trunk, event, proof = verified
    if event.kind is not CarrierEventKind.ANSWERED:
        # Vobiz tells ringing and hang-up at this URL too.
        return await _take_in(here, organization_id, attempt_id, event, proof)
    try:
        invitation = await calls.answered(
            here.backend.database,
            organization_id,
            attempt_id,
            trunk,
            here.now,
            carrier_call_id=event.carrier_call_id if proof.of_body else None,
            proof=proof,
            bus=here.backend.bus,
        )
    except Replayed:
        return refused()
    if invitation is None:
        log.warning("call_turned_away", attempt_id=str(attempt_id))
        return document(trunk, trunk.carrier.answer_with_hangup())
    return document(trunk, trunk.carrier.answer_with_stream(invitation.url, invitation.audio_format))


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
    verified = await _verified(request, carrier, organization_id, CarrierEventKind.ANSWERED, here)
    if verified is None:
        return refused()
    trunk = verified[0]
    caller_id = await calls.caller_id_of(here.backend.database, organization_id, attempt_id)
    ours = caller_id or next(iter(trunk.caller_ids), None)
    if ours is None or not to.isdecimal():
        return Response(status_code=404)
    return document(trunk, trunk.carrier.answer_with_transfer(Transfer(f"+{to}", ours, "")))


async def _event(
    request: Request, carrier: str, organization_id: UUID, attempt_id: UUID, kind: CarrierEventKind, here: Visit
) -> Response:
    verified = await _verified(request, carrier, organization_id, kind, here)
    if verified is None:
        return refused()
    _, event, proof = verified
    return await _take_in(here, organization_id, attempt_id, event, proof)


async def _take_in(
    here: Visit, organization_id: UUID, attempt_id: UUID, event: CarrierEvent, proof: Proof
) -> Response:
    try:
        known = await here.backend.carrier_events.put(organization_id, News(attempt_id, event, here.now, proof))
    except Replayed:
        return refused()
    return Response(status_code=200 if known else 404)


async def _verified(
    request: Request, carrier: str, organization_id: UUID, kind: CarrierEventKind, here: Visit
) -> Verified | None:
    """The trunk and what its carrier says; nothing for a request that is not proved to come from it."""
    try:
        trunk = await here.backend.trunks.of(organization_id)
    except Conflict:
        return None
    claimed = await as_told(request, here)
    proof = proof_of(claimed, trunk, carrier, here)
    return None if proof is None else (trunk, trunk.carrier.parse(claimed, kind), proof)
