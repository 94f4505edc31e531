"""How much a caller may upload: so many bytes a minute on average, counted in this process.

A file is let in while the caller has anything left, and counts in full as it comes: one that is larger than a
minute's share leaves a debt that later minutes pay off before the next may begin. So a list of a million contacts
goes in at once, and nobody can go on like that.
"""

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from voiceera import clock
from voiceera.errors import TooMany

_MOST_CALLERS = 10_000


class Uploads:
    def __init__(self, bytes_per_minute: int) -> None:
        self._share = bytes_per_minute
        self._left: dict[str, tuple[float, float]] = {}
        """Bytes left (a debt is negative), and when that was so."""

    def metered(self, scope: Scope, receive: Receive, caller: str) -> Receive:
        """`receive`, which counts the bytes of a file on its way in. Raises TooMany for a caller who is in debt."""
        if not Headers(scope=scope).get("content-type", "").startswith("multipart/"):
            return receive
        left = self._left_of(caller)
        if left <= 0:
            raise TooMany("Too much was uploaded.", (1 - left) * 60 / self._share)

        async def counted() -> Message:
            message = await receive()
            self._take(caller, len(message.get("body", b"")))
            return message

        return counted

    def _left_of(self, caller: str) -> float:
        left, then = self._left.get(caller, (self._share, 0.0))
        return min(self._share, left + (clock.monotonic() - then) * self._share / 60)

    def _take(self, caller: str, size: int) -> None:
        left = self._left_of(caller) - size
        self._left.pop(caller, None)  # whoever uploads goes to the end
        self._left[caller] = (left, clock.monotonic())
        if len(self._left) > _MOST_CALLERS:
            del self._left[next(iter(self._left))]
