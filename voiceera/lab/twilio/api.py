"""Twilio's REST paths (https://www.twilio.com/docs/voice/api/call-resource): make, list, get and change calls.

There is no idempotency key and no look-up by a name of the caller's, because the vendor has none.
"""

import uuid
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
from voiceera.lab.twilio.dialect import status
from voiceera.lab.twilio.twiml import parse_twiml

VENDOR = "twilio"


class TwilioApi:
    def __init__(
        self, network: Network, ledger: Ledger, faults: FaultDraw, account_sid: str, auth_token: str
    ) -> None:
        self._desk = FrontDesk(VENDOR, network, ledger, faults, check=self._authenticate, answer_refused=_error)
        self._network = network
        self._faults = faults
        self._account_sid = account_sid
        self._credentials = f"{account_sid}:{auth_token}"

    def routes(self) -> list[Route]:
        base, route = "/2010-04-01/Accounts/{account_sid}", self._desk.route
        return [
            route(f"{base}/Calls.json", self._make, "POST"),
            route(f"{base}/Calls.json", self._list, "GET"),
            route(f"{base}/Calls/{{call_sid}}.json", self._get, "GET"),
            route(f"{base}/Calls/{{call_sid}}.json", self._change, "POST"),
        ]

    def _authenticate(self, request: Request) -> None:
        header = request.headers.get("Authorization", "")
        if (
            not rest.allows_basic(header, self._credentials)
            or request.path_params["account_sid"] != self._account_sid
        ):
            raise Refused(401, "Authenticate", 20003)

    async def _make(self, request: Request) -> Response:
        form = await request.form()
        parameters = {name: str(value) for name, value in form.items()}
        parameters["StatusCallbackEvent"] = " ".join(str(value) for value in form.getlist("StatusCallbackEvent"))
        answer = lambda placed: JSONResponse(self._shown(placed[0]), 201)  # noqa: E731
        return await self._desk.dial(request, parameters, _call_requests, answer, to="To", url="Url")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        found = [call for call in reversed(list(self._network.calls.values())) if self._lists(call, query)]
        shown = [self._shown(call) for call in found[page * size : (page + 1) * size]]
        return JSONResponse({"calls": shown, "page": page, "page_size": size, "next_page_uri": None})

    def _lists(self, call: PhoneCall, query: Mapping[str, str]) -> bool:
        lag = timedelta(seconds=self._faults.settings.reporting_lag_seconds)
        return (
            call.vendor == VENDOR
            and call.initiated_at + lag <= utc_now()
            and query.get("To", f"+{call.request.to_number}").strip() in _spelled(call.request.to_number)
            and query.get("From", f"+{call.request.from_number}").strip() in _spelled(call.request.from_number)
            and query.get("Status", status(call)) == status(call)
        )

    async def _get(self, request: Request) -> Response:
        call = self._network.calls.get(request.path_params["call_sid"])
        if call is None or call.vendor != VENDOR:
            raise _not_found(request)
        return JSONResponse(self._shown(call))

    async def _change(self, request: Request) -> Response:
        """`Status` ends a call; `Twiml` or `Url` leads it elsewhere."""
        try:
            call = self._desk.call(request.path_params["call_sid"])
        except Refused:
            raise _not_found(request) from None
        form = {name: str(value) for name, value in (await request.form()).items()}
        if form.get("Status") in ("completed", "canceled"):
            self._network.hang_up(call)
        elif form.get("Twiml"):
            call.redirect(parse_twiml(form["Twiml"].encode()))
        elif (url := rest.url(form, "Url")) is not None:
            await self._network.redirect_to(call, url, rest.method(form, "Method"))
        return JSONResponse(self._shown(call))

    def _shown(self, call: PhoneCall) -> dict[str, Any]:
        return {
            "sid": call.uuid,
            "account_sid": self._account_sid,
            "answered_by": None,
            "api_version": "2010-04-01",
            "date_created": _time(call.initiated_at),
            "date_updated": _time(call.ended_at or call.answered_at or call.initiated_at),
            "direction": "inbound" if call.request.is_inbound else "outbound-api",
            "duration": str(round(call.talk_seconds)) if call.ended_at else None,
            "end_time": _time(call.ended_at),
            "from": f"+{call.request.from_number}",
            "price": None,
            "start_time": _time(call.answered_at or call.ringing_at),
            "status": status(call),
            "to": f"+{call.request.to_number}",
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Calls/{call.uuid}.json",
        }


def _spelled(number: str) -> tuple[str, str]:
    return f"+{number}", number


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_datetime(instant.astimezone(UTC).replace(microsecond=0))


def _not_found(request: Request) -> Refused:
    return Refused(404, f"The requested resource {request.url.path} was not found", 20404)


def _error(refused: Refused) -> Response:
    code = refused.code or (20429 if refused.status == 429 else 20001)
    headers = {"Twilio-Request-Id": f"RQ{uuid.uuid4().hex}"}
    body = {"code": code, "message": refused.error, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return JSONResponse(body | {"status": refused.status}, status_code=refused.status, headers=headers)


def _call_requests(parameters: Mapping[str, str]) -> list[CallRequest]:
    to = rest.digits(
        parameters.get("To", ""), Refused(400, "The phone number you are attempting to call is not valid.", 21211)
    )
    caller = rest.digits(parameters.get("From", ""), Refused(400, "The source phone number is not valid.", 21212))
    answer_url = rest.url(parameters, "Url")
    if answer_url is None:
        raise Refused(400, "A 'Url' parameter is required to make a call.", 21205)
    told, events = rest.url(parameters, "StatusCallback"), parameters["StatusCallbackEvent"].split() or ["completed"]
    return [
        CallRequest(
            from_number=caller,
            to_number=to,
            answer_url=answer_url,
            answer_method=rest.method(parameters, "Method"),
            ring_url=told if "ringing" in events else None,
            ring_method=rest.method(parameters, "StatusCallbackMethod"),
            hangup_url=told if "completed" in events else None,
            hangup_method=rest.method(parameters, "StatusCallbackMethod"),
            ring_timeout=rest.seconds(parameters, "Timeout", 60),
            time_limit=rest.seconds(parameters, "TimeLimit", 14400),
            machine_detection="MachineDetection" in parameters,
        )
    ]
