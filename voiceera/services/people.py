"""Changing, removing, activating and deactivating people; the last who can act is kept.

Each function is one operation on an open transaction with the platform's scope; the caller commits.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from voiceera.errors import Conflict, NotFound
from voiceera.rules.mails import MailKind
from voiceera.rules.people import HEADS, Person, check_change, check_removal, leaves
from voiceera.rules.permissions import Role
from voiceera.services import campaigns as campaign_service
from voiceera.services.password_resets import password_changed
from voiceera.store import api_keys, campaigns, mails, organizations, password_resets, sessions, users
from voiceera.store.base import Connection
from voiceera.store.users import User


def no_user() -> NotFound:
    return NotFound("USER_001", "No such user.")


async def change(
    connection: Connection,
    actor: User,
    before: User,
    fields: Mapping[str, Any],
    now: datetime,
    *,
    password_hash: str | None = None,
    session_id: UUID | None = None,
) -> User:
    """Change the fields that differ. Another password ends the sessions but `session_id`. Raises Forbidden, Conflict
    for an address that is taken and for the last owner or administrator, NotFound when it was deleted meanwhile."""
    organization_id = before.organization_id
    subject = await _held(connection, organization_id, before.id)
    changed = {name: value for name, value in fields.items() if getattr(subject, name) != value}
    after = replace(subject, **changed)
    check_change(_person(actor), _person(subject), changed, Role(after.role), password=password_hash is not None)
    await _keep_the_last(connection, subject, after)
    if "email" in changed:
        await users.free_address(connection, subject.id)
        await users.take_address(connection, organization_id, subject.id, after.email)
        await password_resets.forget(connection, organization_id, subject.id)
        await mails.add(connection, organization_id, MailKind.ADDRESS_CHANGED, subject.email, subject.id, now)
    if password_hash is not None:
        changed["password_hash"] = password_hash
        await password_changed(connection, after, now)
        await sessions.end_all(connection, organization_id, subject.id, "another password", now, but=session_id)
    if not after.is_active:
        await sessions.end_all(connection, organization_id, subject.id, "deactivated", now)
    if changed:
        await users.change(connection, organization_id, subject.id, now, **changed)
    return after


async def remove(connection: Connection, actor: User, before: User, now: datetime) -> None:
    """Remove the person and keep the rows that they made. Raises Forbidden, Conflict, NotFound."""
    organization_id = before.organization_id
    subject = await _held(connection, organization_id, before.id)
    check_removal(_person(actor), _person(subject))
    await _keep_the_last(connection, subject, None)
    await sessions.end_all(connection, organization_id, subject.id, "deleted", now)
    await sessions.forget(connection, organization_id, subject.id)
    await password_resets.forget(connection, organization_id, subject.id)
    await mails.forget(connection, organization_id, subject.id, now)
    await api_keys.revoke_all(connection, organization_id, subject.id, now)
    await users.forget(connection, organization_id, subject.id, now)


async def activate(connection: Connection, before: User, now: datetime) -> User:
    subject = await _held(connection, before.organization_id, before.id)
    await users.change(connection, subject.organization_id, subject.id, now, is_active=True)
    return replace(subject, is_active=True)


async def deactivate(
    connection: Connection, before: User, now: datetime, *, actor_id: UUID
) -> tuple[User, list[UUID]]:
    """Lock somebody out at once, an organization's last owner too: then nobody can answer for what it dials, and its
    campaigns are paused. The user and those campaigns. Raises Conflict for the last administrator."""
    organization_id = before.organization_id
    subject = await _held(connection, organization_id, before.id)
    after = replace(subject, is_active=False)
    await organizations.lock(connection, organization_id)
    await _keep_an_administrator(connection, subject, after)
    await users.change(connection, organization_id, subject.id, now, is_active=False)
    await sessions.end_all(connection, organization_id, subject.id, "deactivated", now)
    if await users.count_active(connection, organization_id, HEADS):
        return after, []
    paused = await campaigns.dialling(connection, organization_id)
    for campaign_id in paused:
        await campaign_service.pause(connection, organization_id, campaign_id, now, actor_id=actor_id)
    return after, paused


async def _held(connection: Connection, organization_id: UUID, user_id: UUID) -> User:
    """The user as it is now, locked. Locks are taken in this order: user, organization, administrators."""
    user = await users.get(connection, organization_id, user_id, lock=True)
    if user is None:
        raise no_user()
    return user


async def _keep_the_last(connection: Connection, before: User, after: User | None) -> None:
    if _leaves(HEADS, before, after):
        await organizations.lock(connection, before.organization_id)
        if await users.count_active(connection, before.organization_id, HEADS) == 1:
            raise Conflict(
                "USER_002", "The organization's last owner has to stay.", "make somebody else an owner first"
            )
    await _keep_an_administrator(connection, before, after)


async def _keep_an_administrator(connection: Connection, before: User, after: User | None) -> None:
    if _leaves({Role.ADMIN}, before, after):
        await users.lock_administrators(connection)
        if await users.count_administrators(connection) == 1:
            raise Conflict(
                "USER_002", "The platform's last administrator has to stay.", "make somebody else one first"
            )


def _leaves(roles: Collection[Role], before: User, after: User | None) -> bool:
    return leaves(roles, _person(before), None if after is None else _person(after))


def _person(user: User) -> Person:
    return Person(user.id, Role(user.role), user.is_active)
