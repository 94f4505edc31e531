"""Sending one webhook: a POST to a URL that a user gave, and the beginning of what came back."""

from dataclasses import dataclass
from types import TracebackType

import httpx

import voiceera
from voiceera.clock import monotonic
from voiceera.providers.outbound import Allowed, OutboundTransport, TargetRefused

TIMEOUT_SECONDS = 15.0
EXCERPT_BYTES = 1_000
_CONNECTIONS = 300


@dataclass(frozen=True)
class Reply:
    """`status_code` None: no answer, and `error` says why. An `error` beside a status: the answer never ended."""

    status_code: int | None
    latency_ms: float
    excerpt: str
    error: str | None
    retry_after: str | None = None


class WebhookSender:
    """No cookies, no redirects, no credentials: a request and its answer. Use as an async context manager."""

    def __init__(self, allow: tuple[Allowed, ...], *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """`timeout_seconds`: for everything, from the name's resolution to the answer's first kilobyte."""
        self._timeout_seconds = timeout_seconds
        self._transport = OutboundTransport(
            allow, total_seconds=timeout_seconds, connections=_CONNECTIONS, any_encoding=True
        )

    async def __aenter__(self) -> "WebhookSender":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.aclose()

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Never raises for what the far end does."""
        started = monotonic()
        status: int | None = None
        excerpt, wait = "", None
        error: str | None = None
        own = {"Content-Type": "application/json", "User-Agent": f"VoiceERA/{voiceera.__version__}"}
        try:
            response = await self._transport.handle_async_request(
                httpx.Request("POST", url, headers=own | headers, content=body)
            )
            status, wait = response.status_code, response.headers.get("Retry-After")
            try:
                excerpt = await _beginning(response)
            finally:
                await response.aclose()
        except TargetRefused as refused:
            error = refused.message
        except httpx.TimeoutException:
            error = f"no whole answer within {self._timeout_seconds:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            error = f"{type(problem).__name__}: {problem}"[:300]
        return Reply(status, round((monotonic() - started) * 1000, 1), excerpt, error, wait)


async def _beginning(response: httpx.Response) -> str:
    """As much of the body as is kept; the rest is never read."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return ""
    taken = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for piece in response.stream:
        taken += piece
        if len(taken) >= EXCERPT_BYTES:
            break
    return bytes(taken[:EXCERPT_BYTES]).decode(errors="replace").replace("\0", "�")
