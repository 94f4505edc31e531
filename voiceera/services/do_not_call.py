"""Do-not-call lists: the organization's and each campaign's, kept by people, by files, and by what callers say."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from voiceera.errors import FieldProblem, Invalid, NotFound
from voiceera.ids import new_id
from voiceera.rules.campaigns import ContactDraft
from voiceera.rules.contact_rows import Person, RowProblem, read_draft
from voiceera.rules.phones import ANY_COUNTRY, NotANumber, to_e164
from voiceera.services.uploads import Added, Slices, Upload, UploadReport, problems_of, read_in, tried
from voiceera.store import campaigns, do_not_call
from voiceera.store.base import Connection, Database
from voiceera.store.do_not_call import Entry, Source

ADDED, IMPORTED = "added by hand", "imported"
"""The reasons of numbers that come without one."""
_ROWS_AT_ONCE = 2000


def no_entry() -> NotFound:
    return NotFound("DNC_001", "No such entry.")


async def region_of(
    connection: Connection, organization_id: UUID, campaign_id: UUID | None, country: str | None
) -> str:
    """How numbers without a country code are read: as of `country`, else of the campaign's; of none without both.

    Raises NotFound for the campaign.
    """
    if campaign_id is None:
        return country or ANY_COUNTRY
    campaign = await campaigns.get(connection, organization_id, campaign_id)
    if campaign is None:
        raise NotFound("CAMPAIGN_001", "No such campaign.")
    return country or campaign.config.country


async def add(
    connection: Connection,
    organization_id: UUID,
    numbers: Sequence[str],
    now: datetime,
    *,
    campaign_id: UUID | None = None,
    country: str | None = None,
    reason: str = "",
    created_by: UUID | None = None,
) -> Added:
    """Put the good ones on the list and say of each other why not; its `row` is its place, from 1.

    Raises NotFound for the campaign.
    """
    region = await region_of(connection, organization_id, campaign_id, country)
    drafts = (ContactDraft(phone_number=number) for number in numbers)
    read = [read_draft(place, draft, region) for place, draft in enumerate(drafts, 1)]
    new = [(person.phone_number, reason or ADDED) for person in read if isinstance(person, Person)]
    added = await do_not_call.add_all(
        connection,
        organization_id,
        new,
        source=Source.ADDED,
        now=now,
        campaign_id=campaign_id,
        created_by=created_by,
    )
    return Added(added, len(new) - added, problems_of(read))


async def import_file(
    database: Database,
    organization_id: UUID,
    file: BinaryIO,
    file_name: str,
    now: datetime,
    *,
    campaign_id: UUID | None = None,
    country: str | None = None,
    dry_run: bool = False,
    mapping: Mapping[str, str] | None = None,
    created_by: UUID | None = None,
) -> UploadReport:
    """A CSV or XLSX file of numbers, as `contacts.upload` reads one; a column `reason` says why. Raises Invalid for
    a file that cannot be read, and NotFound for the campaign."""
    async with database.organization(organization_id) as connection:
        region = await region_of(connection, organization_id, campaign_id, country)
    upload_id, seen = new_id(), set[int]()

    async def take(connection: Connection, read: Sequence[Person | RowProblem]) -> Added:
        people = [person for person in read if isinstance(person, Person)]
        numbers = [person.phone_number for person in people]
        if dry_run:
            there = await do_not_call.known(connection, organization_id, campaign_id, numbers)
            return Added(*tried(numbers, there, seen), problems_of(read))
        new = [(person.phone_number, person.variables.get("reason") or IMPORTED) for person in people]
        added = await do_not_call.add_all(
            connection,
            organization_id,
            new,
            source=Source.IMPORTED,
            now=now,
            campaign_id=campaign_id,
            upload_id=upload_id,
            created_by=created_by,
        )
        return Added(added, len(new) - added, problems_of(read))

    about = Upload(organization_id, "do_not_call", campaign_id, file_name, dry_run, created_by)
    return await read_in(database, about, Slices(file, region, mapping), take, now, upload_id=upload_id)


def asked_number(written: str) -> str:
    """A number that somebody asks about, with its country code, as E.164. Raises Invalid."""
    try:
        return to_e164(written, ANY_COUNTRY)
    except NotANumber as problem:
        raise Invalid("The number does not fit.", FieldProblem("phone_number", str(problem))) from None


async def all_entries(
    database: Database, organization_id: UUID, campaign_id: UUID | None
) -> AsyncIterator[list[Entry]]:
    """Every entry, some at a time, each lot in a transaction of its own."""
    last: UUID | None = None
    while True:
        async with database.organization(organization_id) as connection:
            entries = await do_not_call.after(connection, organization_id, campaign_id, last, _ROWS_AT_ONCE)
        yield entries
        if len(entries) < _ROWS_AT_ONCE:
            return
        last = entries[-1].id
