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
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from types import TracebackType
from typing import Any

import aiohttp
import httpcore
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType
from yarl import URL

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


class _Inside(OSError):
    """The connection would lead where user-given URLs may not go."""


class _CheckedResolver(AbstractResolver):
    """Resolves a name once and gives out its addresses only if every one of them may be reached."""

    def __init__(self, allow: tuple[Allowed, ...]) -> None:
        self._allow = allow
        # Not the loop's own few threads: a name server that hangs would hold up everybody else's names.
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await resolve(host, port, self._resolvers)
        for address in addresses:
            if not may_reach(address, port, self._allow):
                raise _refused(f"{host}:{port}")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)


def _refused(target: str) -> TargetRefused:
    return TargetRefused(f"{target} is not reachable from here: it leads to an inside address")


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


class _Body(httpx.AsyncByteStream):
    """What comes after an answer's head, in httpx' terms."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer stopped coming") from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        self._response.close()  # a connection whose answer was read to its end has gone back already


def guarded_session(
    allow: tuple[Allowed, ...] = (),
    *,
    connections: int = CONNECTIONS,
    keep_seconds: float = KEEP_SECONDS,
    **options: Any,
) -> aiohttp.ClientSession:
    """aiohttp's session to checked addresses alone, also for sockets and redirects; it belongs to the running loop.
    `options` go to aiohttp."""

    def checked_socket(told: AddrInfoType) -> socket.socket:
        """An address that stands in the URL itself is resolved by nobody; here every connection passes."""
        family, kind, protocol, _, (host, port, *_) = told
        if not may_reach(ipaddress.ip_address(str(host).partition("%")[0]), int(port), allow):
            raise _Inside(f"{host}:{port}")
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=connections,
        ssl=_trusting(),
        resolver=_CheckedResolver(allow),
        use_dns_cache=False,
        keepalive_timeout=keep_seconds,
        socket_factory=checked_socket,
    )
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False, **options)


class OutboundTransport(httpx.AsyncBaseTransport):
    """http and https only, to checked addresses only. Raises TargetRefused, else httpx's own errors.

    The connections are aiohttp's: with fifty requests at a time httpx' own pool costs twenty times the CPU.
    """

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
        self._allow = allow
        self._maximum_bytes = maximum_bytes
        self._total_seconds = total_seconds
        self._connections = connections
        self._any_encoding = any_encoding
        self._keep_seconds = keep_seconds
        self._opened: aiohttp.ClientSession | None = None

    def _session(self) -> aiohttp.ClientSession:
        """Opened at the first request, since it belongs to the loop."""
        if self._opened is None:
            self._opened = guarded_session(
                self._allow,
                connections=self._connections,
                keep_seconds=self._keep_seconds,
                auto_decompress=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        return self._opened

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in ("http", "https"):
            raise TargetRefused("only http and https URLs can be called")
        # A compressed answer could unpack into far more than the cap.
        request.headers["Accept-Encoding"] = "identity"
        deadline = asyncio.get_running_loop().time() + self._total_seconds
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._ask(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer took too long", request=request) from error
        if not self._any_encoding and response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise httpx.DecodingError("a compressed answer was not asked for", request=request)
        capped = _CappedStream(_Body(response), self._maximum_bytes, deadline)
        return httpx.Response(response.status, headers=response.raw_headers, stream=capped)

    async def _ask(self, request: httpx.Request) -> aiohttp.ClientResponse:
        """Until the answer's head is there. Whatever fails before a connection stands is a ConnectError or a
        ConnectTimeout: nothing was sent then."""
        body = await request.aread()
        own = [(name, value) for name, value in request.headers.multi_items() if name not in _SET_BY_LENGTH]
        try:
            return await self._session().request(
                request.method,
                URL(str(request.url.copy_with(username=None, password=None)), encoded=True),
                headers=own,
                data=body or None,
                allow_redirects=False,
                timeout=_timeout(request.extensions.get("timeout", {})),
            )
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx.ConnectTimeout(str(error), request=request) from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _Inside):
                raise _refused(f"{request.url.host}:{error.port}") from error
            raise httpx.ConnectError(str(error), request=request) from error
        except httpcore.ConnectError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ServerTimeoutError as error:
            raise httpx.ReadTimeout(str(error), request=request) from error
        except aiohttp.InvalidURL as error:
            raise TargetRefused(f"{request.url.host} is no name or address in its usual form") from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(f"{type(error).__name__}: {error}"[:300], request=request) from error

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


@cache
def _trusting() -> ssl.SSLContext:
    """Reading the machine's certificates takes a twentieth of a second."""
    return ssl.create_default_context()


_SET_BY_LENGTH = frozenset({"content-length", "transfer-encoding"})


def _timeout(seconds: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
    """httpx' four timeouts as aiohttp's: its `connect` begins with the wait for a free connection."""
    connect, pool = seconds.get("connect"), seconds.get("pool")
    both = None if connect is None or pool is None else connect + pool
    return aiohttp.ClientTimeout(total=None, connect=both, sock_connect=connect, sock_read=seconds.get("read"))


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
