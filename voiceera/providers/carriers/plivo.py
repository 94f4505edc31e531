"""Plivo, and Vobiz, which speaks its dialect: place, end and look up calls over REST; callbacks in `plivo_wire`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.providers.carriers import plivo_wire as wire
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

_PAGE = 20
"""The vendor's own limit of a page."""
_BAD_NUMBER = re.compile(r"\b(number|destination|to)\b", re.IGNORECASE)
_OUR_NUMBER = re.compile(r"\b(from|caller)\b", re.IGNORECASE)


class PlivoSettings(TrunkSettings):
    base_url: HttpUrl = Field(HttpUrl("https://api.plivo.com/v1"), title="API address")
    reporting_lag_seconds: float = Field(
        60,
        ge=0,
        title="Reporting lag",
        description="How long a finished call may be missing from the carrier's list.",
    )


class VobizSettings(PlivoSettings):
    base_url: HttpUrl = Field(HttpUrl("https://api.vobiz.ai/api/v1"), title="API address")


class PlivoCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    auth_id: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$", title="Auth ID")
    auth_token: SecretStr = Field(min_length=1, max_length=200, title="Auth token")


class Plivo:
    """One account at Plivo. Its signatures cover the callback's body."""

    Settings: ClassVar[type[PlivoSettings]] = PlivoSettings
    Credentials: ClassVar[type[PlivoCredentials]] = PlivoCredentials
    answer_type = "application/xml"
    _vendor: ClassVar[str] = "plivo"
    _signs_body: ClassVar[bool] = True

    def __init__(
        self, settings: PlivoSettings, credentials: PlivoCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._auth_id = credentials.auth_id
        self._auth_token = credentials.auth_token.get_secret_value()
        self.traits = CarrierTraits(
            calls_per_second=settings.calls_per_second,
            queues=True,
            reporting_lag_seconds=settings.reporting_lag_seconds,
            finds_by_reference=False,
            has_idempotency_key=False,
            signs_body=self._signs_body,
        )
        base = f"{str(settings.base_url).rstrip('/')}/Account/{self._auth_id}"
        self._line = RestLine(self._vendor, base, allow, **self._sign_in())

    def _sign_in(self) -> dict[str, Any]:
        return {"auth": httpx.BasicAuth(self._auth_id, self._auth_token)}

    # ── placing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def dial(self, dial: Dial) -> DialAnswer:
        return await self._line.dial("Call/", _dial_answer, json=_call_request(dial))

    async def hang_up(self, carrier_call_id: str) -> None:
        """Works for a ringing call's request id too: the vendor takes both at /Request/ and /Call/."""
        response = await self._line.ask("DELETE", f"Call/{carrier_call_id}/")
        if response.status_code == 404:
            response = await self._line.ask("DELETE", f"Request/{carrier_call_id}/")
        if response.status_code not in (200, 202, 204, 404):
            raise self._line.failed(response)

    async def transfer(self, carrier_call_id: str, transfer: Transfer) -> None:
        """The vendor fetches what to do with the call instead of streaming it (docs: voice/api/call/transfer)."""
        fetched = {"legs": "aleg", "aleg_url": transfer.instructions_url, "aleg_method": "POST"}
        await self._line.tell(f"Call/{carrier_call_id}/", json=fetched)

    async def send_digits(self, carrier_call_id: str, digits: str) -> None:
        await self._line.tell(f"Call/{carrier_call_id}/DTMF/", json={"digits": digits, "leg": "aleg"})

    # ── looking up ───────────────────────────────────────────────────────────────────────────────────────────────

    async def find(
        self,
        *,
        to: str,
        caller_id: str,
        placed_after: datetime,
        placed_before: datetime,
        carrier_call_id: str | None = None,
    ) -> list[CarrierCall]:
        """Queued and live calls one by one, as the vendor lists only their ids; finished ones by its filters."""
        found = []
        for status in ("queued", "live"):
            listed = await self._line.read("Call/", {"status": status})
            for call_id in listed.get("calls", []):
                if (call := await self._open_call(str(call_id), status)) is not None:
                    found.append(call)
        found += await self._finished(to, caller_id, placed_after)
        return [
            call
            for call in found
            if call.to == to and call.caller_id == caller_id and placed_after <= call.started_at <= placed_before
        ]

    async def check(self) -> None:
        """Asks for the live calls."""
        await self._line.read("Call/", {"status": "live"})

    async def _open_call(self, call_id: str, status: str) -> CarrierCall | None:
        response = await self._line.ask("GET", f"Call/{call_id}/", params={"status": status})
        if response.status_code == 404:
            return None  # It ended meanwhile and is among the finished.
        if response.status_code != 200:
            raise self._line.failed(response)
        shown = body_of(response)
        started = _time(shown.get("session_start")) or datetime.now(UTC)
        return CarrierCall(
            carrier_call_id=str(shown.get("request_uuid") or call_id),
            to=_e164(shown.get("to")),
            caller_id=_e164(shown.get("from")),
            live=True,
            started_at=started,
        )

    async def _finished(self, to: str, caller_id: str, placed_after: datetime) -> list[CarrierCall]:
        filters = {
            "from_number": _digits(caller_id),
            "to_number": _digits(to),
            "end_time__gte": f"{placed_after.astimezone(UTC) - timedelta(seconds=1):%Y-%m-%d %H:%M:%S}",
            "limit": str(_PAGE),
        }
        calls: list[CarrierCall] = []
        for page in range(10):
            objects = (await self._line.read("Call/", filters | {"offset": str(page * _PAGE)})).get("objects", [])
            calls += [_finished_call(shown) for shown in objects]
            if len(objects) < _PAGE:
                break
        return calls

    # ── being called back ────────────────────────────────────────────────────────────────────────────────────────

    def is_authentic(self, request: CallbackRequest, now: datetime) -> bool:
        return wire.signature_matches(
            request, self._auth_token, header_prefix=f"x-{self._vendor}", signs_body=self._signs_body
        )

    def parse(self, request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
        return wire.event(request, kind)

    def fingerprint(self, request: CallbackRequest) -> bytes:
        """Its nonce: every request has its own, and Vobiz signs nothing else that tells two apart."""
        return wire.nonce_hash(request, header_prefix=f"x-{self._vendor}")

    def reference(self, request: CallbackRequest) -> str | None:
        return None

    def shared_url(self, url: str) -> str:
        return url

    def rung_in(self, request: CallbackRequest) -> RungIn:
        return wire.rung_in(request)

    def answer_with_stream(self, media_url: str, audio_format: AudioFormat) -> str:
        return wire.stream_xml(media_url, audio_format)

    def answer_with_hangup(self) -> str:
        return wire.HANGUP_XML

    def answer_with_rejection(self, *, busy: bool) -> str:
        return wire.rejection_xml(busy=busy)

    def answer_with_transfer(self, transfer: Transfer) -> str:
        return wire.transfer_xml(_digits(transfer.to), _digits(transfer.caller_id), transfer.ring_seconds)

    async def close(self) -> None:
        await self._line.close()


class Vobiz(Plivo):
    """One account at Vobiz: other headers, and signatures that cover the URL only, so that a body is but a hint."""

    Settings: ClassVar[type[PlivoSettings]] = VobizSettings
    _vendor = "vobiz"
    _signs_body = False

    def _sign_in(self) -> dict[str, Any]:
        return {"headers": {"X-Auth-ID": self._auth_id, "X-Auth-Token": self._auth_token}}


def _call_request(dial: Dial) -> dict[str, Any]:
    """Numbers go without their plus. The reference travels in the URLs: the vendor has no field for one."""
    return {
        "from": _digits(dial.caller_id),
        "to": _digits(dial.to),
        "answer_url": dial.answer_url,
        "answer_method": "POST",
        "ring_url": dial.ringing_url,
        "ring_method": "POST",
        "hangup_url": dial.hangup_url,
        "hangup_method": "POST",
        "ring_timeout": dial.ring_seconds,
        "time_limit": dial.maximum_seconds,
    }


def _dial_answer(response: httpx.Response) -> DialAnswer:
    body = body_of(response)
    reason = str(body.get("error") or body.get("message") or f"answered {response.status_code}")
    return dial_answer(
        response,
        call_id=body.get("request_uuid"),
        reason=reason,
        is_bad_number=lambda: bool(_BAD_NUMBER.search(reason)) and not _OUR_NUMBER.search(reason),
    )


def _finished_call(shown: dict[str, Any]) -> CarrierCall:
    return CarrierCall(
        carrier_call_id=str(shown.get("request_uuid") or shown.get("call_uuid") or ""),
        to=_e164(shown.get("to_number")),
        caller_id=_e164(shown.get("from_number")),
        live=False,
        started_at=_time(shown.get("initiation_time")) or _time(shown.get("end_time")) or datetime.now(UTC),
        ended_as=wire.ended_as({key: str(value) for key, value in shown.items() if value is not None}),
    )


def _digits(number: str) -> str:
    return number.removeprefix("+")


def _e164(number: object) -> str:
    return f"+{str(number).removeprefix('+')}"


def _time(text: object) -> datetime | None:
    """ "2013-08-10 14:45:31.842436", with or without a zone; without one it is UTC."""
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
