"""Plivo's V3 signature, as its voice callbacks and media sockets carry it.

HMAC-SHA256 under the account's auth token, base64, of the URL (its query sorted), the form's parameters sorted and
run together (POST only), a dot, and the nonce:
https://www.plivo.com/docs/voice/concepts/signature-validation
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

SIGNATURE = "X-Plivo-Signature-V3"
MAIN_ACCOUNT_SIGNATURE = "X-Plivo-Signature-Ma-V3"
NONCE = "X-Plivo-Signature-V3-Nonce"


def signed_headers(auth_token: str, method: str, url: str, form: Mapping[str, str] | None = None) -> dict[str, str]:
    """The three headers of one request. `form`: what a POST carries in its body, a GET in its query."""
    nonce = str(secrets.randbelow(10**20)).zfill(20)
    signature = sign(auth_token, method, url, form or {}, nonce)
    return {SIGNATURE: signature, MAIN_ACCOUNT_SIGNATURE: signature, NONCE: nonce}


def sign(auth_token: str, method: str, url: str, form: Mapping[str, str], nonce: str) -> str:
    message = f"{_signed_text(method, url, form)}.{nonce}"
    return base64.b64encode(hmac.digest(auth_token.encode(), message.encode(), hashlib.sha256)).decode()


def _signed_text(method: str, url: str, form: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path}"
    query = parse_qs(parts.query, keep_blank_values=True)
    if method == "GET":
        query |= {key: [value] for key, value in form.items()}
        return f"{base}?{_sorted_query(query)}" if query else base
    if not form:
        return f"{base}?{_sorted_query(query)}" if query else base
    dot = "." if query else ""
    return f"{base}?{_sorted_query(query)}{dot}" + "".join(key + form[key] for key in sorted(form))


def _sorted_query(query: Mapping[str, list[str]]) -> str:
    return "&".join(f"{key}={value}" for key in sorted(query) for value in sorted(query[key]))


def url_signed_headers(auth_token: str, url: str) -> dict[str, str]:
    """As Vobiz signs (https://docs.vobiz.ai/concepts/validating-callbacks): the URL alone, without its query."""
    nonce = str(secrets.randbelow(10**20)).zfill(20)
    parts = urlsplit(url)
    message = f"{parts.scheme}://{parts.netloc}{parts.path}.{nonce}"
    signature = base64.b64encode(hmac.digest(auth_token.encode(), message.encode(), hashlib.sha256)).decode()
    return {"X-Vobiz-Signature-V3": signature, "X-Vobiz-Signature-V3-Nonce": nonce}
