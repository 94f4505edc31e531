"""What all vendors' REST endpoints do alike: refuse, misbehave on purpose, count dials, place."""

import asyncio
import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voiceera.lab.faults import DialFault, FaultDraw
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.network import Network, OverRate
from voiceera.lab.phone_call import CallRequest, PhoneCall

_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")
Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """What the vendor answers instead: a status, its error text, and its own number for it."""

    def __init__(self, status: int, error: str, code: int = 0) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.code = code


class FrontDesk:
    """`answer_refused` words a refusal as the vendor does; `check` raises Refused for who may not come in."""

    def __init__(
        self,
        vendor: str,
        network: Network,
        ledger: Ledger,
        faults: FaultDraw,
        *,
        check: Callable[[Request], None],
        answer_refused: Callable[[Refused], Response],
    ) -> None:
        self.network = network
        self._vendor = vendor
        self._ledger = ledger
        self._faults = faults
        self._check = check
        self._answer_refused = answer_refused

    def route(self, path: str, answer: Endpoint, method: str) -> Route:
        async def behind_the_desk(request: Request) -> Response:
            try:
                self._check(request)
                return await answer(request)
            except Refused as refused:
                return self._answer_refused(refused)

        return Route(path, behind_the_desk, methods=[method])

    async def dial(
        self,
        request: Request,
        parameters: Mapping[str, str],
        read: Callable[[Mapping[str, str]], list[CallRequest]],
        answer: Callable[[list[PhoneCall]], Response],
        *,
        to: str,
        url: str,
    ) -> Response:
        """Place what `read` makes of the parameters, unless a fault is drawn; `to` and `url` name the parameters
        that the ledger notes of a dial that came to nothing."""
        fault = self._faults.dial()
        if fault is not None and not fault.places:
            number = f"+{parameters.get(to, '').lstrip('+')}"
            self._ledger.write(Event.FAULT, number=number, fault=fault.value, path=parameters.get(url, ""))
            return await self._misbehave(request, fault)
        calls = read(parameters)
        try:
            for _ in calls:
                self.network.admit()
        except OverRate:
            self._ledger.write(Event.DIAL_REFUSED, number=f"+{calls[0].to_number}", fault="over_rate")
            raise Refused(429, "Too many requests: calls per second limit reached") from None
        placed = [self.network.place(self._vendor, call, fault.value if fault else "") for call in calls]
        if fault is not None:
            return await self._misbehave(request, fault)
        return answer(placed)

    async def _misbehave(self, request: Request, fault: DialFault) -> Response:
        match fault:
            case DialFault.FAIL_BEFORE:
                return self._answer_refused(Refused(500, "internal server error"))
            case DialFault.FAIL_AFTER:
                return self._answer_refused(Refused(502, "bad gateway"))
            case DialFault.HANG_BEFORE | DialFault.HANG_AFTER:
                await asyncio.sleep(self._faults.settings.hang_seconds)
        request.scope["voiceera.abort"]()
        return self._answer_refused(Refused(500, "reset"))

    def call(self, call_id: str) -> PhoneCall:
        """Raises Refused for one that is not there or over."""
        call = self.network.calls.get(call_id)
        if call is None or call.vendor != self._vendor or call.ending is not None:
            raise Refused(404, "not found")
        return call


def digits(text: str, refused: Refused) -> str:
    """A telephone number without its plus."""
    if not _NUMBER.fullmatch(text.strip()):
        raise refused
    return text.strip().lstrip("+")


def url(parameters: Mapping[str, str], name: str) -> str | None:
    found = parameters.get(name)
    if found and not found.startswith(("http://", "https://")):
        raise Refused(400, f"{name} is not a valid URL")
    return found or None


def method(parameters: Mapping[str, str], name: str) -> str:
    found = parameters.get(name, "POST").upper()
    if found not in ("GET", "POST"):
        raise Refused(400, f"{name} must be GET or POST")
    return found


def seconds(parameters: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(parameters.get(name, default))
    except ValueError:
        raise Refused(400, f"{name} is not a number") from None


def allows_basic(header: str, credentials: str) -> bool:
    """Whether an Authorization header carries these credentials ("user:password")."""
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, credentials.encode())
