"""Do-not-call lists as files: read in, and written out."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Response
from pydantic import Field

from voiceera.api.contacts import ContactFile, Uploaded, mapping_of
from voiceera.api.csv_answers import CSV, csv_answer
from voiceera.api.depends import Acting, Watching
from voiceera.api.do_not_call import Country
from voiceera.api.envelope import created
from voiceera.api.routing import router
from voiceera.api.shapes import Created, iso
from voiceera.rules.csv_cells import csv_lines
from voiceera.services import do_not_call as service
from voiceera.store.base import Database
from voiceera.store.do_not_call import Entry

routes = router("Do Not Call")

COLUMNS = ("phone_number", "reason", "source", "campaign_id", "call_id", "created_at")


class NumberFile(ContactFile):
    """A column with phone numbers, and perhaps one with a `reason`; others are left. `country` is that of numbers
    without a country code."""

    campaign_id: UUID | None = None
    country: Annotated[Country | None, Field(examples=["US"])] = None


@routes.post("/do-not-call/import", status_code=201)
async def import_do_not_call(
    act: Acting,
    body: Annotated[NumberFile, Form(media_type="multipart/form-data")],
    dry_run: Annotated[bool, Query(description="Report only; no number is listed.")] = False,
) -> Created[Uploaded]:
    """Read numbers from a CSV or XLSX file. Good rows go on the list; each bad one is reported. What came with a
    file can be taken off again by its `upload_id`."""
    report = await service.import_file(
        act.backend.database,
        act.organization_id,
        body.file.file,
        body.file.filename or "",
        act.now,
        campaign_id=body.campaign_id,
        country=body.country,
        dry_run=dry_run,
        mapping=mapping_of(body.mapping),
        created_by=act.caller.user.id,
    )
    return created(Uploaded.model_validate(report))


@routes.get("/do-not-call/export", response_class=Response, responses=CSV)
async def export_do_not_call(
    watch: Watching,
    campaign_id: Annotated[UUID | None, Query(description="That campaign's list alone.")] = None,
) -> Response:
    """All lists as a CSV file, streamed; it can be imported as it is."""
    async with watch.scope() as connection:
        await service.region_of(connection, watch.organization_id, campaign_id, None)
    lines = _lines(watch.backend.database, watch.organization_id, campaign_id)
    return csv_answer(lines, "do-not-call")


async def _lines(database: Database, organization_id: UUID, campaign_id: UUID | None) -> AsyncIterator[str]:
    yield csv_lines([COLUMNS])
    async for entries in service.all_entries(database, organization_id, campaign_id):
        yield csv_lines(_cells(entry) for entry in entries)


def _cells(entry: Entry) -> list[object]:
    ids = (entry.campaign_id, entry.call_id)
    return [entry.phone_number, entry.reason, entry.source, *ids, iso(entry.created_at)]
