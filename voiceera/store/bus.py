"""The bus: small messages between processes, by PostgreSQL's NOTIFY. Losing it loses no call."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import asyncpg

from voiceera.log import get_logger

LONGEST_MESSAGE = 7_000
"""Bytes of JSON: NOTIFY carries less than 8000 (PostgreSQL's documentation of it)."""
_QUEUE_LENGTH = 1_000
_ANSWER_SECONDS = 5
_HEARTBEAT_SECONDS = 30
_SHORTEST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0
_TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_Queue = asyncio.Queue[dict[str, Any]]

_NOTIFY = "SELECT pg_notify(n.channel, n.payload) FROM unnest($1::text[], $2::text[]) AS n (channel, payload)"

log = get_logger("bus")


class Bus(Protocol):
    """Messages are JSON objects of at most 7 kB, delivered at most once, to whoever subscribes at the time."""

    async def publish(self, channel: str, message: dict[str, Any]) -> None:
        """Send to today's subscribers. A lost connection drops the message and raises nothing."""

    async def publish_all(self, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """The same for many, each with its channel, in their order and in one go."""

    def subscribe(self, channel: str, listening: asyncio.Event | None = None) -> AsyncGenerator[dict[str, Any], None]:
        """Messages from the first `anext` on. Survives a lost connection (messages meanwhile are lost).

        `listening` is set once whatever is published from then on arrives, or while the connection is down. Leave it
        with `contextlib.aclosing`, or by cancelling the task that iterates.
        """

    async def close(self) -> None: ...


class PostgresBus:
    """LISTEN and NOTIFY over one connection of its own (a pooler in transaction mode would lose them)."""

    def __init__(self, url: str) -> None:
        """`url` as for `Database`. Nothing is opened before the first use."""
        self._dsn = "postgresql://" + url.partition("://")[2]
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._queues: dict[str, set[_Queue]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._lost = asyncio.Event()

    async def publish(self, channel: str, message: dict[str, Any]) -> None:
        await self.publish_all([(channel, message)])

    async def publish_all(self, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
        channels = [channel for channel, _ in messages]
        payloads = [json.dumps(message, separators=(",", ":")) for _, message in messages]
        for channel, payload in zip(channels, payloads, strict=True):
            if len(payload.encode()) > LONGEST_MESSAGE:
                raise ValueError(f"a message on {channel!r} has more than {LONGEST_MESSAGE} bytes")
        await self._open()
        if not await self._ask(lambda connection: connection.execute(_NOTIFY, channels, payloads)):
            log.warning("bus_message_dropped", channel=channels[0])

    async def subscribe(
        self, channel: str, listening: asyncio.Event | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        queue: _Queue = asyncio.Queue(_QUEUE_LENGTH)
        await self._open()
        self._queues.setdefault(channel, set()).add(queue)
        try:
            await self._ask(lambda connection: self._settle(connection, channel))
            if listening is not None:
                listening.set()
            while True:
                yield await queue.get()
        finally:
            self._queues[channel].discard(queue)
            await self._ask(lambda connection: self._settle(connection, channel))

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def _open(self) -> None:
        """Begin to keep a connection; wait for the first try at it, and no longer."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def _ask(self, question: Callable[[asyncpg.Connection], Awaitable[object]]) -> bool:
        """Whether the server answered. A connection that does not answer is given up."""
        async with self._one_at_a_time:
            connection = self._connection
            if connection is None:
                return False
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await question(connection)
            except _TROUBLE:
                connection.terminate()
                self._lost.set()
                return False
            return True

    async def _settle(self, connection: asyncpg.Connection, channel: str) -> None:
        """Make the server's list of what we listen to agree with ours."""
        if self._queues.get(channel):
            await connection.add_listener(channel, self._deliver)
        else:
            self._queues.pop(channel, None)
            await connection.remove_listener(channel, self._deliver)

    def _deliver(self, _connection: object, _pid: int, channel: str, payload: str) -> None:
        for queue in self._queues.get(channel, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(json.loads(payload))

    async def _keep(self) -> None:
        """Connect, notice the end, connect again."""
        pause = _SHORTEST_PAUSE_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=_ANSWER_SECONDS)
            except _TROUBLE as problem:
                log.warning("bus_down", problem=type(problem).__name__)
                self._tried.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            pause = _SHORTEST_PAUSE_SECONDS
            try:
                await self._serve(connection)
            finally:
                self._connection = None
                connection.terminate()

    async def _serve(self, connection: asyncpg.Connection) -> None:
        """Use `connection` until it is lost; ask it now and then whether it still is there."""
        self._lost.clear()
        connection.add_termination_listener(lambda _connection: self._lost.set())
        self._connection = connection
        for channel in list(self._queues):
            await self._ask(partial(self._settle, channel=channel))
        self._tried.set()
        while not self._lost.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), _HEARTBEAT_SECONDS)
            await self._ask(lambda connection: connection.execute("SELECT 1"))
