"""The network's requests to whoever placed a call: signed, retried as the vendor does, and subject to faults."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp
from yarl import URL

from voiceera.lab.dialect import Dialect, Notice, Told
from voiceera.lab.faults import CallbackFault, FaultDraw
from voiceera.lab.ledger import Event, Ledger
from voiceera.lab.phone_call import PhoneCall
from voiceera.log import get_logger

log = get_logger("lab")

_NOTICE_TRIES = 2
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=15)
_AT_ONCE = 50
"""Requests under way; others wait their turn, however long."""


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes


class Callbacks:
    """What is still on its way at the end is dropped."""

    def __init__(self, dialects: Mapping[str, Dialect], ledger: Ledger, faults: FaultDraw) -> None:
        self._dialects = dialects
        self._ledger = ledger
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._held_back: dict[str, list[asyncio.Event]] = defaultdict(list)

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def fetch_answer(self, call: PhoneCall) -> bytes | None:
        """The answer URL's document; None when the vendor's tries brought none."""
        if call.is_silent:
            return None
        fault = self._faults.callback()
        tries = self._dialects[call.vendor].answer_tries
        if fault is CallbackFault.DOUBLED and tries > 1:
            self._note_fault(call, Told.ANSWER, fault)
            await self._ask_for_answer(call)
        elif fault is CallbackFault.LATE:
            self._note_fault(call, Told.ANSWER, fault)
            await asyncio.sleep(min(self._faults.settings.late_seconds, 2.0))
        for _ in range(tries):
            response = await self._ask_for_answer(call)
            if response is not None and response.status == 200:
                return response.content
        return None

    async def fetch(self, call: PhoneCall, url: str, method: str) -> bytes | None:
        """Another document, for a call that is led elsewhere."""
        asked = self._dialects[call.vendor].notice(call, Told.ANSWER)
        if asked is None:
            return None
        response = await self._send(call, Told.ANSWER, replace(asked, url=url, method=method))
        return response.content if response is not None and response.status == 200 else None

    async def _ask_for_answer(self, call: PhoneCall) -> Answer | None:
        notice = self._dialects[call.vendor].notice(call, Told.ANSWER)
        return None if notice is None else await self._send(call, Told.ANSWER, notice)

    def notify(self, call: PhoneCall, told: Told) -> None:
        """Send a ringing or hang-up notice in the background."""
        notice = None if call.is_silent else self._dialects[call.vendor].notice(call, told)
        if notice is None:
            return
        fault = self._faults.callback()
        if fault is not None:
            self._note_fault(call, told, fault)
        for held in self._held_back.pop(call.uuid, []):
            asyncio.get_running_loop().call_later(0.05, held.set)
        if fault is CallbackFault.LOST:
            return
        gate: asyncio.Event | None = None
        if fault is CallbackFault.REORDERED:
            gate = asyncio.Event()
            self._held_back[call.uuid].append(gate)
        copies = 2 if fault is CallbackFault.DOUBLED else 1
        late = self._faults.settings.late_seconds if fault is CallbackFault.LATE else 0.0
        for _ in range(copies):
            task = asyncio.create_task(self._deliver(call, told, notice, late, gate))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _deliver(
        self, call: PhoneCall, told: Told, notice: Notice, late_seconds: float, gate: asyncio.Event | None
    ) -> None:
        if late_seconds:
            await asyncio.sleep(late_seconds)
        if gate is not None:
            await _opened(gate, self._faults.settings.late_seconds)
        for _ in range(_NOTICE_TRIES):
            if await self._send(call, told, notice) is not None:
                return

    async def _send(self, call: PhoneCall, told: Told, notice: Notice) -> Answer | None:
        headers = {"User-Agent": self._dialects[call.vendor].user_agent, **self._dialects[call.vendor].signed(notice)}
        if notice.method != "GET":
            headers["Content-Type"] = notice.content_type
        response = None
        try:
            response = await self._request(notice, headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("callback_failed", kind=told, error=type(error).__name__)
        self._ledger.write(
            Event.CALLBACK,
            call_uuid=call.uuid,
            number=call.request.person,
            reference=call.request.reference,
            callback=told,
            status=0 if response is None else response.status,
        )
        return response

    async def _request(self, notice: Notice, headers: dict[str, str]) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_TIMEOUT,
            )
        url = URL(notice.sent_url, encoded=True)  # as it was signed
        asked = self._session.request(notice.method, url, data=notice.body, headers=headers, allow_redirects=False)
        async with asked as response:
            return Answer(response.status, await response.read())

    def _note_fault(self, call: PhoneCall, told: Told, fault: CallbackFault) -> None:
        self._ledger.write(
            Event.FAULT,
            call_uuid=call.uuid,
            number=call.request.person,
            reference=call.request.reference,
            callback=told,
            fault=fault.value,
        )


async def _opened(gate: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(gate.wait(), seconds)
    except TimeoutError:
        return
