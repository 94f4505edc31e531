"""The vendor's REST paths (https://www.plivo.com/docs/voice/api/calls): make, list, get and hang up calls.

There is no look-up by reference and no idempotency key, because the vendor has none.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceera.lab import rest
from voiceera.lab.faults import FaultDraw
from voiceera.lab.ledger import Ledger
from voiceera.lab.network import Network
from voiceera.lab.phone_call import CallRequest, PhoneCall
from voiceera.lab.plivo.records import BadFilter, CallRecords
from voiceera.lab.rest import FrontDesk, Refused

_MAX_DESTINATIONS = 1000


class PlivoApi:
    vendor = "plivo"
    base = "/v1"

    def __init__(self, network: Network, ledger: Ledger, faults: FaultDraw, auth_id: str, auth_token: str) -> None:
        self._desk = FrontDesk(self.vendor, network, ledger, faults, check=self._authenticate, answer_refused=_error)
        self._records = CallRecords(network.calls, auth_id, faults, self.vendor)
        self._auth_id = auth_id
        self._auth_token = auth_token

    def routes(self) -> list[Route]:
        base, route = f"{self.base}/Account/{{auth_id}}", self._desk.route
        return [
            route(f"{base}/Call/", self._make, "POST"),
            route(f"{base}/Call/", self._list, "GET"),
            route(f"{base}/Call/{{call_uuid}}/", self._get, "GET"),
            route(f"{base}/Call/{{call_uuid}}/", self._transfer, "POST"),
            route(f"{base}/Call/{{call_uuid}}/", self._hang_up, "DELETE"),
            route(f"{base}/Call/{{call_uuid}}/DTMF/", self._play_keys, "POST"),
            route(f"{base}/Request/{{call_uuid}}/", self._hang_up, "DELETE"),
        ]

    def _authenticate(self, request: Request) -> None:
        if not self._is_signed_in(request) or request.path_params["auth_id"] != self._auth_id:
            raise Refused(
                401, "Could not verify your access level for that URL. You have to login with proper credentials"
            )

    def _is_signed_in(self, request: Request) -> bool:
        return rest.allows_basic(request.headers.get("Authorization", ""), f"{self._auth_id}:{self._auth_token}")

    async def _make(self, request: Request) -> Response:
        parameters = await _parameters(request)
        return await self._desk.dial(request, parameters, _call_requests, _fired, to="to", url="answer_url")

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
        self._desk.network.hang_up(self._desk.call(request.path_params["call_uuid"]))
        return Response(status_code=204)

    async def _transfer(self, request: Request) -> Response:
        """The A leg goes on with the document at `aleg_url`: https://www.plivo.com/docs/voice/api/call/transfer-a-call"""
        call = self._desk.call(request.path_params["call_uuid"])
        parameters = await _parameters(request)
        target = rest.url(parameters, "aleg_url")
        if parameters.get("legs", "aleg") != "aleg" or target is None:
            raise Refused(400, "the lab transfers the A leg, to aleg_url")
        await self._desk.network.redirect_to(call, target, rest.method(parameters, "aleg_method"))
        return JSONResponse({"api_id": _api_id(), "message": "transfer executed", "call_uuids": [call.uuid]}, 202)

    async def _play_keys(self, request: Request) -> Response:
        call = self._desk.call(request.path_params["call_uuid"])
        self._desk.network.press(call, (await _parameters(request)).get("digits", ""))
        return JSONResponse({"api_id": _api_id(), "message": "digits sent"}, 202)


class VobizApi(PlivoApi):
    """The same paths under another root, and headers of its own to sign in with."""

    vendor = "vobiz"
    base = "/vobiz/v1"

    def _is_signed_in(self, request: Request) -> bool:
        given = request.headers.get("X-Auth-ID", ""), request.headers.get("X-Auth-Token", "")
        return given == (self._auth_id, self._auth_token)


def _fired(placed: list[PhoneCall]) -> Response:
    uuids = [call.uuid for call in placed]
    one = len(uuids) == 1
    body = {"message": "call fired" if one else "calls fired", "request_uuid": uuids[0] if one else uuids}
    return JSONResponse({"api_id": _api_id(), **body}, status_code=201)


def _error(refused: Refused) -> Response:
    headers = {"Retry-After": "1"} if refused.status == 429 else None
    return JSONResponse({"api_id": _api_id(), "error": refused.error}, status_code=refused.status, headers=headers)


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
        answer_url=rest.url(parameters, "answer_url") or "",
        answer_method=rest.method(parameters, "answer_method"),
        ring_url=rest.url(parameters, "ring_url"),
        ring_method=rest.method(parameters, "ring_method"),
        hangup_url=rest.url(parameters, "hangup_url"),
        hangup_method=rest.method(parameters, "hangup_method"),
        ring_timeout=min(
            rest.seconds(parameters, "ring_timeout", 120), rest.seconds(parameters, "hangup_on_ring", 86400)
        ),
        time_limit=rest.seconds(parameters, "time_limit", 14400),
        machine_detection=parameters.get("machine_detection") in ("true", "hangup"),
    )


def _number(text: str, name: str) -> str:
    return rest.digits(text, Refused(400, f"{name} parameter is not a valid phone number"))
