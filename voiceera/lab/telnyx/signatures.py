"""Telnyx' signature of a callback: Ed25519 of "timestamp|body".

https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks. The lab's key pair is drawn
from its token: whoever knows that knows the public key, too.
"""

import base64
import hashlib
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _key(auth_token: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"telnyx:" + auth_token.encode()).digest())


def public_key(auth_token: str) -> str:
    """As the vendor's portal shows it: base64 of 32 bytes."""
    raw = _key(auth_token).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def signed_headers(auth_token: str, body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    signature = _key(auth_token).sign(timestamp.encode() + b"|" + body)
    return {
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        "telnyx-timestamp": timestamp,
    }
