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


class Control:
    def __init__(self, network: Network, ledger: Ledger, faults: FaultDraw) -> None:
        self._network = network
        self._ledger = ledger
        self._faults = faults

    def routes(self) -> list[Route]:
        return [
            Route("/lab/health", self._health),
            Route("/lab/ledger", self._rows),
            Route("/lab/callees", self._set_callees, methods=["PUT"]),
            Route("/lab/faults", self._set_faults, methods=["PUT"]),
        ]

    async def _health(self, _request: Request) -> Response:
        states: dict[str, int] = {}
        for call in self._network.calls.values():
            states[call.state.value] = states.get(call.state.value, 0) + 1
        return JSONResponse({"status": "ok", "calls": states})

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
