"""Inviting people into an organization, and letting them in."""

from datetime import datetime, timedelta
from uuid import UUID

from voiceera import ids
from voiceera.errors import Conflict, Unauthenticated
from voiceera.rules.mails import MailKind
from voiceera.services.accounts import Accounts, Origin, organization_of_token
from voiceera.store import audit, invitations, mails, users
from voiceera.store.base import Connection
from voiceera.store.invitations import Invitation
from voiceera.store.users import User


async def invite(
    connection: Connection, organization_id: UUID, email: str, role: str, by: UUID, now: datetime, lifetime: timedelta
) -> Invitation:
    """Have an invitation mailed; an earlier one for the address ends. What is answered says nothing of whether other
    organizations know the address. Raises Conflict for a colleague's."""
    if await users.has_address(connection, organization_id, email):
        raise Conflict("USER_002", "Somebody in your organization has this e-mail address.")
    invitation = Invitation(organization_id, ids.new_id(), email, role, by, now, now + lifetime)
    await invitations.add(connection, invitation)
    await mails.add(connection, organization_id, MailKind.INVITATION, email, invitation.id, now)
    return invitation


async def accept(
    accounts: Accounts,
    token: str,
    *,
    password: str,
    first_name: str,
    last_name: str,
    origin: Origin,
    now: datetime,
) -> User:
    """The new colleague: for the one request that gets to use the token. Raises Unauthenticated, TooMany, and
    Conflict for an address that has become somebody's."""
    await accounts.throttle("accept", token, origin, now)
    organization_id = organization_of_token(token)
    if organization_id is None:
        raise _refused()
    async with accounts.database.organization(organization_id) as connection:
        invitation = await invitations.by_token(connection, organization_id, token, now)
    if invitation is None:
        raise _refused()
    password_hash = await accounts.passwords.hash(password)
    user = User(
        id=ids.new_id(),
        organization_id=organization_id,
        email=invitation.email,
        first_name=first_name,
        last_name=last_name,
        role=invitation.role,
        is_active=True,
        created_at=now,
        last_login_at=None,
    )
    async with accounts.database.platform() as connection:
        if not await invitations.end(connection, organization_id, invitation.id, now, user_id=user.id):
            raise _refused()
        await users.add(connection, user, password_hash)
        await audit.write(
            connection,
            organization_id,
            "invitation.accepted",
            now,
            actor_id=user.id,
            subject="user",
            subject_id=user.id,
            address=origin.address,
            request_id=origin.request_id,
        )
    return user


def _refused() -> Unauthenticated:
    return Unauthenticated("AUTH_003", "The invitation is not valid any more: ask for a new one.")
