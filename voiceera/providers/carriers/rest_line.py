"""What all carriers' REST adapters do alike: ask over one connection pool, and take each answer for what it proves.

A dial that was sent and not answered may be ringing: whatever does not prove that nothing rings is UNKNOWN.
"""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed, TargetRefused, outbound_client
from voiceera.providers.protocols import DialAnswer, Placed

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
TOTAL_SECONDS = 15.0


class RestLine:
    """One account at one vendor."""

    def __init__(self, vendor: str, base_url: str, allow: tuple[Allowed, ...], **sign_in: Any) -> None:
        """`sign_in`: httpx's `auth` or `headers`."""
        self.vendor = vendor
        base = base_url.rstrip("/") + "/"
        self._client = outbound_client(allow, timeout=TIMEOUT, total_seconds=TOTAL_SECONDS, base_url=base, **sign_in)

    async def dial(self, path: str, read: Callable[[httpx.Response], DialAnswer], **body: Any) -> DialAnswer:
        """`body`: httpx's `json` or `data`. `read` makes of a response what it proves."""
        try:
            response = await self._client.post(path, **body)
        except TargetRefused as refused:
            return DialAnswer(Placed.REFUSED, permanent=True, reason=refused.message, fault=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            # Nothing was sent: nothing can ring.
            return DialAnswer(Placed.BUSY_NOW, reason=f"not connected: {type(error).__name__}", fault=True)
        except httpx.HTTPError as error:
            return DialAnswer(Placed.UNKNOWN, reason=f"no answer: {type(error).__name__}", fault=True)
        return read(response)

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Raises ProviderError when there is no answer."""
        try:
            return await self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ProviderError(self.vendor, f"no answer: {type(error).__name__}") from error

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A JSON object. Raises ProviderError for anything else."""
        response = await self.ask("GET", path, params=query)
        if response.status_code != 200:
            raise self.failed(response)
        try:
            shown = response.json()
        except ValueError as error:
            raise ProviderError(self.vendor, "answered no JSON") from error
        return shown if isinstance(shown, dict) else {}

    async def tell(self, path: str, *, already_over: bool = False, **request: Any) -> None:
        """A POST that must be taken; `already_over`: a call that is not there any more is as good."""
        response = await self.ask("POST", path, **request)
        if not (200 <= response.status_code < 300 or (already_over and response.status_code == 404)):
            raise self.failed(response)

    def failed(self, response: httpx.Response) -> ProviderError:
        permanent = response.status_code in (401, 403)
        said = response.text.strip()[:300] or None
        return ProviderError(self.vendor, f"answered {response.status_code}", permanent=permanent, details=said)

    async def close(self) -> None:
        await self._client.aclose()


def dial_answer(
    response: httpx.Response, *, call_id: Any, reason: str, is_bad_number: Callable[[], bool]
) -> DialAnswer:
    """By the status, which all vendors use alike; `call_id`: the vendor's name for the call, if it gave one."""
    status = response.status_code
    reason = reason[:200]
    if 200 <= status < 300:
        if isinstance(call_id, str) and call_id:
            return DialAnswer(Placed.ACCEPTED, carrier_call_id=call_id, reason=reason)
        return DialAnswer(Placed.UNKNOWN, reason=f"answered {status} without a name for the call")
    if status in (429, 503):
        return DialAnswer(Placed.BUSY_NOW, retry_after_seconds=_retry_after(response), reason=reason)
    if 300 <= status < 500 and status != 408:
        bad_number = status in (400, 404, 422) and is_bad_number()
        may_not = status in (401, 403)
        return DialAnswer(Placed.REFUSED, invalid_number=bad_number, permanent=True, reason=reason, fault=may_not)
    return DialAnswer(Placed.UNKNOWN, reason=reason, fault=True)


def body_of(response: httpx.Response) -> dict[str, Any]:
    """Its JSON object, or an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), 3600.0) if text.isdigit() else None
