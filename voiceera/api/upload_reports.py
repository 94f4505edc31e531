"""Files that were uploaded: what became of each, and the rows of it that stayed out."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from voiceera.api.csv_answers import CSV, csv_answer
from voiceera.api.depends import Reading, Watching
from voiceera.api.envelope import listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Items, Shown, Success
from voiceera.errors import NotFound
from voiceera.rules.csv_cells import csv_lines
from voiceera.store import uploads
from voiceera.store.base import Database

routes = router("Campaigns")

_ROWS_AT_ONCE = 1000
Status = Literal["running", "done", "failed"]
Kind = Literal["contacts", "do_not_call"]


class UploadShown(Shown):
    """`columns`: title → what it was taken for. `error`: why it was not read to its end."""

    id: UUID
    kind: Kind
    campaign_id: UUID | None
    file_name: str
    dry_run: bool
    status: Status
    columns: dict[str, str]
    rows: int
    added: int
    duplicates: int
    rejected: int
    error: str | None
    created_by: UUID | None
    created_at: Instant
    finished_at: Instant | None


class UploadsQuery(DatedQuery):
    status: Status | None = None
    kind: Kind | None = None
    campaign_id: UUID | None = None


def no_upload() -> NotFound:
    return NotFound("UPLOAD_001", "No such upload.")


@routes.get("/uploads")
async def list_uploads(work: Reading, query: Annotated[UploadsQuery, Query()]) -> Success[Items[UploadShown]]:
    """Files of contacts and of do-not-call numbers; `search` matches file names."""
    found = await uploads.find(
        work.connection,
        work.organization_id,
        query.page(),
        status=query.status,
        kind=query.kind,
        campaign_id=query.campaign_id,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(UploadShown.model_validate))


@routes.get("/uploads/{upload_id}")
async def get_upload(work: Reading, upload_id: UUID) -> Success[UploadShown]:
    """One file: how many of its rows went in."""
    found = await uploads.get(work.connection, work.organization_id, upload_id)
    if found is None:
        raise no_upload()
    return success(UploadShown.model_validate(found))


@routes.get("/uploads/{upload_id}/errors", response_class=Response, responses=CSV)
async def download_upload_errors(watch: Watching, upload_id: UUID) -> Response:
    """Every row that stayed out, as a CSV file: row, column, value, code, message."""
    async with watch.scope() as connection:
        if await uploads.get(connection, watch.organization_id, upload_id) is None:
            raise no_upload()
    lines = _lines(watch.backend.database, watch.organization_id, upload_id)
    return csv_answer(lines, "errors")


async def _lines(database: Database, organization_id: UUID, upload_id: UUID) -> AsyncIterator[str]:
    yield csv_lines([("row", "column", "value", "code", "message")])
    after = -1
    while True:
        async with database.organization(organization_id) as connection:
            rows = await uploads.errors(connection, organization_id, upload_id, after=after, limit=_ROWS_AT_ONCE)
        yield csv_lines((row.row, row.column, row.value, row.code, row.message) for row in rows)
        if len(rows) < _ROWS_AT_ONCE:
            return
        after += len(rows)
