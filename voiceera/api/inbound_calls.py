"""Calls that come in: a carrier asks what to do with one, and tells when it is over.

The URLs are those of an organization: its numbers' settings at the carrier name them. The number that was rung says
whose line it is, and that line's secret must have signed the request.
"""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from fastapi import APIRouter, Request, Response

from voiceera.api.carrier_requests import as_told, document, log, proof_of, refused
from voiceera.api.depends import Visit, VisitingAlways
from voiceera.api.routing import CarrierRoute
from voiceera.errors import Conflict, Invalid, VoiceEraError
from voiceera.providers.protocols import CallbackRequest, CarrierEventKind, RungIn
from voiceera.services import calls, inbound
from voiceera.services.calls import MediaInvitation
from voiceera.services.carrier_news import Proof, Replayed
from voiceera.services.inbound import NotAnswered
from voiceera.services.trunks import Trunk
from voiceera.store.phone_numbers import PhoneNumber

routes = APIRouter(
    prefix="/carriers/{carrier}/{organization_id}/inbound", include_in_schema=False, route_class=CarrierRoute
)

_SKEW = timedelta(seconds=60)


@routes.get("/answer")
@routes.post("/answer")
async def answer(request: Request, carrier: str, organization_id: UUID, here: VisitingAlways) -> Response:
    claimed = await as_told(request, here)
    found = await _line(claimed, carrier, organization_id, here)
    if found is None:
        return refused()
    trunk, number, proof = found
    if (reference := trunk.carrier.reference(claimed)) is not None:
        return await _dialed_by_us(trunk, organization_id, UUID(reference), proof, here)
    rung_in = trunk.carrier.rung_in(claimed)
    if not proof.of_body and not await _is_shown(trunk, rung_in, here):
        return refused()
    if number is None:
        log.warning("unknown_number_rung", organization_id=str(organization_id))
        return document(trunk, trunk.carrier.answer_with_rejection(busy=False))
    backend = here.backend
    try:
        made = await inbound.ring(backend.database, number, trunk, rung_in, here.now, proof=proof, bus=backend.bus)
    except Replayed:
        return refused()
    return document(trunk, _words_for(made, trunk))


async def _dialed_by_us(trunk: Trunk, organization_id: UUID, attempt_id: UUID, proof: Proof, here: Visit) -> Response:
    """Exotel's flows ask here about calls that we dialled, too."""
    backend = here.backend
    try:
        invitation = await calls.answered(
            backend.database, organization_id, attempt_id, trunk, here.now, proof=proof, bus=backend.bus
        )
    except Replayed:
        return refused()
    if invitation is None:
        return document(trunk, trunk.carrier.answer_with_hangup())
    return document(trunk, trunk.carrier.answer_with_stream(invitation.url, invitation.audio_format))


@routes.post("/hangup")
async def hangup(request: Request, carrier: str, organization_id: UUID, here: VisitingAlways) -> Response:
    """Whatever else the carrier tells of the call comes here, too, and changes nothing."""
    claimed = await as_told(request, here)
    found = await _line(claimed, carrier, organization_id, here)
    if found is None:
        return refused()
    trunk, _, proof = found
    event = trunk.carrier.parse(claimed, CarrierEventKind.ENDED)
    if event.kind is not CarrierEventKind.ENDED:
        return Response()
    backend = here.backend
    try:
        known = await inbound.ended(
            backend.database, organization_id, carrier, event, here.now, proof=proof, bus=backend.bus
        )
    except Replayed:
        return refused()
    return Response(status_code=200 if known else 404)


def _words_for(made: MediaInvitation | NotAnswered, trunk: Trunk) -> str:
    if isinstance(made, MediaInvitation):
        return trunk.carrier.answer_with_stream(made.url, made.audio_format)
    return trunk.carrier.answer_with_rejection(busy=made.is_busy)


async def _line(
    claimed: CallbackRequest, carrier: str, organization_id: UUID, here: Visit
) -> tuple[Trunk, PhoneNumber | None, Proof] | None:
    """Whose line was rung, and the number, if it is one of the organization's. Until the line's own secret has been
    seen to sign the request, the number that it names only says which secret that would be."""
    backend = here.backend
    try:
        trunk = await backend.trunks.of(organization_id)
        number = await inbound.number_rung(backend.database, organization_id, _number(claimed))
        if number is not None:
            trunk = await backend.trunks.line(organization_id, number.integration_id)
    except (Conflict, Invalid):
        return None
    proof = proof_of(claimed, trunk, carrier, here)
    return None if proof is None else (trunk, number, proof)


def _number(claimed: CallbackRequest) -> str:
    """The number that was rung, as all carriers word it (Exotel in the query, under a name of its own)."""
    told = dict(parse_qsl(urlsplit(claimed.url).query)) | dict(claimed.form)
    return f"+{(told.get('CallTo') or told.get('To') or '').strip().removeprefix('+')}"


async def _is_shown(trunk: Trunk, rung_in: RungIn, here: Visit) -> bool:
    """Whether the carrier's own look-up shows the call, where its request does not prove what it says."""
    try:
        found = await trunk.carrier.find(
            to=rung_in.number,
            caller_id=rung_in.person or "",
            placed_after=here.now - _SKEW,
            placed_before=here.now + _SKEW,
            carrier_call_id=rung_in.carrier_call_id,
        )
    except VoiceEraError as problem:
        log.warning("lookup_failed", reason=problem.message)
        return False
    return any(call.live and call.carrier_call_id == rung_in.carrier_call_id for call in found)
