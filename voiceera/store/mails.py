"""Mail to be sent: a due row each. It says what to write to whom about what; secrets are made when it is sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid, func, select, update

from voiceera import ids
from voiceera.rules.mails import MailKind
from voiceera.store import jobs
from voiceera.store.base import Connection, metadata
from voiceera.store.jobs import DueRow

mails = Table(
    "mails",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("recipient", Text),
    Column("subject_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("problem", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

JOB = "mail"


@dataclass(frozen=True)
class Mail:
    """`subject_id`: the user, or the invitation, that it is about. `tries` counts the one under way."""

    organization_id: UUID
    id: UUID
    kind: MailKind
    recipient: str
    subject_id: UUID
    tries: int
    created_at: datetime


async def add(
    connection: Connection, organization_id: UUID, kind: MailKind, recipient: str, subject_id: UUID, now: datetime
) -> None:
    """Have a mail sent, if this transaction commits."""
    mail_id = ids.new_id()
    await connection.execute(
        mails.insert().values(
            organization_id=organization_id,
            id=mail_id,
            kind=kind,
            recipient=recipient,
            subject_id=subject_id,
            state="due",
            tries=0,
            due_at=now,
            created_at=now,
        )
    )
    await jobs.enqueue(connection, JOB, organization_id, mail_id, now)


async def claim(
    connection: Connection, organization_id: UUID, mail_id: UUID, now: datetime, until: datetime
) -> Mail | None:
    """The mail, for the one worker that may send it `until` then; None when it is not due."""
    row = (
        await connection.execute(
            update(mails)
            .where(
                mails.c.organization_id == organization_id,
                mails.c.id == mail_id,
                mails.c.state == "due",
                mails.c.due_at <= now,
            )
            .values(tries=mails.c.tries + 1, due_at=until)
            .returning(*(mails.c[name] for name in Mail.__dataclass_fields__))
        )
    ).one_or_none()
    return None if row is None else Mail(**{**row._mapping, "kind": MailKind(row.kind)})


async def put_off(connection: Connection, mail: Mail, until: datetime, problem: str) -> None:
    await connection.execute(
        update(mails)
        .where(mails.c.organization_id == mail.organization_id, mails.c.id == mail.id, mails.c.state == "due")
        .values(due_at=until, problem=problem)
    )
    await jobs.enqueue(connection, JOB, mail.organization_id, mail.id, until)


async def end(connection: Connection, mail: Mail, state: str, now: datetime, problem: str | None = None) -> None:
    """`state`: sent, failed (it cannot be), or dropped (there is nothing to say any more). The address goes."""
    await connection.execute(
        update(mails)
        .where(mails.c.organization_id == mail.organization_id, mails.c.id == mail.id)
        .values(state=state, recipient=None, problem=problem, ended_at=now)
    )


async def forget(connection: Connection, organization_id: UUID, subject_id: UUID, now: datetime) -> None:
    """Write nothing more about somebody."""
    await connection.execute(
        update(mails)
        .where(mails.c.organization_id == organization_id, mails.c.subject_id == subject_id, mails.c.state == "due")
        .values(state="dropped", recipient=None, ended_at=now)
    )


async def count_since(
    connection: Connection, organization_id: UUID, kind: MailKind, subject_id: UUID, since: datetime
) -> int:
    count = await connection.scalar(
        select(func.count())
        .select_from(mails)
        .where(
            mails.c.organization_id == organization_id,
            mails.c.subject_id == subject_id,
            mails.c.kind == kind,
            mails.c.created_at > since,
        )
    )
    return count or 0


async def due(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Of all organizations. Needs the platform's scope."""
    query = (
        select(mails.c.organization_id, mails.c.id, mails.c.due_at)
        .where(mails.c.state == "due", mails.c.due_at <= now)
        .order_by(mails.c.due_at)
        .limit(limit)
    )
    return [DueRow(*row) for row in await connection.execute(query)]
