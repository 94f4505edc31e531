"""Do-not-call lists: looked at, asked, added to, taken from."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints

from voiceera.api.campaigns import MOST_AT_ONCE, Number
from voiceera.api.contacts import ContactsAdded
from voiceera.api.depends import Reading, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery, PhoneFilter
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.services import do_not_call as service
from voiceera.services.uploads import Added
from voiceera.store import do_not_call
from voiceera.store.do_not_call import Entry, Source

routes = router("Do Not Call")

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Reason = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]


class NumbersListed(Body):
    """`campaign_id`: for that campaign alone; left out, for the whole organization. `country` (ISO 3166) is that of
    numbers without a country code; by default the campaign's."""

    phone_numbers: list[Number] = Field(min_length=1, max_length=MOST_AT_ONCE)
    campaign_id: UUID | None = None
    country: Country | None = None
    reason: Reason = ""


class EntryShown(Shown):
    """`campaign_id` null: nobody in the organization rings the number. `source`: `call` (they said so in the call
    `call_id`), `added` by `created_by`, or `imported` with the file `upload_id`."""

    id: UUID
    campaign_id: UUID | None
    phone_number: str
    source: Source
    reason: str
    call_id: UUID | None
    upload_id: UUID | None
    created_by: UUID | None
    created_at: Instant


class Checked(Shown):
    """`listed`: whether the number must not be rung, for `campaign_id` if one was given; `entries`: why."""

    phone_number: str
    campaign_id: UUID | None
    listed: bool
    entries: list[EntryShown]


class Removed(Shown):
    """`removed`: how many numbers went off the list."""

    upload_id: UUID
    removed: int


class EntriesQuery(DatedQuery):
    campaign_id: UUID | None = None
    phone_number: PhoneFilter | None = None
    source: Source | None = None
    upload_id: UUID | None = None


def entry_shown(entry: Entry) -> EntryShown:
    return EntryShown.model_validate(entry)


def added_shown(added: Added) -> ContactsAdded:
    return ContactsAdded.model_validate({**vars(added), "rejected": len(added.problems)})


@routes.get("/do-not-call")
async def list_do_not_call(work: Reading, query: Annotated[EntriesQuery, Query()]) -> Success[Items[EntryShown]]:
    """Numbers that must not be rung, of the organization's list and of all campaigns' lists; with `campaign_id`, of
    that campaign's alone. `search` matches reasons."""
    found = await do_not_call.find(
        work.connection,
        work.organization_id,
        query.page(),
        campaign_id=query.campaign_id,
        phone_number=query.phone_number,
        source=query.source,
        upload_id=query.upload_id,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(entry_shown))


@routes.post("/do-not-call", status_code=201)
async def add_do_not_call(work: Writing, body: NumbersListed) -> Created[ContactsAdded]:
    """Ring these numbers no more, from the next dial on. Good ones go on the list; of each other, `problems` says why
    not."""
    added = await service.add(
        work.connection,
        work.organization_id,
        body.phone_numbers,
        work.now,
        campaign_id=body.campaign_id,
        country=body.country,
        reason=body.reason,
        created_by=work.caller.user.id,
    )
    await work.note("do_not_call.added", "organization", work.organization_id, numbers=added.added)
    return created(added_shown(added))


@routes.get("/do-not-call/check")
async def check_do_not_call(
    work: Reading,
    phone_number: Annotated[PhoneFilter, Query(description="With its country code.")],
    campaign_id: Annotated[UUID | None, Query(description="Ask for this campaign, its own list included.")] = None,
) -> Success[Checked]:
    """Whether a number may not be rung, and since when and why."""
    number = service.asked_number(phone_number)
    await service.region_of(work.connection, work.organization_id, campaign_id, None)
    entries = await do_not_call.of_number(work.connection, work.organization_id, number)
    told = [entry_shown(each) for each in entries if each.campaign_id in (None, campaign_id)]
    return success(Checked(phone_number=number, campaign_id=campaign_id, listed=bool(told), entries=told))


@routes.delete("/do-not-call/imports/{upload_id}")
async def remove_do_not_call_import(work: Writing, upload_id: UUID) -> Success[Removed]:
    """Take off the list what this file brought in: before a newer edition of a register is imported, say."""
    removed = await do_not_call.remove_upload(work.connection, work.organization_id, upload_id)
    if not removed:
        raise service.no_entry()
    await work.note("do_not_call.import_removed", "upload", upload_id, numbers=removed)
    return success(Removed(upload_id=upload_id, removed=removed))


@routes.get("/do-not-call/{entry_id}")
async def get_do_not_call(work: Reading, entry_id: UUID) -> Success[EntryShown]:
    """One entry."""
    found = await do_not_call.get(work.connection, work.organization_id, entry_id)
    if found is None:
        raise service.no_entry()
    return success(entry_shown(found))


@routes.delete("/do-not-call/{entry_id}", status_code=204)
async def remove_do_not_call(work: Writing, entry_id: UUID) -> None:
    """Allow a number again; the audit log keeps who did so."""
    found = await do_not_call.get(work.connection, work.organization_id, entry_id)
    if found is None:
        raise service.no_entry()
    await do_not_call.remove(work.connection, found)
    await work.note("do_not_call.removed", "do_not_call", entry_id, source=found.source)
