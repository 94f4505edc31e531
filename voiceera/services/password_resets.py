"""A forgotten password: asked for, mailed, changed.

What a request costs says nothing of whether the address is known: it is written down alike for everybody, and only a
worker looks it up.
"""

from datetime import datetime, timedelta

from voiceera.errors import Unauthenticated
from voiceera.rules.mails import MOST_RESETS_AN_HOUR, MailKind
from voiceera.services.accounts import Accounts, Origin, note_of_user, organization_of_token
from voiceera.store import mails, password_resets, sessions, users
from voiceera.store.base import Connection, Database
from voiceera.store.jobs import DueRow
from voiceera.store.password_resets import ResetRequest
from voiceera.store.users import User


async def ask(accounts: Accounts, email: str, origin: Origin, now: datetime) -> None:
    """Have a link mailed, if the address is somebody's. Raises TooMany."""
    await accounts.throttle("forgot", email, origin, now)
    async with accounts.database.platform() as connection:
        await password_resets.ask(connection, ResetRequest(email, origin.address, origin.request_id), now)


async def look_up(database: Database, row: DueRow, now: datetime) -> None:
    """Turn a request into a mail; into nothing for an address that is nobody's, or was written to often enough."""
    async with database.platform() as connection:
        request = await password_resets.take(connection, row.row_id)
        found = None if request is None else await users.find_login(connection, request.email)
        if request is None or found is None or not found.user.is_active:
            return
        user = found.user
        about = (user.organization_id, MailKind.PASSWORD_RESET)
        if await mails.count_since(connection, *about, user.id, now - timedelta(hours=1)) >= MOST_RESETS_AN_HOUR:
            return
        await mails.add(connection, *about, user.email, user.id, now)
        await note_of_user(
            connection, user, "password_reset_asked", Origin(request.address, None, request.request_id), now
        )


async def reset(accounts: Accounts, token: str, password: str, origin: Origin, now: datetime) -> None:
    """Set the password and end every session: for the one request that gets to use the token. Raises Unauthenticated,
    TooMany."""
    await accounts.throttle("reset", token, origin, now)
    organization_id = organization_of_token(token)
    if organization_id is None:
        raise _refused()
    async with accounts.database.organization(organization_id) as connection:
        if not await password_resets.is_good(connection, organization_id, token, now):
            raise _refused()
    password_hash = await accounts.passwords.hash(password)
    async with accounts.database.organization(organization_id) as connection:
        user_id = await password_resets.use_token(connection, organization_id, token, now)
        user = None if user_id is None else await users.get(connection, organization_id, user_id, lock=True)
        if user is None or not user.is_active:
            raise _refused()
        await users.change(connection, organization_id, user.id, now, password_hash=password_hash)
        await sessions.end_all(connection, organization_id, user.id, "password reset", now)
        await password_changed(connection, user, now)
        await note_of_user(connection, user, "password_reset", origin, now)


async def password_changed(connection: Connection, user: User, now: datetime) -> None:
    """Links under way are void, and the person is told."""
    await password_resets.forget(connection, user.organization_id, user.id)
    await mails.add(connection, user.organization_id, MailKind.PASSWORD_CHANGED, user.email, user.id, now)


def _refused() -> Unauthenticated:
    return Unauthenticated("AUTH_003", "The link is not valid any more: ask for a new one.")
