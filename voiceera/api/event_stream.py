"""Server-sent events of one channel of the bus (HTML Living Standard, section 9.2, "Server-sent events").

Frames are `data: {…}` with one JSON object each; a comment comes every few seconds, so that whoever is in between
keeps the connection. Messages that pass while a client is away are not sent again: a client that comes back reads
the present state first.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from voiceera.errors import TooMany, VoiceEraError
from voiceera.services import live
from voiceera.store.bus import Bus

BEAT_SECONDS = 10.0
_RETRY_MILLISECONDS = 1000

COUNT_SECONDS = 1.0
"""Between two tellings of counters that move."""

Look = Callable[[], Awaitable[dict[str, Any]]]
"""The present state as a message; raises VoiceEraError when the caller may no longer see it."""


class Streams:
    """The event streams that this process holds open: so many for each caller, ended together when it stops."""

    MOST_EACH = 20

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        self._open: Counter[str] = Counter()

    def end(self) -> None:
        self.ending.set()

    def check(self, caller: str) -> None:
        """Raises TooMany where the caller has as many open as it may."""
        if self._open[caller] >= self.MOST_EACH:
            raise TooMany(f"You have {self.MOST_EACH} event streams open; close one first.", BEAT_SECONDS)

    @contextmanager
    def held(self, caller: str) -> Iterator[None]:
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


class EventStream(StreamingResponse):
    """Ends when the client goes, when `look` refuses, or when the process stops."""

    media_type = "text/event-stream"

    def __init__(
        self, bus: Bus, channel: str, look: Look, streams: Streams, caller: str, count: Look | None = None
    ) -> None:
        """`count`: counters that move with the channel's news, as a message."""
        streams.check(caller)
        # X-Accel-Buffering: nginx and its like would hold frames back until a buffer is full.
        super().__init__(iter(()), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._bus = bus
        self._channel = channel
        self._look = look
        self._streams = streams
        self._caller = caller
        self._count = count
        self._news = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listening, opened = asyncio.Event(), asyncio.Event()
        with self._streams.held(self._caller):
            async with asyncio.TaskGroup() as tasks:
                relay = tasks.create_task(self._relay(send, listening, opened))
                await listening.wait()
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                beat = tasks.create_task(self._beat(send, opened))
                counting = tasks.create_task(self._keep_counting(send, opened))
                gone = tasks.create_task(_gone(receive))
                stop = tasks.create_task(self._streams.ending.wait())
                await asyncio.wait((beat, gone, stop), return_when=asyncio.FIRST_COMPLETED)
                for task in (relay, beat, counting, gone, stop):
                    task.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _relay(self, send: Send, listening: asyncio.Event, opened: asyncio.Event) -> None:
        async with aclosing(self._bus.subscribe(self._channel, listening)) as messages:
            async for message in messages:
                await opened.wait()
                await _put(send, _frame(message))
                self._news.set()

    async def _keep_counting(self, send: Send, opened: asyncio.Event) -> None:
        """Tell the counters at first, and when they have moved; they are looked at after news and at each beat."""
        if self._count is None:
            return
        told: dict[str, Any] | None = None
        await opened.wait()
        while True:
            self._news.clear()
            try:
                counted = await self._count()
            except (VoiceEraError, SQLAlchemyError, OSError):
                counted = told or {}
            if counted and counted != told:
                await _put(send, _frame(counted))
                told = counted
            await asyncio.sleep(COUNT_SECONDS)
            await self._news.wait()

    async def _beat(self, send: Send, opened: asyncio.Event) -> None:
        """Begin with the present state, then say every few seconds that the line is alive and is watched."""
        said = f"retry: {_RETRY_MILLISECONDS}\n"
        while True:
            try:
                state = await self._look()
            except (VoiceEraError, SQLAlchemyError, OSError):
                return
            await live.watch(self._bus, self._channel)
            await _put(send, ": beat\n\n" if opened.is_set() else said + _frame(state))
            opened.set()
            self._news.set()
            await asyncio.sleep(BEAT_SECONDS)


def _frame(message: dict[str, Any]) -> str:
    return f"data: {json.dumps(message, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def _put(send: Send, frame: str) -> None:
    await send({"type": "http.response.body", "body": frame.encode(errors="replace"), "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
