"""Who comes with a bearer token: an access token of a session, or an API key."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.errors import Unauthenticated
from voiceera.services.accounts import organization_of_token
from voiceera.services.tokens import Tokens
from voiceera.store import api_keys, sessions
from voiceera.store.base import Connection
from voiceera.store.users import User


@dataclass(frozen=True)
class Bearer:
    """`session_id` is None for one with an API key."""

    user: User
    session_id: UUID | None
    read_only: bool = False


def is_api_key(credential: str) -> bool:
    return credential.startswith(api_keys.PREFIX)


def organization_of(tokens: Tokens, credential: str, now: datetime) -> UUID:
    """Whose rows it is about, by what the credential says of itself; `bearer_of` then asks the database.

    Raises Unauthenticated.
    """
    if not is_api_key(credential):
        return tokens.read(credential, now).organization_id
    organization_id = organization_of_token(credential.removeprefix(api_keys.PREFIX))
    if organization_id is None:
        raise _bad_key()
    return organization_id


async def bearer_of(connection: Connection, tokens: Tokens, credential: str, now: datetime) -> Bearer:
    """Raises Unauthenticated."""
    if is_api_key(credential):
        return await _with_key(connection, credential, now)
    claims = tokens.read(credential, now)
    user = await sessions.live_user(connection, claims.organization_id, claims.session_id, now)
    if user is None or user.id != claims.user_id:
        raise Unauthenticated("AUTH_003", "The session has ended.")
    return Bearer(user, claims.session_id)


async def _with_key(connection: Connection, key: str, now: datetime) -> Bearer:
    organization_id = organization_of_token(key.removeprefix(api_keys.PREFIX))
    accepted = None if organization_id is None else await api_keys.accept(connection, organization_id, key, now)
    if accepted is None:
        raise _bad_key()
    await api_keys.note_use(connection, accepted.user.organization_id, accepted.id, now)
    return Bearer(accepted.user, None, read_only=accepted.scope == "read")


def _bad_key() -> Unauthenticated:
    return Unauthenticated("AUTH_003", "The API key is not valid.")
