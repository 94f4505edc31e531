"""The one way out to URLs that users give: a transport that never reaches an inside it was not told of.

A name is resolved once, every address it has is checked, and the connection goes to a checked address while Host
and SNI keep the name: a second answer from a hostile name server is never asked for. Redirects are not followed;
size and time have caps. The lists are explicit, from the IANA special-purpose registries (RFC 6890 and successors):
`ipaddress.is_global` has been wrong for several of these ranges.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import httpcore
import httpx

from voiceera.errors import Invalid, StartupError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAXIMUM_BYTES = 1_000_000
TOTAL_SECONDS = 30.0
CONNECTIONS = 100
KEEP_SECONDS = 15.0
_RESOLVERS = 16

_V4_INSIDE = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
    "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
# Only global unicast (2000::/3) may be reached at all; what is special inside it follows, tunnels included.
_V6_GLOBAL = ipaddress.IPv6Network("2000::/3")
_V6_INSIDE = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"

INSIDE: tuple[Network, ...] = tuple(map(ipaddress.ip_network, f"{_V4_INSIDE} {_V6_INSIDE}".split()))


class TargetRefused(Invalid):
    """The URL leads where user-given URLs may not go."""


@dataclass(frozen=True)
class Allowed:
    """One entry of VOICEERA_OUTBOUND_ALLOW: an inside network and the port that may be reached there."""

    network: Network
    port: int


def allow_list(text: str) -> tuple[Allowed, ...]:
    """Reads "127.0.0.1/32:8090, [::1]/128:8090". Raises StartupError naming the entry that does not fit."""
    return tuple(_allowed(entry.strip()) for entry in text.split(",") if entry.strip())


def _allowed(entry: str) -> Allowed:
    network, _, port = entry.rpartition(":")
    try:
        number = int(port)
        if not 0 < number < 65536:
            raise ValueError(port)
        return Allowed(ipaddress.ip_network(network.replace("[", "").replace("]", "")), number)
    except ValueError as error:
        raise StartupError(f"VOICEERA_OUTBOUND_ALLOW: {entry!r} is not CIDR:port, like 127.0.0.1/32:8090") from error


def may_reach(address: Address, port: int, allow: Iterable[Allowed] = ()) -> bool:
    """Whether a user's URL may lead to this address: outside, or named in the allow list."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return may_reach(address.ipv4_mapped, port, allow)
        outside = address in _V6_GLOBAL and not any(address in network for network in INSIDE)
    else:
        outside = not any(address in network for network in INSIDE)
    return outside or any(entry.port == port and address in entry.network for entry in allow)


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for the pool: resolve, check all, connect to the first that answers."""

    def __init__(self, allow: tuple[Allowed, ...]) -> None:
        self._allow = allow
        self._inner = httpcore.AnyIOBackend()
        # Not the loop's own few threads: a name server that hangs would hold up everybody else's names.
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")

    def close(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await resolve(host, port, self._resolvers)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"resolving {host} took too long") from error
        for address in addresses:
            if not may_reach(address, port, self._allow):
                raise TargetRefused(f"{host}:{port} is not reachable from here: it leads to an inside address")
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(str(addresses[-1]), port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> httpcore.AsyncNetworkStream:
        raise TargetRefused("unix sockets are inside")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def resolve(host: str, port: int, threads: Executor | None = None) -> list[Address]:
    """Every address of a name. Raises httpcore.ConnectError for one that has none."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(threads, ask)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"cannot resolve {host}") from error
    return [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]


class _CappedStream(httpx.AsyncByteStream):
    """A response's body that ends in an error past its size or its time."""

    def __init__(self, inner: httpx.AsyncByteStream, maximum_bytes: int, deadline: float) -> None:
        self._inner = inner
        self._maximum_bytes = maximum_bytes
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        try:
            async with asyncio.timeout_at(self._deadline):
                async for piece in self._inner:
                    received += len(piece)
                    if received > self._maximum_bytes:
                        raise httpx.ReadError(f"the answer is larger than {self._maximum_bytes} bytes")
                    yield piece
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer took too long") from error

    async def aclose(self) -> None:
        await self._inner.aclose()


class OutboundTransport(httpx.AsyncBaseTransport):
    """http and https only, to checked addresses only. Raises TargetRefused, else httpx's own errors."""

    def __init__(
        self,
        allow: tuple[Allowed, ...] = (),
        *,
        maximum_bytes: int = MAXIMUM_BYTES,
        total_seconds: float = TOTAL_SECONDS,
        connections: int = CONNECTIONS,
        any_encoding: bool = False,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        """`keep_seconds`: how long an idle connection stays open.

        `any_encoding`: pass on a compressed answer as it is; for who never unpacks one."""
        self._maximum_bytes = maximum_bytes
        self._total_seconds = total_seconds
        self._any_encoding = any_encoding
        self._backend = _CheckedBackend(allow)
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)
        # httpx offers no seam for the network below its pool: the pool it made gives way to one over ours.
        self._inner._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            keepalive_expiry=keep_seconds,
            network_backend=self._backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in ("http", "https"):
            raise TargetRefused("only http and https URLs can be called")
        # A compressed answer could unpack into far more than the cap.
        request.headers["Accept-Encoding"] = "identity"
        deadline = asyncio.get_running_loop().time() + self._total_seconds
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._inner.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer took too long", request=request) from error
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        if not self._any_encoding and response.headers.get("Content-Encoding", "identity") != "identity":
            await stream.aclose()
            raise httpx.DecodingError("a compressed answer was not asked for", request=request)
        capped = _CappedStream(stream, self._maximum_bytes, deadline)
        return httpx.Response(response.status_code, headers=response.headers, stream=capped)

    async def aclose(self) -> None:
        await self._inner.aclose()
        self._backend.close()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


def outbound_client(
    allow: tuple[Allowed, ...] = (),
    *,
    timeout: httpx.Timeout | float = 10.0,
    maximum_bytes: int = MAXIMUM_BYTES,
    total_seconds: float = TOTAL_SECONDS,
    keep_seconds: float = KEEP_SECONDS,
    **options: Any,
) -> httpx.AsyncClient:
    """A client for URLs that users give. `options` go to httpx (auth, headers, base_url)."""
    transport = OutboundTransport(
        allow, maximum_bytes=maximum_bytes, total_seconds=total_seconds, keep_seconds=keep_seconds
    )
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False, **options)
