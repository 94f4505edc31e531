"""One vendor's HTTP API, for those that need no library: every way in which it fails is a ProviderError.

What the vendor says goes into `details` at most, never into a message: it may quote speech, or a key.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused, outbound_client

KEEP_SECONDS = 120.0
"""Longer than turns lie apart: none shall wait for a new TLS handshake."""
_TIMEOUT = httpx.Timeout(15.0, connect=3.0)
PERMANENT = frozenset({400, 401, 402, 403, 404, 422})
_LARGEST = 20_000_000
"""Bytes: three minutes of 16-bit sound at 48 kHz."""


class VendorHttp:
    """`base_url` is a user's: it goes through the transport that reaches no inside address."""

    def __init__(
        self,
        vendor: str,
        base_url: str,
        headers: Mapping[str, str],
        allow: tuple[Allowed, ...],
        total_seconds: float = 30,
    ) -> None:
        self._vendor = vendor
        self._client = outbound_client(
            allow,
            timeout=_TIMEOUT,
            total_seconds=total_seconds,
            maximum_bytes=_LARGEST,
            keep_seconds=KEEP_SECONDS,
            base_url=base_url.rstrip("/") + "/",
            headers=dict(headers),
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON that comes back."""
        return await self._answered("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._answered("POST", path, json=body)

    async def upload(self, path: str, fields: Mapping[str, str], wav: bytes) -> Any:
        """As multipart/form-data, the sound in the field `file`."""
        files = {"file": ("speech.wav", wav, "audio/wav")}
        return await self._answered("POST", path, data=dict(fields), files=files)

    async def sound(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, str] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer as they come; one that is text or JSON is no sound."""
        with self._failures():
            async with self._client.stream("POST", path, json=body, params=query) as response:
                self._check(response)
                kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if kind.startswith("text/") or kind == "application/json":
                    raise ProviderError(self._vendor, f"sent {kind} instead of sound")
                async for piece in response.aiter_bytes():
                    yield piece

    async def lines(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
        """What each line of an answer in JSON lines says, as it comes."""
        with self._failures():
            async with self._client.stream("POST", path, json=body) as response:
                self._check(response)
                async for line in response.aiter_lines():
                    if not line.strip():
                        continue
                    try:
                        said = json.loads(line)
                    except ValueError:
                        raise ProviderError(self._vendor, "answered no JSON") from None
                    yield said

    async def close(self) -> None:
        await self._client.aclose()

    async def _answered(self, method: str, path: str, **sent: Any) -> Any:
        with self._failures():
            response = await self._client.request(method, path, **sent)
            self._check(response)
            try:
                return response.json()
            except ValueError:
                raise ProviderError(self._vendor, "answered no JSON") from None

    def _check(self, response: httpx.Response) -> None:
        if not response.is_success:
            status = response.status_code
            raise ProviderError(self._vendor, f"answered {status}", permanent=status in PERMANENT)

    def _failures(self) -> "_Failures":
        return _Failures(self._vendor)


class _Failures:
    """Turns what HTTP raises into ProviderError."""

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, TargetRefused):
            raise ProviderError(self._vendor, error.message, permanent=True) from None
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
            raise ProviderError(self._vendor, f"no usable answer: {type(error).__name__}") from error
