"""Access tokens: JWTs (RFC 7519) of 15 minutes, checked against their session at every request.

Algorithm, issuer, audience and type are pinned: nothing in a token says how it is to be checked (RFC 8725).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import jwt

from voiceera.config import Settings
from voiceera.errors import Unauthenticated
from voiceera.store.vault import Vault

_ALGORITHM = "HS256"
_ISSUER = "voiceera"
_AUDIENCE = "voiceera-api"
_TYPE = "access"
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Claims:
    organization_id: UUID
    user_id: UUID
    session_id: UUID


class Tokens:
    def __init__(self, vault: Vault, settings: Settings) -> None:
        self._key = vault.derive("access tokens")
        self.lifetime = timedelta(minutes=settings.access_token_minutes)
        # A request asks three times, and the next one again: what a token says never changes, nor its signature.
        self._decode = lru_cache(_REMEMBERED)(self._decode_anew)

    def issue(self, claims: Claims, now: datetime) -> str:
        payload = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "typ": _TYPE,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "sub": str(claims.user_id),
            "org": str(claims.organization_id),
            "sid": str(claims.session_id),
        }
        return jwt.encode(payload, self._key, algorithm=_ALGORITHM)

    def read(self, token: str, now: datetime) -> Claims:
        """Raises Unauthenticated: AUTH_002 for one that has expired, AUTH_003 for anything that is not ours."""
        claims, expires_at = self._decode(token)
        if now.timestamp() >= expires_at:
            raise Unauthenticated("AUTH_002", "The access token has expired.")
        return claims

    def is_ours(self, token: str) -> Claims | None:
        """Whose it is, expired or not; None for one that we did not sign. Says nothing of the session."""
        try:
            return self._decode(token)[0]
        except Unauthenticated:
            return None

    def _decode_anew(self, token: str) -> tuple[Claims, float]:
        try:
            payload = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "strict_aud": True,
                },
            )
            # `type`: a bool is an int, and NaN would never come.
            if (
                type(payload["exp"]) is not int
                or payload.get("typ") != _TYPE
                or "crit" in jwt.get_unverified_header(token)
            ):
                raise ValueError
            claims = Claims(
                organization_id=UUID(payload["org"]),
                user_id=UUID(payload["sub"]),
                session_id=UUID(payload["sid"]),
            )
            return claims, float(payload["exp"])
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError, AttributeError):
            raise Unauthenticated("AUTH_003", "The access token is not valid.") from None
