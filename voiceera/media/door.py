"""The door of a media socket: reads the upgrade request, asks who may come in, and only then opens.

picows answers an upgrade at once, and asking a database takes a moment; so the request's head is read here, and the
connection is handed to picows, head first, when the answer is there. Who may not come in gets a plain HTTP status.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from logging import Logger, getLogger
from typing import cast

from picows import WSAutoPingStrategy, WSListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # it stands in the module, not in its stub

from voiceera.media.dialects.dialect import LARGEST_MESSAGE

LARGEST_HEAD = 8 * 1024
KNOCK_SECONDS = 5.0
"""How long a connection may take to send its request."""


class Visitor(WSListener):
    """Who listens to a socket that was let in."""

    def never_came(self) -> None:
        """It was let in, and was gone or asked for something else before the socket was open."""


class Refused(Exception):
    """The HTTP status that somebody is sent away with."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


Admit = Callable[[str], Awaitable[Visitor]]
"""Path of the request → who listens to the socket. Raises Refused."""
Spawn = Callable[[Coroutine[None, None, None]], None]
"""Runs a coroutine to its end, whatever becomes of the connection: a token that was redeemed is accounted for."""


class Door(asyncio.Protocol):
    """One connection, from its first byte until it is a WebSocket or sent away."""

    def __init__(self, admit: Admit, spawn: Spawn, doors: set["Door"], most_doors: int) -> None:
        self._admit = admit
        self._spawn = spawn
        self._doors = doors
        self._most_doors = most_doors
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._has_knocked = False
        self._too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._doors.add(self)
        if len(self._doors) > self._most_doors:
            self._send_away(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        loop = asyncio.get_running_loop()
        self._too_slow = loop.call_later(KNOCK_SECONDS, self._send_away, HTTPStatus.REQUEST_TIMEOUT)

    def data_received(self, data: bytes) -> None:
        if self._has_knocked or self._transport is None:
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > LARGEST_HEAD:
                self._send_away(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        self._transport.pause_reading()
        self._has_knocked = True
        self._spawn(self._ask(bytes(self._head[:end])))

    def connection_lost(self, _fault: Exception | None) -> None:
        self._leave()
        self._transport = None

    def close(self) -> None:
        self._send_away(HTTPStatus.SERVICE_UNAVAILABLE)

    async def _ask(self, head: bytes) -> None:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].decode("ascii", "replace")
        try:
            if method != b"GET" or not _wants_websocket(head):
                raise Refused(HTTPStatus.UPGRADE_REQUIRED)
            visitor = await self._admit(path)
        except Refused as refused:
            self._send_away(refused.status)
            return
        if self._transport is None or self._transport.is_closing():
            visitor.never_came()
            return
        self._open(visitor)

    def _open(self, visitor: Visitor) -> None:
        """Hand the connection and all that was read of it to picows."""
        transport = self._transport
        assert transport is not None
        self._leave()
        self._transport = None
        websocket = _websocket(visitor)
        transport.set_protocol(websocket)
        websocket.connection_made(transport)
        head = bytes(self._head)
        self._head.clear()
        while head and not transport.is_closing():
            room = websocket.get_buffer(-1)
            size = min(len(room), len(head))
            room[:size] = head[:size]
            head = head[size:]
            websocket.buffer_updated(size)
        if transport.is_closing():
            visitor.never_came()
        else:
            transport.resume_reading()

    def _send_away(self, status: HTTPStatus) -> None:
        self._leave()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 %d %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                % (status.value, status.phrase.encode())
            )
            self._transport.close()

    def _leave(self) -> None:
        self._doors.discard(self)
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None


def _wants_websocket(head: bytes) -> bool:
    lines = head.lower().split(b"\r\n")[1:]
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    return headers.get(b"upgrade") == b"websocket" and bool(headers.get(b"sec-websocket-key"))


def _websocket(visitor: Visitor) -> WSProtocol:
    """A picows server connection (the arguments are those of `picows.ws_create_server`)."""
    return WSProtocol(
        None,  # host and port, for clients
        None,  # path, for clients
        False,  # is a client
        lambda _request: visitor,
        _picows_log(),
        True,  # disconnect on exception
        KNOCK_SECONDS,
        True,  # ping
        20.0,  # after idle seconds
        20.0,  # and wait for the answer
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,  # answer pings
        LARGEST_MESSAGE,
        None,  # extra headers
        4096,  # bytes of read buffer to begin with
    )


def _picows_log() -> Logger:
    return getLogger("picows.server")
