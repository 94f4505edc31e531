"""Twilio's dialect, as the network needs it: callbacks, their signature, TwiML, the media socket.

https://www.twilio.com/docs/usage/security: HMAC-SHA1 under the auth token, of the URL and the sorted form.
https://www.twilio.com/docs/voice/api/call-resource#statuscallback: what is told about a call.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from email.utils import format_datetime

from voiceera.lab.dialect import Notice, Told, Wire
from voiceera.lab.instructions import Instruction, Stream
from voiceera.lab.phone_call import CallState, Ending, PhoneCall, utc_now
from voiceera.lab.twilio.twiml import parse_twiml
from voiceera.lab.twilio.wire import TwilioWire

_ENDED = {"completed": "completed", "busy": "busy", "no-answer": "no-answer", "cancel": "canceled"}
_SIP = {2000: "404", 3010: "486", 3020: "603", 3000: "480", 6010: "487", 1000: "487"}
"""What the far network answered, by the lab's own codes."""


def status(call: PhoneCall) -> str:
    """The call's state in the vendor's words."""
    if call.ending is not None:
        return ended_as(call.ending)
    return "queued" if call.state is CallState.QUEUED else call.state.value


def ended_as(ending: Ending) -> str:
    return _ENDED.get(ending.status, "failed")


class TwilioDialect:
    """Implements `Dialect`."""

    name = "twilio"
    user_agent = "TwilioProxy/1.1"
    answer_tries = 1

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token

    def new_call_id(self) -> str:
        return f"CA{uuid.uuid4().hex}"

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
        return {
            "X-Twilio-Signature": sign(
                self._auth_token, notice.sent_url, {} if notice.method == "GET" else notice.form
            )
        }

    def handshake(self, url: str) -> dict[str, str]:
        return {"X-Twilio-Signature": sign(self._auth_token, url, {})}

    def instructions(self, body: bytes) -> list[Instruction]:
        return parse_twiml(body)

    def wire(self, call: PhoneCall, stream: Stream) -> Wire:
        return TwilioWire(call.uuid, self._account_sid)

    def _form(self, call: PhoneCall) -> dict[str, str]:
        request = call.request
        return {
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": call.uuid,
            "CallStatus": status(call),
            "Called": f"+{request.to_number}",
            "Caller": f"+{request.from_number}",
            "Direction": "inbound" if request.is_inbound else "outbound-api",
            "From": f"+{request.from_number}",
            "To": f"+{request.to_number}",
        }

    def _progress(self, call: PhoneCall) -> dict[str, str]:
        call.told += 1
        return self._form(call) | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.told - 1),
            "Timestamp": format_datetime(utc_now()),
        }


def _end(call: PhoneCall) -> dict[str, str]:
    ending = call.ending
    assert ending is not None
    form = {"CallDuration": str(round(call.talk_seconds)), "Duration": str(-(-round(call.talk_seconds) // 60))}
    code = "200" if call.answered_at else _SIP.get(ending.code)
    return form | ({"SipResponseCode": code} if code else {})


def sign(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()
