"""A campaign's people: added by JSON or by file, listed with where each stands."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, UploadFile
from pydantic import Field

from voiceera.api.campaigns import People, RowProblemShown, campaign_of
from voiceera.api.depends import Acting, Reading, Writing
from voiceera.api.envelope import created, listed
from voiceera.api.lists import DatedQuery, PhoneFilter
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import FieldProblem, Invalid
from voiceera.rules.calls import Outcome
from voiceera.rules.campaigns import ContactState
from voiceera.services import contacts as service
from voiceera.services.live import wake
from voiceera.store import contacts
from voiceera.store.contacts import Contact

routes = router("Campaigns")


class ContactsAdded(Shown):
    """`duplicates`: numbers that the campaign or the list already had; `problems`: each row that stayed out."""

    added: int
    duplicates: int
    rejected: int
    problems: list[RowProblemShown]


class Uploaded(ContactsAdded):
    """`columns`: title → what it was taken for. `problems`: the first 100."""

    upload_id: UUID
    dry_run: bool
    rows: int
    columns: dict[str, str]


class ContactShown(Shown):
    """`next_attempt_at`: when it is due, while it is pending; `reason`: why not sooner, or why it was left."""

    id: UUID
    campaign_id: UUID
    phone_number: str
    name: str | None
    timezone: str | None
    priority: int
    variables: dict[str, str]
    status: ContactState
    next_attempt_at: Instant | None
    reason: str | None
    attempts: int
    last_outcome: Outcome | None
    opted_out: bool
    created_at: Instant
    updated_at: Instant


class ContactsQuery(DatedQuery):
    status: ContactState | None = None
    phone_number: PhoneFilter | None = None


class ContactFile(Body):
    """`mapping`: {"phone_number": "Mobile no."} as JSON: which column is what, before all guesses."""

    file: UploadFile
    mapping: Annotated[str, Field(max_length=4000)] = "{}"


def contact_shown(contact: Contact) -> ContactShown:
    due_at = contact.due_at if contact.state is ContactState.PENDING else None
    return ContactShown.model_validate({**vars(contact), "status": contact.state, "next_attempt_at": due_at})


@routes.get("/campaigns/{campaign_id}/contacts")
async def list_contacts(
    work: Reading, campaign_id: UUID, query: Annotated[ContactsQuery, Query()]
) -> Success[Items[ContactShown]]:
    """The campaign's people and where each stands; `search` matches names."""
    await campaign_of(work, campaign_id)
    found = await contacts.find(
        work.connection,
        work.organization_id,
        campaign_id,
        query.page(),
        state=query.status,
        phone_number=query.phone_number,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(contact_shown))


@routes.post("/campaigns/{campaign_id}/contacts", status_code=201)
async def add_contacts(work: Writing, campaign_id: UUID, body: People) -> Created[ContactsAdded]:
    """Add people, also while it dials. Good rows go in; of each other, `problems` says why not."""
    people = body.drafts()
    if not people:
        raise Invalid("There is nobody to add.", FieldProblem("contacts", "give contacts, or phone_numbers"))
    added = await service.add(work.connection, work.organization_id, campaign_id, people, work.now)
    work.after_commit(lambda: wake(work.backend.bus))
    problems = [RowProblemShown.model_validate(each) for each in added.problems]
    return created(
        ContactsAdded(added=added.added, duplicates=added.duplicates, rejected=len(problems), problems=problems)
    )


@routes.post("/campaigns/{campaign_id}/contacts/upload", status_code=201)
async def upload_contacts(
    act: Acting,
    campaign_id: UUID,
    body: Annotated[ContactFile, Form(media_type="multipart/form-data")],
    dry_run: Annotated[bool, Query(description="Report only; nobody is added.")] = False,
) -> Created[Uploaded]:
    """Add people from a CSV or XLSX file. Good rows go in, whatever the others hold; each bad one is reported."""
    report = await service.upload(
        act.backend.database,
        act.organization_id,
        campaign_id,
        body.file.file,
        body.file.filename or "",
        act.now,
        dry_run=dry_run,
        mapping=mapping_of(body.mapping),
        created_by=act.caller.user.id,
    )
    await wake(act.backend.bus)
    return created(Uploaded.model_validate(report))


def mapping_of(written: str) -> dict[str, str]:
    try:
        mapping: Any = json.loads(written)
    except ValueError:
        mapping = None
    if not isinstance(mapping, dict) or not all(isinstance(title, str) for title in mapping.values()):
        raise Invalid("The mapping does not fit.", FieldProblem("mapping", 'must be like {"phone_number": "Mobile"}'))
    return mapping
