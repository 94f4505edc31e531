"""Exotel's dialect, as the network needs it: the Voicebot applet's question, status callbacks, the media socket.

https://developer.exotel.com/docs/voice-v1/api-reference/status-callback. Nothing is signed.
"""

import json
import uuid
from datetime import datetime, timedelta, timezone

from voiceera.lab.dialect import Notice, Told, Wire
from voiceera.lab.exotel.wire import ExotelWire
from voiceera.lab.instructions import BadAnswer, Hangup, Instruction, Stream
from voiceera.lab.phone_call import CallState, PhoneCall
from voiceera.rules.audio import L16_8K

_ENDED = {"completed": "completed", "busy": "busy", "no-answer": "no-answer", "cancel": "canceled"}
_IST = timezone(timedelta(hours=5, minutes=30))


def status(call: PhoneCall) -> str:
    """The call's state in the vendor's words."""
    if call.ending is not None:
        return _ENDED.get(call.ending.status, "failed")
    return "queued" if call.state is CallState.QUEUED else call.state.value


def written(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant.astimezone(_IST):%Y-%m-%d %H:%M:%S}"


def trunk_number(digits: str) -> str:
    """As the vendor likes to write numbers."""
    return f"+{digits}"


class ExotelDialect:
    """Implements `Dialect`."""

    name = "exotel"
    user_agent = "Exotel"
    answer_tries = 1

    def __init__(self, account_sid: str) -> None:
        self._account_sid = account_sid

    def new_call_id(self) -> str:
        return uuid.uuid4().hex

    def notice(self, call: PhoneCall, told: Told) -> Notice | None:
        request = call.request
        match told:
            case Told.ANSWER:
                return Notice("GET", request.answer_url, self._applet(call))
            case Told.HANGUP if request.hangup_url:
                return Notice("POST", request.hangup_url, self._terminal(call), as_json=True)
        return None

    def signed(self, notice: Notice) -> dict[str, str]:
        return {}

    def handshake(self, url: str) -> dict[str, str]:
        return {}

    def instructions(self, body: bytes) -> list[Instruction]:
        """The applet's answer names a socket, or the flow goes on: to its hang-up."""
        try:
            answer = json.loads(body)
            url = answer.get("url")
        except (ValueError, AttributeError) as error:
            raise BadAnswer("the applet's URL answers a JSON object") from error
        if not url:
            return [Hangup()]
        if not str(url).startswith(("ws://", "wss://")):
            raise BadAnswer("url is a ws:// or wss:// one")
        return [Stream(str(url), L16_8K), Hangup()]

    def wire(self, call: PhoneCall, stream: Stream) -> Wire:
        return ExotelWire(call, self._account_sid)

    def _applet(self, call: PhoneCall) -> dict[str, str]:
        request = call.request
        form = {
            "CallSid": call.uuid,
            "CallFrom": trunk_number(request.from_number),
            "CallTo": trunk_number(request.to_number),
            "CallStatus": status(call),
            "Direction": "incoming" if request.is_inbound else "outbound-dial",
            "Created": written(call.initiated_at) or "",
        }
        return form | ({"CustomField": request.context} if request.context else {})

    def _terminal(self, call: PhoneCall) -> dict[str, str]:
        request = call.request
        return {
            "CallSid": call.uuid,
            "EventType": "terminal",
            "Status": status(call),
            "DateCreated": written(call.initiated_at) or "",
            "DateUpdated": written(call.ended_at) or "",
            "From": trunk_number(request.to_number),
            "To": trunk_number(request.from_number),
            "Direction": "inbound" if request.is_inbound else "outbound-api",
            "CustomField": request.context,
            "ConversationDuration": str(round(call.talk_seconds)),
        }
