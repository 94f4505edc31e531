"""So many requests in so many seconds for each caller, and the headers that say how many are left.

Counted in this process: fixed windows on the wall clock, one dict each, dropped when the window ends.
"""

import math
from collections import Counter
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from voiceera import clock
from voiceera.api import envelope
from voiceera.api.uploads import Uploads
from voiceera.config import Settings
from voiceera.errors import TooMany
from voiceera.services.tokens import Tokens

EXEMPT = (
    *("/health", "/readiness", "/liveness", "/version", "/docs", "/redoc", "/openapi.json", "/carriers/"),
    "/console",  # files; what it asks for is counted like everybody's
)


class RateLimit:
    """A caller is the user that an access token of ours names (its session is checked later), else an address.

    An API key counts on its own once `remember_key` has seen it accepted; till then on its address, so that made-up
    keys gain nothing.
    """

    def __init__(self, app: ASGIApp, settings: Settings, tokens: Tokens, keys: "AcceptedKeys") -> None:
        self.app = app
        self.limit = settings.rate_limit_requests
        self.seconds = settings.rate_limit_seconds
        self.tokens = tokens
        self.keys = keys
        self.uploads = Uploads(settings.upload_bytes_per_minute)
        self._window = 0
        self._counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT):
            await self.app(scope, receive, send)
            return
        now = clock.utc_now().timestamp()
        caller = self._caller(scope)
        count = self._count(caller, now)
        reset = (self._window + 1) * self.seconds
        # The outermost layer puts them on: it answers where a bug keeps us from it.
        scope.setdefault("state", {})["rate_limit"] = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - count)),
            "X-RateLimit-Reset": str(math.ceil(reset)),
        }
        try:
            if count > self.limit:
                raise TooMany("Too many requests.", reset - now)
            receive = self.uploads.metered(scope, receive, caller)
        except TooMany as refused:
            await envelope.refusal(refused)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _count(self, caller: str, now: float) -> int:
        window = int(now // self.seconds)
        if window != self._window:
            self._window = window
            self._counts.clear()
        self._counts[caller] += 1
        return self._counts[caller]

    def _caller(self, scope: Scope) -> str:
        scheme, _, credential = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and credential:
            if self.keys.has(credential):
                return sha256(credential.encode()).hexdigest()
            claims = self.tokens.is_ours(credential)
            if claims is not None:
                return str(claims.user_id)
        client = scope.get("client")
        return client[0] if client else ""


class AcceptedKeys:
    """API keys that were lately accepted, by hash; bounded."""

    MOST = 10_000

    def __init__(self) -> None:
        self._hashes: dict[bytes, None] = {}

    def remember(self, key: str) -> None:
        self._hashes[sha256(key.encode()).digest()] = None
        if len(self._hashes) > self.MOST:
            del self._hashes[next(iter(self._hashes))]

    def has(self, key: str) -> bool:
        return sha256(key.encode()).digest() in self._hashes
