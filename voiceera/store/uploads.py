"""Contact files that were uploaded, and the rows of them that were refused."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.rules.contact_rows import RowProblem
from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("campaign_id", _ID),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("columns", JSONB, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("added", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_by", _ID),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("finished_at", _WHEN),
)

upload_errors = sa.Table(
    "upload_errors",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("upload_id", _ID, primary_key=True),
    sa.Column("index", sa.BigInteger, primary_key=True),
    sa.Column("row", sa.BigInteger, nullable=False),
    sa.Column("column", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)


async def add(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID | None,
    now: datetime,
    *,
    id: UUID,
    kind: str,
    file_name: str,
    dry_run: bool,
    created_by: UUID | None,
) -> None:
    keys = {"organization_id": organization_id, "campaign_id": campaign_id, "id": id, "created_by": created_by}
    name = file_name[:255].replace("\0", "")
    begun = {"kind": kind, "file_name": name, "dry_run": dry_run, "status": "running", "created_at": now}
    counters = {"rows": 0, "added": 0, "duplicates": 0, "rejected": 0}
    await connection.execute(sa.insert(uploads).values(columns={}, **keys, **begun, **counters))


async def add_errors(
    connection: Connection, organization_id: UUID, upload_id: UUID, after: int, problems: Sequence[RowProblem]
) -> None:
    """`after`: how many the upload has already."""
    if problems:
        keys = {"organization_id": organization_id, "upload_id": upload_id}
        rows = [asdict(problem) | keys | {"index": after + place} for place, problem in enumerate(problems)]
        await connection.execute(sa.insert(upload_errors), rows)


async def finish(connection: Connection, organization_id: UUID, upload_id: UUID, **values: Any) -> None:
    is_upload = (uploads.c.organization_id == organization_id) & (uploads.c.id == upload_id)
    await connection.execute(sa.update(uploads).where(is_upload).values(**values))


async def get(connection: Connection, organization_id: UUID, upload_id: UUID) -> sa.Row[Any] | None:
    is_upload = (uploads.c.organization_id == organization_id) & (uploads.c.id == upload_id)
    return (await connection.execute(sa.select(uploads).where(is_upload))).one_or_none()


SORTABLE: dict[str, sa.ColumnElement[Any]] = {
    name: uploads.c[name] for name in ("created_at", "file_name", "status", "rows", "rejected")
}


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    status: str | None = None,
    kind: str | None = None,
    campaign_id: UUID | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[sa.Row[Any]]:
    """`search` matches file names."""
    u = uploads.c
    query = sa.select(uploads).where(
        u.organization_id == organization_id,
        *equal({u.status: status, u.kind: kind}),
        *equal({u.campaign_id: campaign_id}),
        *matching(search, u.file_name),
        *span.of(u.created_at),
    )
    return await page(connection, query, request, SORTABLE, u.id)


async def errors(
    connection: Connection, organization_id: UUID, upload_id: UUID, *, after: int = -1, limit: int = 1000
) -> list[RowProblem]:
    """The refused rows in the file's order, `limit` of them past the index `after` (the first is 0)."""
    e = upload_errors.c
    statement = (
        sa.select(e.row, e.column, e.value, e.code, e.message)
        .where(e.organization_id == organization_id, e.upload_id == upload_id, e.index > after)
        .order_by(e.index)
        .limit(limit)
    )
    return [RowProblem(*row) for row in await connection.execute(statement)]
