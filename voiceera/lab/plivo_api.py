"""The vendor's REST paths (https://www.plivo.com/docs/voice/api/calls): make, list, get and hang up calls.

There is no look-up by reference and no idempotency key, because the vendor has none.
"""

import asyncio
import base64
import binascii
import hmac
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceera.lab.call_records import BadFilter, CallRecords
from voiceera.lab.faults import DialFault, FaultDraw
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.network import Network, OverRate
from voiceera.lab.phone_call import CallRequest

_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")
_MAX_DESTINATIONS = 1000
Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """What the vendor answers instead: a status and its error text."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


class PlivoApi:
    def __init__(
        self,
        network: Network,
        records: CallRecords,
        ledger: Ledger,
        faults: FaultDraw,
        auth_id: str,
        auth_token: str,
    ) -> None:
        self._network = network
        self._records = records
        self._ledger = ledger
        self._faults = faults
        self._auth_id = auth_id
        self._credentials = f"{auth_id}:{auth_token}".encode()

    def routes(self) -> list[Route]:
        base = "/v1/Account/{auth_id}"
        return [
            Route(f"{base}/Call/", self._endpoint(self._make), methods=["POST"]),
            Route(f"{base}/Call/", self._endpoint(self._list), methods=["GET"]),
            Route(f"{base}/Call/{{call_uuid}}/", self._endpoint(self._get), methods=["GET"]),
            Route(f"{base}/Call/{{call_uuid}}/", self._endpoint(self._hang_up), methods=["DELETE"]),
            Route(f"{base}/Request/{{call_uuid}}/", self._endpoint(self._hang_up), methods=["DELETE"]),
        ]

    def _endpoint(self, answer: Endpoint) -> Endpoint:
        async def authenticated(request: Request) -> Response:
            try:
                self._authenticate(request)
                return await answer(request)
            except Refused as refused:
                return _error(refused.status, refused.error)

        return authenticated

    def _authenticate(self, request: Request) -> None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            given = b""
        mine = hmac.compare_digest(given, self._credentials) and request.path_params["auth_id"] == self._auth_id
        if scheme.lower() != "basic" or not mine:
            raise Refused(
                401, "Could not verify your access level for that URL. You have to login with proper credentials"
            )

    async def _make(self, request: Request) -> Response:
        parameters = await _parameters(request)
        fault = self._faults.dial()
        if fault is not None and not fault.places:
            self._ledger.write(
                Event.FAULT,
                number=_plus(parameters.get("to", "")),
                fault=fault.value,
                path=parameters.get("answer_url", ""),
            )
            return await self._misbehave(request, fault)
        calls = _call_requests(parameters)
        try:
            for _ in calls:
                self._network.admit()
        except OverRate:
            self._ledger.write(Event.DIAL_REFUSED, number=_plus(calls[0].to_number), fault="over_rate")
            raise Refused(429, "Too many requests: calls per second limit reached") from None
        placed = [self._network.place(call, fault.value if fault else "") for call in calls]
        if fault is not None:
            return await self._misbehave(request, fault)
        uuids = [call.uuid for call in placed]
        return JSONResponse(
            {
                "api_id": _api_id(),
                "message": "call fired" if len(uuids) == 1 else "calls fired",
                "request_uuid": uuids[0] if len(uuids) == 1 else uuids,
            },
            status_code=201,
        )

    async def _misbehave(self, request: Request, fault: DialFault) -> Response:
        match fault:
            case DialFault.FAIL_BEFORE:
                return _error(500, "internal server error")
            case DialFault.FAIL_AFTER:
                return _error(502, "bad gateway")
            case DialFault.HANG_BEFORE | DialFault.HANG_AFTER:
                await asyncio.sleep(self._faults.settings.hang_seconds)
        request.scope["voiceera.abort"]()
        return _error(500, "reset")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        try:
            match query.get("status"):
                case None:
                    return JSONResponse({"api_id": _api_id(), **self._records.finished_page(query)})
                case "live":
                    return JSONResponse({"api_id": _api_id(), "calls": self._records.live(query)})
                case "queued":
                    return JSONResponse({"api_id": _api_id(), "calls": self._records.queued(query)})
        except BadFilter as bad:
            raise Refused(400, str(bad)) from bad
        raise Refused(400, "status must be live or queued")

    async def _get(self, request: Request) -> Response:
        found = self._records.one(request.path_params["call_uuid"], request.query_params.get("status"))
        if found is None:
            raise Refused(404, "not found")
        return JSONResponse({"api_id": _api_id(), **found})

    async def _hang_up(self, request: Request) -> Response:
        call = self._network.calls.get(request.path_params["call_uuid"])
        if call is None or call.ending is not None:
            raise Refused(404, "not found")
        self._network.hang_up(call)
        return Response(status_code=204)


def _error(status: int, error: str) -> JSONResponse:
    headers = {"Retry-After": "1"} if status == 429 else None
    return JSONResponse({"api_id": _api_id(), "error": error}, status_code=status, headers=headers)


def _api_id() -> str:
    return str(uuid.uuid4())


async def _parameters(request: Request) -> dict[str, str]:
    """The vendor takes JSON and forms."""
    if request.headers.get("Content-Type", "").startswith("application/json"):
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(400, "the body is not a JSON object")
        return {key: _text(value) for key, value in body.items() if value is not None}
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plus(number: str) -> str:
    return f"+{number.lstrip('+')}"


def _call_requests(parameters: Mapping[str, str]) -> list[CallRequest]:
    for name in ("from", "to", "answer_url"):
        if not parameters.get(name):
            raise Refused(400, f"{name} is missing")
    caller = _number(parameters["from"], "from")
    targets = parameters["to"].split("<")
    if len(targets) > _MAX_DESTINATIONS:
        raise Refused(400, f"to holds more than {_MAX_DESTINATIONS} destinations")
    return [_call_request(parameters, caller, _number(target, "to")) for target in targets]


def _call_request(parameters: Mapping[str, str], caller: str, target: str) -> CallRequest:
    return CallRequest(
        from_number=caller,
        to_number=target,
        answer_url=_url(parameters, "answer_url") or "",
        answer_method=_method(parameters, "answer_method"),
        ring_url=_url(parameters, "ring_url"),
        ring_method=_method(parameters, "ring_method"),
        hangup_url=_url(parameters, "hangup_url"),
        hangup_method=_method(parameters, "hangup_method"),
        ring_timeout=min(_seconds(parameters, "ring_timeout", 120), _seconds(parameters, "hangup_on_ring", 86400)),
        time_limit=_seconds(parameters, "time_limit", 14400),
        machine_detection=parameters.get("machine_detection") in ("true", "hangup"),
    )


def _number(text: str, name: str) -> str:
    if not _NUMBER.fullmatch(text.strip()):
        raise Refused(400, f"{name} parameter is not a valid phone number")
    return text.strip().lstrip("+")


def _url(parameters: Mapping[str, str], name: str) -> str | None:
    url = parameters.get(name)
    if url and not url.startswith(("http://", "https://")):
        raise Refused(400, f"{name} is not a valid URL")
    return url or None


def _method(parameters: Mapping[str, str], name: str) -> str:
    method = parameters.get(name, "POST").upper()
    if method not in ("GET", "POST"):
        raise Refused(400, f"{name} must be GET or POST")
    return method


def _seconds(parameters: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(parameters.get(name, default))
    except ValueError:
        raise Refused(400, f"{name} is not a number") from None
