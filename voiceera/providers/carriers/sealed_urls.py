"""Callback URLs that nobody but us can have made, for carriers that do not sign the URL they call.

A seal is an HMAC-SHA256 of the URL's path under a secret of the account, in the query: who asks at a sealed URL was
told it, by us or by the operator.
"""

import hmac
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

SEAL = "seal"


def seal(url: str, secret: str) -> str:
    """The URL with its seal as its last parameter."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{SEAL}={_seal_of(url, secret)}"


def is_sealed(url: str, secret: str) -> bool:
    given = dict(parse_qsl(urlsplit(url).query)).get(SEAL, "")
    return bool(secret) and hmac.compare_digest(given.encode(), _seal_of(url, secret).encode())


def _seal_of(url: str, secret: str) -> str:
    return hmac.digest(secret.encode(), b"callback:" + urlsplit(url).path.encode(), sha256).hex()[:40]
