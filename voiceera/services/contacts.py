"""Contacts coming in: by JSON, and by files of any size, a slice at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from voiceera.errors import Conflict, NotFound
from voiceera.rules.campaigns import OVER, ContactDraft
from voiceera.rules.contact_rows import Person, RowProblem, read_draft
from voiceera.services.uploads import Added, Slices, Upload, UploadReport, problems_of, read_in, tried
from voiceera.store import campaigns, contacts
from voiceera.store.base import Connection, Database
from voiceera.store.campaigns import Campaign, Hold


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
    problems = problems_of(read)
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
    seen: set[int] = set()

    async def take(connection: Connection, read: Sequence[Person | RowProblem]) -> Added:
        if dry_run:
            return await _try(connection, campaign, read, seen)
        held = await _open_campaign(connection, organization_id, campaign_id)
        return await _take_in(connection, held, read, now)

    about = Upload(organization_id, "contacts", campaign_id, file_name, dry_run, created_by)
    return await read_in(database, about, Slices(file, campaign.config.country, mapping), take, now)


async def _try(
    connection: Connection, campaign: Campaign, read: Sequence[Person | RowProblem], seen: set[int]
) -> Added:
    """What `_take_in` would do. Numbers are remembered as integers: a million of them fit into 100 MB."""
    people = [person for person in read if isinstance(person, Person)]
    numbers = [person.phone_number for person in people]
    there = await contacts.known(connection, campaign.organization_id, campaign.id, numbers)
    return Added(*tried(numbers, there, seen), problems_of(read))
