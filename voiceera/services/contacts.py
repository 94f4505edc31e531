"""Contacts coming in: by JSON, and by files of any size, a slice at a time."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from csv import Error as CsvError
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from typing import BinaryIO
from uuid import UUID

from voiceera.errors import Conflict, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.rules.campaigns import OVER, ContactDraft
from voiceera.rules.contact_rows import Columns, Person, RowProblem, find_columns, read_draft, read_row
from voiceera.services.contact_files import Row, rows
from voiceera.store import campaigns, contacts, uploads
from voiceera.store.base import Connection, Database
from voiceera.store.campaigns import Campaign, Hold

SLICE_ROWS = 2000
_SAMPLE_ROWS = 20


@dataclass(frozen=True)
class Added:
    """`duplicates`: numbers that the campaign, or the list itself, already had. `problems`: rows that stayed out."""

    added: int = 0
    duplicates: int = 0
    problems: tuple[RowProblem, ...] = ()


async def add(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    drafts: Sequence[ContactDraft],
    now: datetime,
) -> Added:
    """Take the good ones in and say of each other why not; its `row` is its place in the list, from 1.

    Raises NotFound, or Conflict when the campaign is over.
    """
    campaign = await _open_campaign(connection, organization_id, campaign_id)
    read = [read_draft(place, draft, campaign.config.country) for place, draft in enumerate(drafts, 1)]
    return await _take_in(connection, campaign, read, now)


async def _open_campaign(connection: Connection, organization_id: UUID, campaign_id: UUID) -> Campaign:
    # Held: it cannot complete between this look and the contacts' coming in.
    campaign = await campaigns.get(connection, organization_id, campaign_id, hold=Hold.SHARE)
    if campaign is None:
        raise NotFound("CAMPAIGN_001", "No such campaign.")
    if campaign.status in OVER:
        raise Conflict(
            "CAMPAIGN_002",
            f"A campaign that is {campaign.status} takes no more contacts.",
            f"current state: {campaign.status}; allowed: a new campaign",
        )
    return campaign


async def _take_in(
    connection: Connection, campaign: Campaign, read: Sequence[Person | RowProblem], now: datetime
) -> Added:
    people = [person for person in read if isinstance(person, Person)]
    problems = tuple(problem for problem in read if isinstance(problem, RowProblem))
    added = await contacts.add(connection, campaign.organization_id, campaign.id, people, now)
    outcome = Added(added, len(people) - added, problems)
    await campaigns.count_uploaded(
        connection,
        campaign.organization_id,
        campaign.id,
        duplicates=outcome.duplicates,
        rejected=len(problems),
    )
    return outcome


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class UploadReport:
    """What became of a file. The refused rows lie in the store, by `upload_id`; `problems`: the first 100."""

    upload_id: UUID
    dry_run: bool
    rows: int = 0
    added: int = 0
    duplicates: int = 0
    rejected: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[RowProblem, ...] = ()


async def upload(
    database: Database,
    organization_id: UUID,
    campaign_id: UUID,
    file: BinaryIO,
    file_name: str,
    now: datetime,
    *,
    dry_run: bool = False,
    mapping: Mapping[str, str] | None = None,
    created_by: UUID | None = None,
) -> UploadReport:
    """Read a CSV or XLSX file into the campaign, slice by slice, each in a transaction of its own.

    `mapping`: field (phone_number, name, timezone, priority) → column title, before all guesses. With `dry_run`
    nothing goes in and the report says what would have. Raises NotFound, Conflict, or Invalid for a file that cannot
    be read at all; a row that does not fit is in the report, and holds up no other.
    """
    async with database.organization(organization_id) as connection:
        campaign = await _open_campaign(connection, organization_id, campaign_id)
    region = campaign.config.country
    slices = _Slices(file, region, mapping)
    columns = await asyncio.to_thread(slices.open)
    report = UploadReport(new_id(), dry_run, columns=columns.described)
    async with database.organization(organization_id) as connection:
        await uploads.add(
            connection,
            organization_id,
            campaign_id,
            now,
            id=report.upload_id,
            file_name=file_name,
            dry_run=dry_run,
            created_by=created_by,
        )
    seen: set[int] = set()
    try:
        while read := await asyncio.to_thread(slices.next):
            async with database.organization(organization_id) as connection:
                if dry_run:
                    taken = await _try(connection, campaign, read, seen)
                else:
                    campaign = await _open_campaign(connection, organization_id, campaign_id)
                    taken = await _take_in(connection, campaign, read, now)
                await uploads.add_errors(
                    connection, organization_id, report.upload_id, report.rejected, taken.problems
                )
            report = _sum(report, len(read), taken)
    except (Invalid, Conflict, NotFound) as problem:
        await _finish(database, organization_id, report, now, error=problem.message)
        raise
    await _finish(database, organization_id, report, now)
    return report


async def _finish(
    database: Database, organization_id: UUID, report: UploadReport, now: datetime, error: str | None = None
) -> None:
    async with database.organization(organization_id) as connection:
        await uploads.finish(
            connection,
            organization_id,
            report.upload_id,
            status="failed" if error else "done",
            columns=dict(report.columns),
            rows=report.rows,
            added=report.added,
            duplicates=report.duplicates,
            rejected=report.rejected,
            error=error,
            finished_at=now,
        )


def _sum(report: UploadReport, count: int, taken: Added) -> UploadReport:
    return replace(
        report,
        rows=report.rows + count,
        added=report.added + taken.added,
        duplicates=report.duplicates + taken.duplicates,
        rejected=report.rejected + len(taken.problems),
        problems=(report.problems + taken.problems)[:100],
    )


async def _try(
    connection: Connection, campaign: Campaign, read: Sequence[Person | RowProblem], seen: set[int]
) -> Added:
    """What `_take_in` would do. Numbers are remembered as integers: a million of them fit into 100 MB."""
    people = [person for person in read if isinstance(person, Person)]
    numbers = [person.phone_number for person in people]
    there = await contacts.known(connection, campaign.organization_id, campaign.id, numbers)
    added = 0
    for number in numbers:
        if number not in there and int(number) not in seen:
            seen.add(int(number))
            added += 1
    problems = tuple(problem for problem in read if isinstance(problem, RowProblem))
    return Added(added, len(people) - added, problems)


class _Slices:
    """A file's rows, read and normalized a slice at a time; runs in a thread."""

    def __init__(self, file: BinaryIO, region: str, mapping: Mapping[str, str] | None) -> None:
        self._file = file
        self._region = region
        self._mapping = mapping
        self._rows: Iterator[tuple[int, Row]] = iter(())
        self._columns = Columns((), 0)

    def open(self) -> Columns:
        numbered = enumerate(rows(self._file), 1)
        self._rows = ((row, cells) for row, cells in numbered if not _is_empty(cells))
        first = list(islice(self._rows, _SAMPLE_ROWS))
        readable = [cells for _, cells in first if not isinstance(cells, CsvError)]
        self._columns = find_columns(readable, self._region, self._mapping)
        if self._columns.has_header:
            first = first[1:]
        self._rows = chain(first, self._rows)
        return self._columns

    def next(self) -> list[Person | RowProblem]:
        return [self._read(row, cells) for row, cells in islice(self._rows, SLICE_ROWS)]

    def _read(self, row: int, cells: Row) -> Person | RowProblem:
        if isinstance(cells, CsvError):
            return RowProblem(row, "", "", "unreadable", str(cells))
        return read_row(row, cells, self._columns, self._region)


def _is_empty(cells: Row) -> bool:
    return not isinstance(cells, CsvError) and not any(cell.strip() for cell in cells)
