"""Exotel's REST paths (https://developer.exotel.com/docs/voice-v1/api-reference): connect a call to a flow, look at
calls. The list shows finished calls only, and nothing ends or changes a live one, because the vendor's does not.

A flow's applet asks a URL of its owner's; the lab takes it from the call: `Url`'s query parameter `applet`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceera.lab import rest
from voiceera.lab.exotel.dialect import status, trunk_number, written
from voiceera.lab.faults import FaultDraw
from voiceera.lab.ledger import Ledger
from voiceera.lab.network import Network
from voiceera.lab.phone_call import CallRequest, CallState, PhoneCall, utc_now
from voiceera.lab.rest import FrontDesk, Refused

VENDOR = "exotel"
_IST = timezone(timedelta(hours=5, minutes=30))


class ExotelApi:
    def __init__(
        self, network: Network, ledger: Ledger, faults: FaultDraw, account_sid: str, auth_token: str
    ) -> None:
        self._desk = FrontDesk(VENDOR, network, ledger, faults, check=self._authenticate, answer_refused=_error)
        self._network = network
        self._faults = faults
        self._account_sid = account_sid
        self._credentials = f"{account_sid}:{auth_token}"

    def routes(self) -> list[Route]:
        base, route = "/exotel/v1/Accounts/{account_sid}", self._desk.route
        return [
            route(f"{base}/Calls/connect.json", self._make, "POST"),
            route(f"{base}/Calls.json", self._list, "GET"),
            route(f"{base}/Calls/{{call_sid}}.json", self._get, "GET"),
        ]

    def _authenticate(self, request: Request) -> None:
        header = request.headers.get("Authorization", "")
        mine = request.path_params["account_sid"] == self._account_sid
        if not rest.allows_basic(header, self._credentials) or not mine:
            raise Refused(401, "Authentication failed")

    async def _make(self, request: Request) -> Response:
        parameters = {name: str(value) for name, value in (await request.form()).items()}

        def answer(placed: list[PhoneCall]) -> Response:
            return JSONResponse({"Call": self._shown(placed[0])})

        return await self._desk.dial(request, parameters, _call_requests, answer, to="From", url="StatusCallback")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        size = int(query.get("PageSize", "50"))
        found = [call for call in reversed(list(self._network.calls.values())) if self._lists(call, query)]
        return JSONResponse(
            {"Metadata": {"Total": len(found)}, "Calls": [self._shown(call) for call in found[:size]]}
        )

    def _lists(self, call: PhoneCall, query: Mapping[str, str]) -> bool:
        lag = timedelta(seconds=self._faults.settings.reporting_lag_seconds)
        if call.vendor != VENDOR or call.state is not CallState.ENDED or call.ended_at is None:
            return False
        if call.ended_at + lag > utc_now():
            return False
        people = query.get("From", "")
        return (not people or call.request.person in people.split(",")) and _created(call, query)

    async def _get(self, request: Request) -> Response:
        call = self._network.calls.get(request.path_params["call_sid"])
        if call is None or call.vendor != VENDOR:
            raise Refused(404, "The requested resource was not found")
        return JSONResponse({"Call": self._shown(call)})

    def _shown(self, call: PhoneCall) -> dict[str, Any]:
        request = call.request
        ours = request.to_number if request.is_inbound else request.from_number
        return {
            "Sid": call.uuid,
            "AccountSid": self._account_sid,
            "DateCreated": written(call.initiated_at),
            "Direction": "inbound" if request.is_inbound else "outbound-api",
            "Duration": str(round(call.talk_seconds)),
            "EndTime": written(call.ended_at),
            "From": request.person,
            "PhoneNumberSid": trunk_number(ours),
            "StartTime": written(call.answered_at),
            "Status": status(call),
            "To": trunk_number(ours),
        }


def _created(call: PhoneCall, query: Mapping[str, str]) -> bool:
    """`DateCreated=gte:2019-01-01 00:00:00;lte:…`, in India."""
    for bound in filter(None, query.get("DateCreated", "").split(";")):
        word, _, text = bound.partition(":")
        instant = datetime.fromisoformat(text).replace(tzinfo=_IST)
        created = call.initiated_at.replace(microsecond=0)
        if (word == "gte" and created < instant) or (word == "lte" and created > instant):
            return False
    return True


def _error(refused: Refused) -> Response:
    body = {"RestException": {"Status": refused.status, "Message": refused.error}}
    return JSONResponse(body, status_code=refused.status)


def _call_requests(parameters: Mapping[str, str]) -> list[CallRequest]:
    to = rest.digits(parameters.get("From", ""), Refused(400, "From is not a valid phone number"))
    caller = rest.digits(parameters.get("CallerId", ""), Refused(400, "CallerId is not yours"))
    flow = rest.url(parameters, "Url")
    applet = parse_qs(urlsplit(flow or "").query).get("applet", [""])[0]
    if not applet:
        raise Refused(400, "Url leads to no flow: the lab's flows name their applet's URL")
    return [
        CallRequest(
            from_number=caller,
            to_number=to,
            answer_url=applet,
            answer_method="GET",
            hangup_url=rest.url(parameters, "StatusCallback"),
            ring_timeout=rest.seconds(parameters, "TimeOut", 60),
            time_limit=rest.seconds(parameters, "TimeLimit", 14400),
            context=parameters.get("CustomField", ""),
        )
    ]
