"""The network's requests to whoever placed a call: signed, retried as the vendor does, and subject to faults."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import httpx

from voiceera.lab.faults import CallbackFault, FaultDraw
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.phone_call import CallRequest, PhoneCall
from voiceera.lab.signatures import signed_headers
from voiceera.log import get_logger

log = get_logger("lab")

ANSWER, RINGING, HANGUP = "answer", "ringing", "hangup"
_ANSWER_TRIES = 3
_NOTICE_TRIES = 2
_TIMEOUT = httpx.Timeout(15, connect=2)


class Callbacks:
    """`async with Callbacks(…)`; what is still on its way at the end is dropped."""

    def __init__(self, auth_id: str, auth_token: str, ledger: Ledger, faults: FaultDraw) -> None:
        self._auth_id = auth_id
        self._auth_token = auth_token
        self._ledger = ledger
        self._faults = faults
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
            headers={"User-Agent": "Plivo"},
            trust_env=False,
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._held_back: dict[str, list[asyncio.Event]] = defaultdict(list)

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    async def fetch_answer(self, call: PhoneCall) -> bytes | None:
        """The answer URL's XML; None when three tries brought none."""
        if call.is_silent:
            return None
        request = call.request
        fault = self._faults.callback()
        if fault is CallbackFault.DOUBLED:
            self._note_fault(call, ANSWER, fault)
            await self._send(call, ANSWER, request.answer_url, request.answer_method)
        elif fault is CallbackFault.LATE:
            self._note_fault(call, ANSWER, fault)
            await asyncio.sleep(min(self._faults.settings.late_seconds, 2.0))
        for _ in range(_ANSWER_TRIES):
            response = await self._send(call, ANSWER, request.answer_url, request.answer_method)
            if response is not None and response.status_code == 200:
                return response.content
        return None

    def notify(self, call: PhoneCall, kind: str) -> None:
        """Send a ringing or hang-up notice in the background."""
        url, method = _target(call.request, kind)
        if url is None or call.is_silent:
            return
        fault = self._faults.callback()
        if fault is not None:
            self._note_fault(call, kind, fault)
        for held in self._held_back.pop(call.uuid, []):
            asyncio.get_running_loop().call_later(0.05, held.set)
        if fault is CallbackFault.LOST:
            return
        form = self.form(call, kind)
        gate: asyncio.Event | None = None
        if fault is CallbackFault.REORDERED:
            gate = asyncio.Event()
            self._held_back[call.uuid].append(gate)
        copies = 2 if fault is CallbackFault.DOUBLED else 1
        late = self._faults.settings.late_seconds if fault is CallbackFault.LATE else 0.0
        for _ in range(copies):
            task = asyncio.create_task(self._deliver(call, kind, url, method, form, late, gate))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _deliver(
        self,
        call: PhoneCall,
        kind: str,
        url: str,
        method: str,
        form: Mapping[str, str],
        late_seconds: float,
        gate: asyncio.Event | None,
    ) -> None:
        if late_seconds:
            await asyncio.sleep(late_seconds)
        if gate is not None:
            await _opened(gate, self._faults.settings.late_seconds)
        for _ in range(_NOTICE_TRIES):
            if await self._send(call, kind, url, method, form) is not None:
                return

    async def _send(
        self, call: PhoneCall, kind: str, url: str, method: str, form: Mapping[str, str] | None = None
    ) -> httpx.Response | None:
        form = self.form(call, kind) if form is None else form
        headers = signed_headers(self._auth_token, method, url, form)
        response = None
        try:
            if method == "GET":
                response = await self._client.get(url, params=dict(form), headers=headers)
            else:
                response = await self._client.post(url, data=dict(form), headers=headers)
        except httpx.HTTPError as error:
            log.warning("callback_failed", kind=kind, error=type(error).__name__)
        self._ledger.write(
            Event.CALLBACK,
            call_uuid=call.uuid,
            number=f"+{call.request.to_number}",
            reference=call.request.reference,
            callback=kind,
            status=0 if response is None else response.status_code,
        )
        return response

    def _note_fault(self, call: PhoneCall, kind: str, fault: CallbackFault) -> None:
        self._ledger.write(
            Event.FAULT,
            call_uuid=call.uuid,
            number=f"+{call.request.to_number}",
            reference=call.request.reference,
            callback=kind,
            fault=fault.value,
        )

    def form(self, call: PhoneCall, kind: str) -> dict[str, str]:
        """The vendor's parameters (https://www.plivo.com/docs/voice/xml/request), every one a string."""
        request = call.request
        form = {
            "ALegRequestUUID": call.uuid,
            "ALegUUID": call.uuid,
            "CallStatus": call.state.value,
            "CallUUID": call.uuid,
            "Direction": "outbound",
            "From": request.from_number,
            "ParentAuthID": self._auth_id,
            "RequestUUID": call.uuid,
            "STIRAttestation": "Not Applicable",
            "STIRVerification": "Not Applicable",
            "SessionStart": call.initiated_at.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "To": request.to_number,
        }
        match kind:
            case "answer":
                return form | {"Event": "StartApp", "BillRate": _RATE}
            case "ringing":
                return form | {"Event": "Ring"}
        return form | _hangup_form(call)


_RATE = "0.00850"


def billed_minutes(call: PhoneCall) -> int:
    """Whole minutes, each begun one counted."""
    return -(-round(call.talk_seconds) // 60) if call.answered_at is not None else 0


def total_cost(call: PhoneCall) -> str:
    return f"{billed_minutes(call) * float(_RATE):.5f}"


def _hangup_form(call: PhoneCall) -> dict[str, str]:
    ending, ended_at = call.ending, call.ended_at
    assert ending is not None and ended_at is not None
    form = {
        "Event": "Hangup",
        "CallStatus": ending.status,
        "HangupCause": ending.cause,
        "HangupCauseCode": str(ending.code),
        "HangupCauseName": ending.name,
        "HangupSource": ending.source,
        "StartTime": f"{call.initiated_at:%Y-%m-%d %H:%M:%S}",
        "EndTime": f"{ended_at:%Y-%m-%d %H:%M:%S}",
        "Duration": str(round(call.talk_seconds)),
        "BillDuration": str(60 * billed_minutes(call)),
        "BillRate": _RATE,
        "TotalCost": total_cost(call),
    }
    if call.answered_at is not None:
        form["AnswerTime"] = f"{call.answered_at:%Y-%m-%d %H:%M:%S}"
    return form


def _target(request: CallRequest, kind: str) -> tuple[str | None, str]:
    if kind == RINGING:
        return request.ring_url, request.ring_method
    return request.hangup_url or request.answer_url, request.hangup_method


async def _opened(gate: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(gate.wait(), seconds)
    except TimeoutError:
        return
