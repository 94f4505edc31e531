"""Telnyx' TeXML REST paths (https://developers.telnyx.com/docs/voice/texml/rest-api/calls), and its command for keys.

A dial's answer names no call, as the vendor documents it, and the list is eventually consistent.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceera.lab import rest
from voiceera.lab.faults import FaultDraw
from voiceera.lab.ledger import Ledger
from voiceera.lab.network import Network
from voiceera.lab.phone_call import CallRequest, PhoneCall, utc_now
from voiceera.lab.rest import FrontDesk, Refused
from voiceera.lab.telnyx.dialect import status
from voiceera.lab.telnyx.texml import parse_texml

VENDOR = "telnyx"


class TelnyxApi:
    def __init__(
        self, network: Network, ledger: Ledger, faults: FaultDraw, account_sid: str, auth_token: str
    ) -> None:
        self._desk = FrontDesk(VENDOR, network, ledger, faults, check=self._authenticate, answer_refused=_error)
        self._network = network
        self._faults = faults
        self._account_sid = account_sid
        self._authorization = f"Bearer {auth_token}"

    def routes(self) -> list[Route]:
        calls, route = "/v2/texml/Accounts/{account_sid}/Calls", self._desk.route
        return [
            route(calls, self._make, "POST"),
            route(calls, self._list, "GET"),
            route(f"{calls}/{{call_sid}}", self._change, "POST"),
            route("/v2/calls/{call_sid}/actions/send_dtmf", self._press, "POST"),
        ]

    def _authenticate(self, request: Request) -> None:
        header = request.headers.get("Authorization", "")
        account = request.path_params.get("account_sid", self._account_sid)
        if not hmac.compare_digest(header.encode(), self._authorization.encode()) or account != self._account_sid:
            raise Refused(401, "Authentication failed", 10009)

    async def _make(self, request: Request) -> Response:
        return await self._desk.dial(request, await _json(request), _call_requests, _queued, to="To", url="Url")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        lag = timedelta(seconds=self._faults.settings.reporting_lag_seconds)
        found = [
            call
            for call in reversed(list(self._network.calls.values()))
            if call.vendor == VENDOR
            and call.initiated_at + lag <= utc_now()
            and query.get("To", f"+{call.request.to_number}") == f"+{call.request.to_number}"
            and query.get("From", f"+{call.request.from_number}") == f"+{call.request.from_number}"
        ]
        shown = [self._shown(call) for call in found[page * size : (page + 1) * size]]
        return JSONResponse({"calls": shown, "page": page, "page_size": size})

    async def _change(self, request: Request) -> Response:
        call = self._desk.call(request.path_params["call_sid"])
        form = {name: str(value) for name, value in (await request.form()).items()}
        if form.get("Status") == "completed":
            self._network.hang_up(call)
        elif form.get("Texml"):
            call.redirect(parse_texml(form["Texml"].encode()))
        return JSONResponse(self._shown(call))

    async def _press(self, request: Request) -> Response:
        self._network.press(
            self._desk.call(request.path_params["call_sid"]), (await _json(request)).get("digits", "")
        )
        return JSONResponse({"data": {"result": "ok"}})

    def _shown(self, call: PhoneCall) -> dict[str, Any]:
        return {
            "account_sid": self._account_sid,
            "date_created": _time(call.initiated_at),
            "date_updated": _time(call.ended_at or call.answered_at or call.initiated_at),
            "direction": "inbound" if call.request.is_inbound else "outbound",
            "duration": str(round(call.talk_seconds)),
            "end_time": _time(call.ended_at),
            "from": f"+{call.request.from_number}",
            "sid": call.uuid,
            "start_time": _time(call.answered_at),
            "status": "ringing" if status(call) == "initiated" else status(call),
            "to": f"+{call.request.to_number}",
        }


async def _json(request: Request) -> dict[str, str]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "The request body is not JSON.", 10015)
    return {name: str(value) for name, value in body.items()}


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_datetime(instant.astimezone(UTC).replace(microsecond=0))


def _queued(placed: list[PhoneCall]) -> Response:
    request = placed[0].request
    return JSONResponse({"from": f"+{request.from_number}", "to": f"+{request.to_number}", "status": "queued"})


def _error(refused: Refused) -> Response:
    code = str(refused.code or (10011 if refused.status == 429 else 10005))
    body = {"errors": [{"code": code, "title": refused.error, "detail": refused.error}]}
    return JSONResponse(body, status_code=refused.status)


def _call_requests(parameters: Mapping[str, str]) -> list[CallRequest]:
    if not parameters.get("ApplicationSid"):
        raise Refused(422, "ApplicationSid is required", 10004)
    to = rest.digits(parameters.get("To", ""), Refused(422, "The 'To' parameter must be in E.164 format.", 10016))
    caller = rest.digits(parameters.get("From", ""), Refused(422, "The 'From' parameter is not valid.", 10010))
    answer_url, told = rest.url(parameters, "Url"), rest.url(parameters, "StatusCallback")
    if answer_url is None:
        raise Refused(422, "Url is required", 10004)
    events = parameters.get("StatusCallbackEvent", "completed").split()
    return [
        CallRequest(
            from_number=caller,
            to_number=to,
            answer_url=answer_url,
            answer_method=rest.method(parameters, "UrlMethod"),
            ring_url=told if "ringing" in events else None,
            hangup_url=told if "completed" in events else None,
            ring_timeout=rest.seconds(parameters, "Timeout", 30),
            time_limit=rest.seconds(parameters, "TimeLimit", 14400),
        )
    ]
