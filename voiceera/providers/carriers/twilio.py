"""Twilio: place, end, transfer and look up calls over REST; callbacks and TwiML in `twilio_wire`.

Source: https://www.twilio.com/docs/voice/api/call-resource. Calls past the account's rate are queued. There is no
idempotency key, and no look-up by a name of ours: our reference travels in the URLs.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import OnlyAsSound
from voiceera.providers.carriers import twilio_wire as wire
from voiceera.providers.carriers.rest_line import RestLine, body_of, dial_answer
from voiceera.providers.carriers.trunk import TrunkSettings
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import (
    CallbackRequest,
    CarrierCall,
    CarrierEvent,
    CarrierEventKind,
    CarrierTraits,
    Dial,
    DialAnswer,
    RungIn,
    Transfer,
)
from voiceera.rules.audio import AudioFormat

_PAGE, _PAGES = 100, 5
_BAD_NUMBERS = frozenset({13223, 13224, 21211, 21214, 21217})
"""The vendor's codes for a destination that is no telephone number or cannot be reached by anybody."""
_OPEN = frozenset({"queued", "initiated", "ringing", "in-progress"})


class TwilioSettings(TrunkSettings):
    base_url: HttpUrl = Field(HttpUrl("https://api.twilio.com/2010-04-01"), title="API address")
    reporting_lag_seconds: float = Field(
        10,
        ge=0,
        title="Reporting lag",
        description="How long a call may be missing from the carrier's list.",
    )


class TwilioCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    account_sid: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9]+$", title="Account SID")
    auth_token: SecretStr = Field(
        min_length=1, max_length=200, title="Auth token", description="It signs the callbacks, too."
    )


class Twilio:
    """One account at Twilio. Its signatures cover the callback's URL and form, but neither time nor nonce."""

    Settings: ClassVar[type[BaseModel]] = TwilioSettings
    Credentials: ClassVar[type[BaseModel]] = TwilioCredentials
    answer_type = "application/xml"

    def __init__(
        self, settings: TwilioSettings, credentials: TwilioCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._auth_token = credentials.auth_token.get_secret_value()
        self.traits = CarrierTraits(
            calls_per_second=settings.calls_per_second,
            queues=True,
            reporting_lag_seconds=settings.reporting_lag_seconds,
            finds_by_reference=False,
            has_idempotency_key=False,
        )
        base = f"{str(settings.base_url).rstrip('/')}/Accounts/{credentials.account_sid}"
        sign_in = httpx.BasicAuth(credentials.account_sid, self._auth_token)
        self._line = RestLine("twilio", base, allow, auth=sign_in)

    async def dial(self, dial: Dial) -> DialAnswer:
        form = {
            "To": dial.to,
            "From": dial.caller_id,
            "Url": dial.answer_url,
            "Method": "POST",
            "StatusCallback": dial.hangup_url,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": ["ringing", "completed"],
            "Timeout": str(min(dial.ring_seconds, 600)),
            "TimeLimit": str(dial.maximum_seconds),
        }
        return await self._line.dial("Calls.json", _dial_answer, data=form)

    async def hang_up(self, carrier_call_id: str) -> None:
        """`completed` ends a call in every state, one that is queued or rings, too."""
        await self._line.tell(f"Calls/{carrier_call_id}.json", already_over=True, data={"Status": "completed"})

    async def transfer(self, carrier_call_id: str, transfer: Transfer) -> None:
        await self._line.tell(f"Calls/{carrier_call_id}.json", data={"Twiml": self.answer_with_transfer(transfer)})

    async def send_digits(self, carrier_call_id: str, digits: str) -> None:
        """New TwiML would end the stream, and the conversation with it; there is no other way over REST."""
        raise OnlyAsSound("twilio")

    async def find(
        self,
        *,
        to: str,
        caller_id: str,
        placed_after: datetime,
        placed_before: datetime,
        carrier_call_id: str | None = None,
    ) -> list[CarrierCall]:
        """By its numbers, newest first, in all states; the vendor filters by whole days only, and not what queues."""
        found: list[CarrierCall] = []
        query = {"To": to, "From": caller_id, "PageSize": str(_PAGE)}
        for page in range(_PAGES):
            listed = (await self._line.read("Calls.json", query | {"Page": str(page)})).get("calls", [])
            found += [_call(shown) for shown in listed]
            if len(listed) < _PAGE or found[-1].started_at < placed_after:
                break
        return [call for call in found if placed_after <= call.started_at <= placed_before]

    async def check(self) -> None:
        """Asks for one call."""
        await self._line.read("Calls.json", {"PageSize": "1"})

    def is_authentic(self, request: CallbackRequest, now: datetime) -> bool:
        return wire.signature_matches(request, self._auth_token)

    def parse(self, request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
        return wire.event(request, kind)

    def fingerprint(self, request: CallbackRequest) -> bytes:
        return wire.signature_hash(request)

    def reference(self, request: CallbackRequest) -> str | None:
        return None

    def shared_url(self, url: str) -> str:
        return url

    def rung_in(self, request: CallbackRequest) -> RungIn:
        return wire.rung_in(request)

    def answer_with_stream(self, media_url: str, audio_format: AudioFormat) -> str:
        """Always µ-law at 8 kHz."""
        return wire.stream_xml(media_url)

    def answer_with_hangup(self) -> str:
        return wire.HANGUP_XML

    def answer_with_rejection(self, *, busy: bool) -> str:
        return wire.reject_xml(busy=busy)

    def answer_with_transfer(self, transfer: Transfer) -> str:
        return wire.transfer_xml(transfer.to, transfer.caller_id, transfer.ring_seconds)

    async def close(self) -> None:
        await self._line.close()


def _dial_answer(response: httpx.Response) -> DialAnswer:
    body = body_of(response)
    reason = str(body.get("message") or body.get("status") or f"answered {response.status_code}")
    return dial_answer(
        response, call_id=body.get("sid"), reason=reason, is_bad_number=lambda: body.get("code") in _BAD_NUMBERS
    )


def _call(shown: dict[str, Any]) -> CarrierCall:
    status = str(shown.get("status"))
    return CarrierCall(
        carrier_call_id=str(shown.get("sid")),
        to=str(shown.get("to")),
        caller_id=str(shown.get("from")),
        live=status in _OPEN,
        started_at=_time(shown.get("date_created")) or _time(shown.get("start_time")) or datetime.now(UTC),
        ended_as=wire.ENDED.get(status),
    )


def _time(text: object) -> datetime | None:
    """RFC 2822: "Tue, 31 Aug 2010 20:36:28 +0000"."""
    try:
        return parsedate_to_datetime(str(text)).astimezone(UTC)
    except ValueError:
        return None
