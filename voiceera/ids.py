"""Time-ordered ids (UUIDv7, RFC 9562) and unguessable secrets."""

import secrets
import uuid
from datetime import datetime

import uuid_utils


def new_id() -> uuid.UUID:
    """A UUIDv7: its first 48 bits are the Unix time in milliseconds, so ids sort by creation."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def lowest_id_at(instant: datetime) -> uuid.UUID:
    """The smallest UUIDv7 that could have been made at `instant`: the bound for a range of time over ids."""
    milliseconds = int(instant.timestamp() * 1000)
    return uuid.UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62))


def new_secret(bytes_of_entropy: int = 32) -> str:
    """A URL-safe random string."""
    return secrets.token_urlsafe(bytes_of_entropy)
