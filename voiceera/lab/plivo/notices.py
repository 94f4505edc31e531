"""What Plivo calls back (https://www.plivo.com/docs/voice/xml/request): parameters, every one a string."""

from voiceera.lab.dialect import Notice, Told
from voiceera.lab.phone_call import CallRequest, CallState, PhoneCall


def notice(call: PhoneCall, told: Told, auth_id: str) -> Notice | None:
    url, method = _target(call.request, told)
    return None if url is None else Notice(method, url, _form(call, told, auth_id))


def _target(request: CallRequest, told: Told) -> tuple[str | None, str]:
    match told:
        case Told.ANSWER:
            return request.answer_url, request.answer_method
        case Told.RINGING:
            return request.ring_url, request.ring_method
    return request.hangup_url or request.answer_url, request.hangup_method


def _form(call: PhoneCall, told: Told, auth_id: str) -> dict[str, str]:
    request = call.request
    form = {
        "CallStatus": "ringing" if call.state is CallState.QUEUED else call.state.value,
        "CallUUID": call.uuid,
        "From": request.from_number,
        "ParentAuthID": auth_id,
        "STIRAttestation": "Not Applicable",
        "STIRVerification": "Not Applicable",
        "SessionStart": call.initiated_at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "To": request.to_number,
    }
    if request.is_inbound:
        form |= {"Direction": "inbound"}
    else:
        form |= {"Direction": "outbound", "RequestUUID": call.uuid}
        form |= {"ALegRequestUUID": call.uuid, "ALegUUID": call.uuid}
    match told:
        case Told.ANSWER:
            return form | {"Event": "StartApp", "BillRate": _RATE}
        case Told.RINGING:
            return form | {"Event": "Ring"}
    return form | _hangup_form(call)


_RATE = "0.00850"


def billed_minutes(call: PhoneCall) -> int:
    """Whole minutes, each begun one counted."""
    return -(-round(call.talk_seconds) // 60) if call.answered_at is not None else 0


def total_cost(call: PhoneCall) -> str:
    return f"{billed_minutes(call) * float(_RATE):.5f}"


def _hangup_form(call: PhoneCall) -> dict[str, str]:
    ending, ended_at = call.ending, call.ended_at
    assert ending is not None and ended_at is not None
    form = {
        "Event": "Hangup",
        "CallStatus": ending.status,
        "HangupCause": ending.cause,
        "HangupCauseCode": str(ending.code),
        "HangupCauseName": ending.name,
        "HangupSource": ending.source,
        "StartTime": f"{call.initiated_at:%Y-%m-%d %H:%M:%S}",
        "EndTime": f"{ended_at:%Y-%m-%d %H:%M:%S}",
        "Duration": str(round(call.talk_seconds)),
        "BillDuration": str(60 * billed_minutes(call)),
        "BillRate": _RATE,
        "TotalCost": total_cost(call),
    }
    if call.answered_at is not None:
        form["AnswerTime"] = f"{call.answered_at:%Y-%m-%d %H:%M:%S}"
    return form
