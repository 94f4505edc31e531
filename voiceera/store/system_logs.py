"""The system's log: warnings and errors of every role, in daily partitions; shown together with the audit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.store.audit import audit
from voiceera.store.base import Connection, Database, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page

AUDIT = "audit"
"""The level, and the component, under which audit lines are shown."""
DAYS_AHEAD = 3

system_logs = sa.Table(
    "system_logs",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", TIMESTAMP(timezone=True), primary_key=True),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("process", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("user_id", sa.Uuid),
    sa.Column("organization_id", sa.Uuid),
    sa.Column("details", JSONB, nullable=False),
)


@dataclass(frozen=True)
class LogFilter:
    """What a line must be to be shown; None: anything. `search`: in its event, component or details."""

    level: str | None = None
    component: str | None = None
    role: str | None = None
    user_id: UUID | None = None
    request_id: str | None = None
    search: str | None = None
    span: Span = field(default_factory=Span)


async def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Needs the platform's scope."""
    await connection.execute(system_logs.insert(), list(rows))


async def find(connection: Connection, request: PageRequest, wanted: LogFilter) -> Page[sa.Row[Any]]:
    """Lines of the log and of the audit in one list. Needs the platform's scope."""
    lines = sa.union_all(_log_lines(wanted), _audit_lines(wanted)).subquery("lines")
    sortable = {"created_at": lines.c.created_at}
    return await page(connection, sa.select(lines), request, sortable, lines.c.id)


def _log_lines(wanted: LogFilter) -> sa.Select[Any]:
    c = system_logs.c
    pairs: dict[sa.ColumnElement[Any], Any] = {
        c.level: wanted.level,
        c.component: wanted.component,
        c.role: wanted.role,
        c.user_id: wanted.user_id,
        c.request_id: wanted.request_id,
    }
    text = (c.event, c.component, sa.cast(c.details, sa.Text))
    return sa.select(*c).where(*equal(pairs), *matching(wanted.search, *text), *wanted.span.of(c.created_at))


def _audit_lines(wanted: LogFilter) -> sa.Select[Any]:
    """The same columns; an audit line has no role, since what counts is who acted."""
    c = audit.c
    about = {"subject": c.subject, "subject_id": sa.cast(c.subject_id, sa.Text), "address": c.address}
    told = sa.func.jsonb_strip_nulls(sa.func.jsonb_build_object(*(part for pair in about.items() for part in pair)))
    pairs: dict[sa.ColumnElement[Any], Any] = {c.actor_id: wanted.user_id, c.request_id: wanted.request_id}
    is_wanted = wanted.level in (None, AUDIT) and wanted.component in (None, AUDIT) and wanted.role is None
    text = (c.action, sa.cast(c.details, sa.Text))
    return sa.select(
        c.id,
        c.at.label("created_at"),
        sa.literal(AUDIT, sa.Text).label("level"),
        sa.null().cast(sa.Text).label("role"),
        sa.null().cast(sa.Text).label("process"),
        sa.literal(AUDIT, sa.Text).label("component"),
        c.action.label("event"),
        c.request_id,
        c.actor_id.label("user_id"),
        c.organization_id,
        (told.op("||")(c.details)).label("details"),
    ).where(
        sa.true() if is_wanted else sa.false(),
        *equal(pairs),
        *matching(wanted.search, *text),
        *wanted.span.of(c.at),
    )


# ── partitions ───────────────────────────────────────────────────────────────────────────────────────────────────


async def keep_partitions(database: Database, now: datetime, keep_days: float) -> list[str]:
    """Make the coming days' partitions and drop those older than `keep_days`; answers the names dropped.

    Today's is left alone if it is missing: its lines lie in the default partition already.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    oldest = now - timedelta(days=keep_days)
    async with database.platform() as connection:
        # One at a time: two workers that start together would both find it missing.
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('voiceera.partitions'))"))
        there = await _days(connection)
        for day in (today + timedelta(days=ahead) for ahead in range(1, DAYS_AHEAD + 1)):
            if day not in there:
                for statement in _statements(day):
                    await connection.exec_driver_sql(statement)
        over = [_name(day) for day in there if day + timedelta(days=1) <= oldest]
        for name in over:
            await connection.exec_driver_sql(f"DROP TABLE {name}")
        await connection.execute(sa.delete(system_logs).where(system_logs.c.created_at < oldest))
    return over


async def _days(connection: Connection) -> set[datetime]:
    names = await connection.execute(
        sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'system_logs'::regclass")
    )
    dated = (name.removeprefix("system_logs_") for name in names.scalars() if not name.endswith("_default"))
    return {datetime.strptime(day, "%Y_%m_%d").replace(tzinfo=UTC) for day in dated}


def _name(day: datetime) -> str:
    return f"system_logs_{day:%Y_%m_%d}"


def _statements(day: datetime) -> tuple[str, ...]:
    """The partition, under the same row-level security as its parent for whoever asks it directly."""
    name, start, end = _name(day), day.isoformat(), (day + timedelta(days=1)).isoformat()
    platform = "current_setting('voiceera.platform', true) = 'on'"
    return (
        f"CREATE TABLE {name} PARTITION OF system_logs FOR VALUES FROM ('{start}') TO ('{end}')",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {name}_platform ON {name} USING ({platform})",
    )
