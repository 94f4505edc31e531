"""Telnyx over TeXML: place, end, transfer and look up calls; callbacks and TeXML in `telnyx_wire`.

TeXML rather than Call Control: it fetches what to do when somebody picks up, which is when a media socket's token is
made, and its list of calls filters by numbers; Call Control takes no document and lists live calls only. A CallSid is
a call control id, too, so that Call Control's commands work where TeXML has none (keys).
Source: https://developers.telnyx.com/docs/voice/texml/rest-api/calls.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.providers.carriers import telnyx_wire as wire
from voiceera.providers.carriers.rest_line import RestLine, body_of, dial_answer
from voiceera.providers.carriers.sealed_urls import is_sealed, seal
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
    Placed,
    RungIn,
    Transfer,
)
from voiceera.rules.audio import AudioFormat

_PAGE, _PAGES = 100, 5
_BAD_NUMBERS = frozenset({"10016", "90034", "D11"})
"""The vendor's codes for a destination that is no telephone number."""
_OPEN = frozenset({"queued", "initiated", "ringing", "in-progress"})


class TelnyxSettings(TrunkSettings):
    base_url: HttpUrl = Field(HttpUrl("https://api.telnyx.com/v2"), title="API address")
    account_sid: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9-]+$",
        title="Organization id",
        description="Of the account.",
    )
    application_sid: str = Field(
        min_length=1, max_length=100, pattern=r"^[A-Za-z0-9-]+$", title="TeXML application's id"
    )
    public_key: str = Field(
        min_length=44,
        max_length=44,
        title="Public key",
        description="The account's, in base64: its callbacks are signed under it.",
    )
    reporting_lag_seconds: float = Field(
        60, ge=0, title="Reporting lag", description="How long a call may be missing from the carrier's list."
    )


class TelnyxCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(min_length=1, max_length=200, title="API key")


class Telnyx:
    """One account at Telnyx. Its signatures cover time and body, not the URL: that carries a seal of ours."""

    Settings: ClassVar[type[BaseModel]] = TelnyxSettings
    Credentials: ClassVar[type[BaseModel]] = TelnyxCredentials
    answer_type = "application/xml"

    def __init__(
        self, settings: TelnyxSettings, credentials: TelnyxCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._api_key = credentials.api_key.get_secret_value()
        self._public_key = settings.public_key
        self._application_sid = settings.application_sid
        self._calls = f"texml/Accounts/{settings.account_sid}/Calls"
        self.traits = CarrierTraits(
            calls_per_second=settings.calls_per_second,
            queues=True,
            reporting_lag_seconds=settings.reporting_lag_seconds,
            finds_by_reference=False,
            has_idempotency_key=False,
        )
        sign_in = {"Authorization": f"Bearer {self._api_key}"}
        self._line = RestLine("telnyx", str(settings.base_url), allow, headers=sign_in)

    async def dial(self, dial: Dial) -> DialAnswer:
        body = {
            "ApplicationSid": self._application_sid,
            "To": dial.to,
            "From": dial.caller_id,
            "Url": seal(dial.answer_url, self._api_key),
            "UrlMethod": "POST",
            "StatusCallback": seal(dial.hangup_url, self._api_key),
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": "ringing completed",
            "Timeout": max(5, min(dial.ring_seconds, 120)),
            "TimeLimit": max(30, min(dial.maximum_seconds, 14400)),
        }
        return await self._line.dial(self._calls, _dial_answer, json=body)

    async def hang_up(self, carrier_call_id: str) -> None:
        path = f"{self._calls}/{carrier_call_id}"
        await self._line.tell(path, already_over=True, data={"Status": "completed"})

    async def transfer(self, carrier_call_id: str, transfer: Transfer) -> None:
        path = f"{self._calls}/{carrier_call_id}"
        await self._line.tell(path, data={"Texml": self.answer_with_transfer(transfer)})

    async def send_digits(self, carrier_call_id: str, digits: str) -> None:
        await self._line.tell(f"calls/{carrier_call_id}/actions/send_dtmf", json={"digits": digits})

    async def find(
        self,
        *,
        to: str,
        caller_id: str,
        placed_after: datetime,
        placed_before: datetime,
        carrier_call_id: str | None = None,
    ) -> list[CarrierCall]:
        """By its numbers, newest first; the vendor filters times by whole days only."""
        found: list[CarrierCall] = []
        query = {"To": to, "From": caller_id, "PageSize": str(_PAGE)}
        for page in range(_PAGES):
            listed = (await self._line.read(self._calls, query | {"Page": str(page)})).get("calls") or []
            found += [_call(shown) for shown in listed]
            if len(listed) < _PAGE or found[-1].started_at < placed_after:
                break
        return [call for call in found if placed_after <= call.started_at <= placed_before]

    async def check(self) -> None:
        """Asks for one call."""
        await self._line.read(self._calls, {"PageSize": "1"})

    def is_authentic(self, request: CallbackRequest, now: datetime) -> bool:
        """A call that comes in has a URL that all such calls share, and is named by the signed body."""
        signed = wire.signature_matches(request, self._public_key, now)
        return signed and ("/inbound/" in request.url or is_sealed(request.url, self._api_key))

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
    """The vendor documents an answer without a name for the call: its first callback brings one."""
    body = body_of(response)
    errors = body.get("errors")
    error = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    reason = str(
        error.get("detail") or error.get("title") or body.get("status") or f"answered {response.status_code}"
    )
    name = body.get("sid") or body.get("call_sid")
    answer = dial_answer(
        response, call_id=name, reason=reason, is_bad_number=lambda: str(error.get("code")) in _BAD_NUMBERS
    )
    if answer.placed is Placed.UNKNOWN and response.is_success and body.get("status"):
        return DialAnswer(Placed.ACCEPTED, reason=reason)
    return answer


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
    """RFC 2822: "Thu, 15 Jun 2023 09:56:45 +0000"."""
    try:
        return parsedate_to_datetime(str(text)).astimezone(UTC)
    except ValueError:
        return None
