"""The lab's own paths, apart from the vendor's: look at the ledger, set callees and faults."""

import json
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceera.errors import Invalid
from voiceera.lab.callees.directory import parse_directory
from voiceera.lab.faults import FaultDraw, Faults
from voiceera.lab.ledger import Ledger, summarize
from voiceera.lab.network import Network
from voiceera.lab.phone_call import CallRequest


class RingIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_number": "from"}):
    """A person rings a number of the agent's side; the URLs are those that the number's owner set at the vendor."""

    vendor: str
    from_number: str
    to: str
    answer_url: str
    hangup_url: str | None = None

    def request(self) -> CallRequest:
        return CallRequest(
            from_number=self.from_number.lstrip("+"),
            to_number=self.to.lstrip("+"),
            answer_url=self.answer_url,
            hangup_url=self.hangup_url,
            is_inbound=True,
        )


class Control:
    def __init__(self, network: Network, ledger: Ledger, faults: FaultDraw, public_key: str) -> None:
        self._network = network
        self._ledger = ledger
        self._faults = faults
        self._public_key = public_key

    def routes(self) -> list[Route]:
        return [
            Route("/lab/health", self._health),
            Route("/lab/ledger", self._rows),
            Route("/lab/callees", self._set_callees, methods=["PUT"]),
            Route("/lab/faults", self._set_faults, methods=["PUT"]),
            Route("/lab/calls", self._ring_in, methods=["POST"]),
        ]

    async def _health(self, _request: Request) -> Response:
        states: dict[str, int] = {}
        for call in self._network.calls.values():
            states[call.state.value] = states.get(call.state.value, 0) + 1
        return JSONResponse({"status": "ok", "calls": states, "telnyx_public_key": self._public_key})

    async def _rows(self, request: Request) -> Response:
        """`?since=N` leaves out the first N rows; `?call_uuid=`, `?number=` and `?event=` select."""
        since = request.query_params.get("since", "0")
        rows = self._ledger.rows[int(since) if since.isdecimal() else 0 :]
        for name in ("call_uuid", "number", "event"):
            wanted = request.query_params.get(name)
            if wanted is not None:
                rows = [row for row in rows if getattr(row, name).lstrip("+ ") == wanted.lstrip("+ ")]
        body = msgspec.json.encode(
            {"rows": rows, "next": len(self._ledger.rows), "summary": summarize(self._ledger.rows)}
        )
        return Response(body, media_type="application/json")

    async def _set_callees(self, request: Request) -> Response:
        try:
            scripts, default = parse_directory(await _document(request))
        except Invalid as invalid:
            return JSONResponse({"error": invalid.message}, status_code=422)
        self._network.directory.replace(scripts, default)
        return JSONResponse({"numbers": len(scripts)})

    async def _ring_in(self, request: Request) -> Response:
        """{vendor, from, to, answer_url, hangup_url?}: the person at `from` rings `to`."""
        try:
            asked = msgspec.convert(await _document(request), RingIn)
            call = self._network.ring_in(asked.vendor, asked.request())
        except (msgspec.ValidationError, Invalid) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        except KeyError:
            return JSONResponse({"error": f"the lab does not play {asked.vendor}"}, status_code=422)
        return JSONResponse({"call_uuid": call.uuid}, status_code=201)

    async def _set_faults(self, request: Request) -> Response:
        try:
            faults = msgspec.convert(await _document(request), Faults, strict=False)
        except (msgspec.ValidationError, Invalid) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        self._faults.change(faults)
        return JSONResponse(msgspec.to_builtins(faults))


async def _document(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise Invalid("the body is not JSON") from None
