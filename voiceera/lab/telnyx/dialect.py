"""Telnyx' TeXML dialect, as the network needs it: callbacks, their signature, TeXML, the media socket.

https://developers.telnyx.com/api-reference/callbacks/texml-call-completed and its siblings: forms, signed.
"""

import base64
import uuid

from voiceera.lab.dialect import Notice, Told, Wire
from voiceera.lab.instructions import Instruction, Stream
from voiceera.lab.phone_call import CallState, PhoneCall, utc_now
from voiceera.lab.telnyx.signatures import signed_headers
from voiceera.lab.telnyx.texml import parse_texml
from voiceera.lab.telnyx.wire import TelnyxWire

_ENDED = {"completed": "completed", "busy": "busy", "no-answer": "no-answer", "cancel": "canceled"}
_CAUSES = {2000: "not_found", 3010: "user_busy", 3020: "call_rejected", 3000: "timeout", 6010: "timeout"}


def status(call: PhoneCall) -> str:
    """The call's state in the vendor's words."""
    if call.ending is not None:
        return _ENDED.get(call.ending.status, "failed")
    return "initiated" if call.state is CallState.QUEUED else call.state.value


class TelnyxDialect:
    """Implements `Dialect`."""

    name = "telnyx"
    user_agent = "telnyx-webhooks"
    answer_tries = 1

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token

    def new_call_id(self) -> str:
        return "v3:" + base64.urlsafe_b64encode(uuid.uuid4().bytes * 2).decode().rstrip("=")

    def notice(self, call: PhoneCall, told: Told) -> Notice | None:
        request = call.request
        match told:
            case Told.ANSWER:
                return Notice(request.answer_method, request.answer_url, self._form(call))
            case Told.RINGING if request.ring_url:
                return Notice(request.ring_method, request.ring_url, self._progress(call))
            case Told.HANGUP if request.hangup_url:
                return Notice(request.hangup_method, request.hangup_url, self._progress(call) | _end(call))
        return None

    def signed(self, notice: Notice) -> dict[str, str]:
        return signed_headers(self._auth_token, notice.body)

    def handshake(self, url: str) -> dict[str, str]:
        return {}

    def instructions(self, body: bytes) -> list[Instruction]:
        return parse_texml(body)

    def wire(self, call: PhoneCall, stream: Stream) -> Wire:
        return TelnyxWire(call, self._account_sid, stream)

    def _form(self, call: PhoneCall) -> dict[str, str]:
        request = call.request
        return {
            "AccountSid": self._account_sid,
            "CallSid": call.uuid,
            "CallSidLegacy": call.uuid,
            "CallStatus": status(call),
            "ConnectionId": "1234567890",
            "Direction": "inbound" if request.is_inbound else "outbound",
            "From": f"+{request.from_number}",
            "To": f"+{request.to_number}",
        }

    def _progress(self, call: PhoneCall) -> dict[str, str]:
        call.told += 1
        return self._form(call) | {
            "CallInitiatedAt": call.initiated_at.isoformat(),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.told - 1),
            "Timestamp": utc_now().isoformat(),
        }


def _end(call: PhoneCall) -> dict[str, str]:
    ending = call.ending
    assert ending is not None
    cause = "normal_clearing" if call.answered_at else _CAUSES.get(ending.code, "unspecified")
    return {"CallDuration": str(round(call.talk_seconds)), "HangupCause": cause}
