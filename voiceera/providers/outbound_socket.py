"""The way out to WebSockets that users name, checked like any other of their URLs (`outbound.py`): plain messages."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore
from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed, may_reach, resolve

LARGEST_MESSAGE = 256 * 1024
OPEN_SECONDS = 3.0
_MOST_WAITING = 1000
_resolvers: ThreadPoolExecutor | None = None


class OutboundSocket(WSListener):
    """Messages in the order in which they came; the end of the iteration is the socket's end."""

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._transport: WSTransport | None = None
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._parts = bytearray()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def send_text(self, message: str | bytes) -> None:
        """A socket that is gone swallows what is sent."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, message.encode() if isinstance(message, str) else message)

    def send_bytes(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.BINARY, message)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Text and binary messages, as bytes."""
        while (message := await self._messages.get()) is not None:
            yield message
        self._messages.put_nowait(None)  # for whoever asks again

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    # ── as picows sees it ────────────────────────────────────────────────────────────────────────────────────────

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._parts += frame.get_payload_as_memoryview()
            is_too_much = len(self._parts) > LARGEST_MESSAGE or self._messages.qsize() > _MOST_WAITING
            if is_too_much:
                transport.disconnect(False)
            elif frame.fin:
                self._messages.put_nowait(bytes(self._parts))
                self._parts.clear()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._messages.put_nowait(None)


async def open_socket(
    vendor: str, url: str, headers: Mapping[str, str], allow: tuple[Allowed, ...], seconds: float = OPEN_SECONDS
) -> OutboundSocket:
    """Raises ProviderError, permanent for a target that may not be reached and for credentials that are refused."""

    async def checked(parsed: Any) -> socket.socket:
        return await _connected(vendor, parsed.host, parsed.port, allow)

    made = OutboundSocket(vendor)
    try:
        async with asyncio.timeout(seconds):
            await ws_connect(
                lambda: made,
                url,
                extra_headers=dict(headers),
                max_redirects=0,
                max_frame_size=LARGEST_MESSAGE,
                socket_factory=checked,
                websocket_handshake_timeout=seconds,
            )
    except (TimeoutError, OSError, WSError, httpcore.ConnectError) as error:
        status = getattr(getattr(error, "response", None), "status", None)
        if status is not None:
            code = int(status)
            raise ProviderError(vendor, f"answered {code}", permanent=code in (400, 401, 402, 403, 404)) from None
        raise ProviderError(vendor, f"no connection: {type(error).__name__}") from error
    return made


async def _connected(vendor: str, host: str, port: int, allow: tuple[Allowed, ...]) -> socket.socket:
    """A connection to the first address that answers, once all of them have been checked."""
    addresses = await resolve(host, port, _threads())
    for address in addresses:
        if not may_reach(address, port, allow):
            message = f"{host}:{port} is not reachable from here: it leads to an inside address"
            raise ProviderError(vendor, message, permanent=True)
    fault: OSError = ConnectionRefusedError()
    for address in addresses:
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
            return connection
        except OSError as error:
            connection.close()
            fault = error
        except BaseException:
            connection.close()
            raise
    raise fault


def _threads() -> ThreadPoolExecutor:
    """Not the loop's own few: a name server that hangs would hold up everybody else's names."""
    global _resolvers
    if _resolvers is None:
        _resolvers = ThreadPoolExecutor(8, thread_name_prefix="resolve")
    return _resolvers
