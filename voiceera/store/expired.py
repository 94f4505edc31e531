"""What sign-in, mail, invitations and carriers leave behind, and for how long it is kept."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, tuple_

from voiceera.store.base import Connection
from voiceera.store.carrier_requests import carrier_requests
from voiceera.store.invitations import invitations
from voiceera.store.mails import mails
from voiceera.store.password_resets import reset_requests, reset_tokens
from voiceera.store.sessions import refresh_tokens, sessions

_DAY = timedelta(days=1)

OLD: dict[Table, Callable[[datetime], ColumnElement[bool]]] = {
    reset_tokens: lambda now: reset_tokens.c.expires_at < now,
    # Nobody waits for a mail that long: they have asked again.
    reset_requests: lambda now: reset_requests.c.created_at < now - _DAY,
    mails: lambda now: mails.c.ended_at < now - 30 * _DAY,
    invitations: lambda now: or_(
        invitations.c.ended_at < now - 30 * _DAY, invitations.c.expires_at < now - 30 * _DAY
    ),
    # Longer than any call lives, and one that is over changes no more.
    carrier_requests: lambda now: carrier_requests.c.seen_at < now - _DAY,
    # A used one is kept until then: using it again has to be noticed.
    refresh_tokens: lambda now: refresh_tokens.c.expires_at < now,
    sessions: lambda now: func.coalesce(sessions.c.ended_at, sessions.c.expires_at) < now - 90 * _DAY,
}
"""Table → which of its rows nobody needs any more."""


async def forget(connection: Connection, table: Table, now: datetime, limit: int) -> int:
    """Delete at most so many old rows of all organizations; how many there were. Needs the platform's scope."""
    key = tuple_(*table.primary_key.columns)
    old = select(*table.primary_key.columns).where(OLD[table](now)).limit(limit)
    return (await connection.execute(delete(table).where(key.in_(old)))).rowcount
