"""Phone numbers of one's own: who answers them, and which calls come from them."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints

from voiceera import ids
from voiceera.api.changes import changes, partial, validated
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery, PhoneFilter
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.services import phone_numbers as service
from voiceera.store import phone_numbers
from voiceera.store.phone_numbers import MissedCall, PhoneNumber

routes = router("Phone Numbers")

Written = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
Label = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class NumberSettings(Body):
    """`agent_id`: who answers calls in; null turns them away. `is_caller_id`: calls may come from it, `daily_cap` a
    day at most. `missed_call`: whether somebody who rang it in vain is rung back."""

    label: Label = ""
    integration_id: UUID = Field(description="The line that carries it: an integration of type telephony.")
    agent_id: UUID | None = None
    missed_call: MissedCall = MissedCall.NONE
    is_caller_id: bool = True
    daily_cap: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    is_active: bool = True


class NumberNew(NumberSettings):
    phone_number: Written = Field(examples=["+12025550100"])


class NumberShown(Shown):
    """`phone_number` is E.164."""

    id: UUID
    organization_id: UUID
    phone_number: str
    label: str
    integration_id: UUID
    agent_id: UUID | None
    missed_call: MissedCall
    is_caller_id: bool
    daily_cap: int | None
    is_active: bool
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant


if TYPE_CHECKING:
    NumberChange = Body
else:
    NumberChange = partial("NumberChange", NumberShown)


class NumbersQuery(DatedQuery):
    integration_id: UUID | None = None
    agent_id: UUID | None = None
    phone_number: PhoneFilter | None = None
    is_active: bool | None = None


_WRITABLE = frozenset(NumberSettings.model_fields)


async def _of(work: Work, number_id: UUID, *, hold: bool = False) -> PhoneNumber:
    found = await phone_numbers.get(work.connection, work.organization_id, number_id, hold=hold)
    if found is None:
        raise service.no_number()
    return found


def number_shown(number: PhoneNumber) -> NumberShown:
    return NumberShown.model_validate(number)


@routes.get("/phone-numbers")
async def list_phone_numbers(work: Reading, query: Annotated[NumbersQuery, Query()]) -> Success[Items[NumberShown]]:
    """The organization's own numbers; `search` matches labels."""
    found = await phone_numbers.find(
        work.connection,
        work.organization_id,
        query.page(),
        integration_id=query.integration_id,
        agent_id=query.agent_id,
        phone_number=query.phone_number,
        is_active=query.is_active,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(number_shown))


@routes.post("/phone-numbers", status_code=201)
async def create_phone_number(work: Writing, body: NumberNew) -> Created[NumberShown]:
    """Make a number of the carrier's known: calls to it reach its agent, and calls may come from it."""
    settings = body.model_dump(exclude={"phone_number"})
    await service.check(work.connection, work.organization_id, settings)
    number = PhoneNumber(
        id=ids.new_id(),
        organization_id=work.organization_id,
        phone_number=service.own_number(body.phone_number),
        created_by=work.caller.user.id,
        created_at=work.now,
        updated_at=work.now,
        **settings,
    )
    await phone_numbers.add(work.connection, number)
    await work.note("phone_number.created", "phone_number", number.id)
    return created(number_shown(number))


@routes.get("/phone-numbers/{phone_number_id}")
async def get_phone_number(work: Reading, phone_number_id: UUID) -> Success[NumberShown]:
    """One number."""
    return success(number_shown(await _of(work, phone_number_id)))


@routes.put("/phone-numbers/{phone_number_id}")
async def update_phone_number(work: Writing, phone_number_id: UUID, body: NumberChange) -> Success[NumberShown]:
    """Change the fields given; the next call goes by them."""
    before = await _of(work, phone_number_id, hold=True)
    shown = number_shown(before)
    given = changes(shown, body, _WRITABLE)
    await service.check(work.connection, work.organization_id, given)
    kept = shown.model_dump(mode="json", include=set(_WRITABLE))
    after = validated(NumberSettings, {**kept, **given})
    await phone_numbers.change(work.connection, before, updated_at=work.now, **after.model_dump())
    await work.note("phone_number.changed", "phone_number", phone_number_id, fields=sorted(given))
    return success(number_shown(await _of(work, phone_number_id)))


@routes.delete("/phone-numbers/{phone_number_id}", status_code=204)
async def delete_phone_number(work: Writing, phone_number_id: UUID) -> None:
    """Forget a number: calls to it are turned away, and none comes from it unless its integration lists it."""
    found = await _of(work, phone_number_id)
    await phone_numbers.remove(work.connection, found)
    await work.note("phone_number.deleted", "phone_number", phone_number_id)
