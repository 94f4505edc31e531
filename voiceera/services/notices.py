"""Telling those who answer for an organization by mail."""

from datetime import datetime
from uuid import UUID

from voiceera.rules.mails import MailKind
from voiceera.rules.people import HEADS
from voiceera.store import mails, users
from voiceera.store.base import Connection


async def tell_owners(
    connection: Connection, organization_id: UUID, kind: MailKind, subject_id: UUID, now: datetime
) -> None:
    """A mail to each active owner about `subject_id`, if this transaction commits."""
    for user in await users.active_of(connection, organization_id, HEADS):
        await mails.add(connection, organization_id, kind, user.email, subject_id, now)
