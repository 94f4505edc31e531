"""Files of people or numbers, read in slice by slice: each slice in a transaction, each bad row in the report."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from csv import Error as CsvError
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from typing import BinaryIO, Literal
from uuid import UUID

from voiceera.errors import Conflict, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.rules.contact_rows import Columns, Person, RowProblem, find_columns, read_row
from voiceera.services.contact_files import Row, rows
from voiceera.store import uploads
from voiceera.store.base import Connection, Database

SLICE_ROWS = 2000
_SAMPLE_ROWS = 20


@dataclass(frozen=True)
class Added:
    """`duplicates`: numbers that were there already, or twice in the list. `problems`: rows that stayed out."""

    added: int = 0
    duplicates: int = 0
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True)
class Upload:
    """`campaign_id` None: for the whole organization."""

    organization_id: UUID
    kind: Literal["contacts", "do_not_call"]
    campaign_id: UUID | None
    file_name: str
    dry_run: bool
    created_by: UUID | None


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


Read = Sequence[Person | RowProblem]
Take = Callable[[Connection, Read], Awaitable[Added]]


async def read_in(
    database: Database,
    about: Upload,
    slices: "Slices",
    take: Take,
    now: datetime,
    *,
    upload_id: UUID | None = None,
) -> UploadReport:
    """Hand the file to `take`, slice by slice, each in a transaction of its own; keep a row that tells of it.

    Raises Invalid for a file that cannot be read at all, and what `take` raises; what went in until then stays.
    """
    columns = await asyncio.to_thread(slices.open)
    report = UploadReport(upload_id or new_id(), about.dry_run, columns=columns.described)
    async with database.organization(about.organization_id) as connection:
        await uploads.add(
            connection,
            about.organization_id,
            about.campaign_id,
            now,
            id=report.upload_id,
            kind=about.kind,
            file_name=about.file_name,
            dry_run=about.dry_run,
            created_by=about.created_by,
        )
    # The next slice is read while this one is written: the one takes our CPU, the other the database's.
    reading = asyncio.create_task(asyncio.to_thread(slices.next))
    try:
        while read := await reading:
            reading = asyncio.create_task(asyncio.to_thread(slices.next))
            async with database.organization(about.organization_id) as connection:
                taken = await take(connection, read)
                await uploads.add_errors(
                    connection, about.organization_id, report.upload_id, report.rejected, taken.problems
                )
            report = _sum(report, len(read), taken)
    except (Invalid, Conflict, NotFound) as problem:
        await _finish(database, about.organization_id, report, now, error=problem.message)
        raise
    finally:
        with suppress(Exception):  # raised already, or of no more interest; the file is its owner's again
            await reading
    await _finish(database, about.organization_id, report, now)
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


def problems_of(read: Read) -> tuple[RowProblem, ...]:
    return tuple(problem for problem in read if isinstance(problem, RowProblem))


def tried(numbers: Sequence[str], there: Collection[str], seen: set[int]) -> tuple[int, int]:
    """(how many would go in, how many are duplicates). `seen` takes those that would: as integers, of which a million
    fit into 100 MB."""
    added = 0
    for number in numbers:
        if number not in there and int(number) not in seen:
            seen.add(int(number))
            added += 1
    return added, len(numbers) - added


class Slices:
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
