"""Exotel: calls through a flow of yours that holds a Voicebot applet; look-up by its name for a call, or by numbers.

Sources: https://developer.exotel.com/docs/voice-v1/api-reference (Calls/connect, call details) and
docs/agentstream/stream-voicebot-applet. What it lacks, and what follows from that:

- it signs nothing: every URL carries a seal of ours, what it says is a hint, and its look-up counts;
- the applet's URL is the same for all calls of a flow: our reference travels sealed in `CustomField`;
- its list shows finished calls only: without a name for a call, nothing is certain before the longest call is over;
- it ends no call over REST: a call ends with its media socket, and one that rings cannot be stopped.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import FieldProblem, Invalid, OnlyAsSound, ProviderError
from voiceera.providers.carriers import exotel_wire as wire
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
    RungIn,
    Transfer,
)
from voiceera.rules.audio import AudioFormat

_PAGE = 100


class ExotelSettings(TrunkSettings):
    base_url: HttpUrl = Field(
        HttpUrl("https://api.exotel.com/v1"), title="API address", description="Of your cluster: api.in.exotel.com …"
    )
    account_sid: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$", title="Account SID")
    flow_url: HttpUrl = Field(
        title="Flow",
        description="Of the flow with the Voicebot applet: http://my.exotel.com/{SID}/exoml/start_voice/{app id}",
    )
    region: str = Field("IN", pattern=r"^[A-Z]{2}$", title="Country of numbers that name none")
    reporting_lag_seconds: float = Field(
        300, ge=0, title="Reporting lag", description="How long a finished call may be missing from the list."
    )
    longest_call_seconds: int = Field(
        900, ge=60, le=14400, title="Longest call", description="Calls are cut after it; the list shows no live ones."
    )


class ExotelCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: str = Field(min_length=1, max_length=200, title="API key")
    api_token: SecretStr = Field(min_length=1, max_length=200, title="API token")


class Exotel:
    """One account at Exotel."""

    Settings: ClassVar[type[BaseModel]] = ExotelSettings
    Credentials: ClassVar[type[BaseModel]] = ExotelCredentials
    answer_type = "application/json"

    def __init__(
        self, settings: ExotelSettings, credentials: ExotelCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._token = credentials.api_token.get_secret_value()
        self._flow_url = str(settings.flow_url)
        self._region = settings.region
        self._longest = settings.longest_call_seconds
        self.traits = CarrierTraits(
            calls_per_second=settings.calls_per_second,
            queues=True,
            reporting_lag_seconds=settings.reporting_lag_seconds + settings.longest_call_seconds,
            finds_by_reference=False,
            has_idempotency_key=False,
            signs_body=False,
        )
        base = f"{str(settings.base_url).rstrip('/')}/Accounts/{settings.account_sid}"
        self._line = RestLine("exotel", base, allow, auth=httpx.BasicAuth(credentials.api_key, self._token))

    async def dial(self, dial: Dial) -> DialAnswer:
        form = {
            "From": dial.to,
            "CallerId": dial.caller_id,
            "Url": self._flow_url,
            "CallType": "trans",
            "TimeLimit": str(min(dial.maximum_seconds, self._longest)),
            "TimeOut": str(dial.ring_seconds),
            "CustomField": f"{dial.reference}.{self._mark_of(dial.reference)}",
            "StatusCallback": seal(dial.hangup_url, self._token),
            "StatusCallbackEvents[0]": "terminal",
            "StatusCallbackEvents[1]": "answered",
            "StatusCallbackContentType": "application/json",
        }
        return await self._line.dial("Calls/connect.json", _dial_answer, data=form)

    async def hang_up(self, carrier_call_id: str) -> None:
        raise ProviderError("exotel", "ends no call over REST: it ends with its media socket", permanent=True)

    async def transfer(self, carrier_call_id: str, transfer: Transfer) -> None:
        raise ProviderError("exotel", "transfers no call over REST: its flow decides what follows", permanent=True)

    async def send_digits(self, carrier_call_id: str, digits: str) -> None:
        raise OnlyAsSound("exotel")

    async def find(
        self,
        *,
        to: str,
        caller_id: str,
        placed_after: datetime,
        placed_before: datetime,
        carrier_call_id: str | None = None,
    ) -> list[CarrierCall]:
        """By its name in every state; else among the finished by the person's number, wherever it stands."""
        if carrier_call_id is not None:
            response = await self._line.ask("GET", f"Calls/{carrier_call_id}.json")
            if response.status_code == 404:
                return []
            if response.status_code != 200:
                raise self._line.failed(response)
            return [self._call(wire.call_in(body_of(response)), to, caller_id)]
        span = f"gte:{wire.written_time(placed_after)};lte:{wire.written_time(placed_before + timedelta(seconds=1))}"
        query = {"From": f"{to},{caller_id}", "DateCreated": span, "PageSize": str(_PAGE)}
        listed = (await self._line.read("Calls.json", query)).get("Calls") or []
        ends = {to, caller_id}
        return [
            self._call(shown, to, caller_id)
            for shown in listed
            if wire.number(shown.get("From"), self._region) in ends
            and wire.number(shown.get("PhoneNumberSid") or shown.get("To"), self._region) in ends
        ]

    async def check(self) -> None:
        """Asks for one call."""
        await self._line.read("Calls.json", {"PageSize": "1"})

    def is_authentic(self, request: CallbackRequest, now: datetime) -> bool:
        """Sealed by us: that is all there is."""
        return is_sealed(request.url, self._token)

    def parse(self, request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
        return wire.event(request, kind)

    def fingerprint(self, request: CallbackRequest) -> bytes:
        return wire.fingerprint(request)

    def reference(self, request: CallbackRequest) -> str | None:
        reference, _, mark = wire.told(request).get("CustomField", "").partition(".")
        is_ours = hmac.compare_digest(mark.encode(), self._mark_of(reference).encode())
        return reference if is_ours else None

    def shared_url(self, url: str) -> str:
        return seal(url, self._token)

    def rung_in(self, request: CallbackRequest) -> RungIn:
        said = wire.told(request)
        ours = wire.number(said.get("CallTo") or said.get("To"), self._region)
        if not said.get("CallSid") or ours is None:
            raise Invalid("The request names no call.", FieldProblem("CallSid", "and CallTo are needed"))
        return RungIn(said["CallSid"], ours, wire.number(said.get("CallFrom") or said.get("From"), self._region))

    def answer_with_stream(self, media_url: str, audio_format: AudioFormat) -> str:
        """Always L16 at 8 kHz."""
        return wire.stream_document(media_url)

    def answer_with_hangup(self) -> str:
        return wire.NO_STREAM

    def answer_with_rejection(self, *, busy: bool) -> str:
        return wire.NO_STREAM

    def answer_with_transfer(self, transfer: Transfer) -> str:
        return wire.NO_STREAM

    async def close(self) -> None:
        await self._line.close()

    def _mark_of(self, reference: str) -> str:
        return hmac.digest(self._token.encode(), b"reference:" + reference.encode(), sha256).hex()[:32]

    def _call(self, shown: dict[str, Any], to: str, caller_id: str) -> CarrierCall:
        status = str(shown.get("Status")).lower()
        started = wire.time(shown.get("DateCreated")) or wire.time(shown.get("StartTime")) or datetime.now(UTC)
        return CarrierCall(
            carrier_call_id=str(shown.get("Sid")),
            to=to,
            caller_id=caller_id,
            live=status in wire.LIVE,
            started_at=started,
            ended_as=wire.ENDED.get(status),
        )


def _dial_answer(response: httpx.Response) -> DialAnswer:
    body = body_of(response)
    fault = body.get("RestException")
    reason = str(fault.get("Message")) if isinstance(fault, dict) else f"answered {response.status_code}"
    is_bad = lambda: "number" in reason.lower() and "caller" not in reason.lower()  # noqa: E731
    return dial_answer(response, call_id=wire.call_in(body).get("Sid"), reason=reason, is_bad_number=is_bad)
