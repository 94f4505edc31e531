"""A call as it happens."""

from typing import Any
from uuid import UUID

from voiceera.api.depends import Watching
from voiceera.api.event_stream import EventStream
from voiceera.api.routing import router
from voiceera.rules.calls import CallStatus, Outcome
from voiceera.services.call_logs import no_call
from voiceera.services.live import CallState, call_state
from voiceera.store import calls

routes = router("Calls")


@routes.get("/calls/{call_id}/events", status_code=200, response_class=EventStream)
async def follow_call(watch: Watching, call_id: UUID) -> EventStream:
    """Server-sent events while they happen: `call_state` (first the present one), and what is said: `speaking`,
    `partial`, `turn`, and who has the `floor`. A call is over when its `outcome` is not null. Ends with the access
    token."""

    async def look() -> dict[str, Any]:
        async with watch.scope() as connection:
            await watch.identify_again(connection)
            call = await calls.get(connection, watch.organization_id, call_id)
        if call is None:
            raise no_call()
        status, outcome = CallStatus(call.status), call.outcome and Outcome(call.outcome)
        about = (call.id, call.campaign_id, call.contact_id, call.contact_name)
        return call_state(CallState(*about, status, outcome, call.disposition))

    await look()
    backend = watch.backend
    return EventStream(backend.bus, f"call:{call_id}", look, backend.streams, caller=str(watch.caller.user.id))
