"""The organization's price list: what it pays for minutes, characters and tokens."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints, model_validator

from voiceera import ids
from voiceera.api.changes import changes, partial, validated
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import NotFound
from voiceera.rules.costs import UNITS, Part, Unit
from voiceera.store import prices
from voiceera.store.prices import Listed

routes = router("Prices")

Named = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]
_Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=9)]
_Quantity = Annotated[Decimal, Field(ge=0, lt=1_000_000_000, decimal_places=6)]


class PriceFields(Body):
    """`price` for each `per` units: 15 per 1,000,000 characters, say. Begun `increment`s are billed whole: 1 where
    every begun minute is billed. An empty `provider` or `model` stands for any; the closest price counts."""

    part: Part
    provider: Named = ""
    model: Named = ""
    unit: Unit
    price: _Amount
    per: Annotated[_Quantity, Field(gt=0)] = Decimal(1)
    increment: _Quantity = Decimal(0)

    @model_validator(mode="after")
    def _is_measured_in_it(self) -> Self:
        if self.unit not in UNITS[self.part]:
            known = ", ".join(sorted(UNITS[self.part]))
            raise ValueError(f"{self.part} is not measured in that unit, but in: {known}")
        return self


class PriceShown(Shown):
    id: UUID
    organization_id: UUID
    part: Part
    provider: str
    model: str
    unit: Unit
    price: float
    per: float
    increment: float
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant


if TYPE_CHECKING:
    PriceChange = Body
else:
    PriceChange = partial("PriceChange", PriceShown, PriceFields)


class PricesQuery(DatedQuery):
    part: Part | None = None


_WRITABLE = frozenset(PriceFields.model_fields)


async def _of(work: Work, price_id: UUID, *, hold: bool = False) -> Listed:
    found = await prices.get(work.connection, work.organization_id, price_id, hold=hold)
    if found is None:
        raise NotFound("PRICE_001", "No such price.")
    return found


@routes.get("/prices")
async def list_prices(work: Reading, query: Annotated[PricesQuery, Query()]) -> Success[Items[PriceShown]]:
    """What the organization pays; nothing until somebody enters it."""
    found = await prices.find(work.connection, work.organization_id, query.page(), part=query.part, span=query.span())
    return listed(found.map(PriceShown.model_validate))


@routes.post("/prices", status_code=201)
async def create_price(work: Writing, body: PriceFields) -> Created[PriceShown]:
    """Enter a price: calls that end from now on are charged by it."""
    new = Listed(
        id=ids.new_id(),
        organization_id=work.organization_id,
        created_by=work.caller.user.id,
        created_at=work.now,
        updated_at=work.now,
        **body.model_dump(),
    )
    await prices.add(work.connection, new)
    await work.note("price.created", "price", new.id)
    return created(PriceShown.model_validate(new))


@routes.get("/prices/{price_id}")
async def get_price(work: Reading, price_id: UUID) -> Success[PriceShown]:
    """One price."""
    return success(PriceShown.model_validate(await _of(work, price_id)))


@routes.put("/prices/{price_id}")
async def update_price(work: Writing, price_id: UUID, body: PriceChange) -> Success[PriceShown]:
    """Change the fields given; what was charged stays."""
    before = PriceShown.model_validate(await _of(work, price_id, hold=True))
    given = changes(before, body, _WRITABLE)
    kept = before.model_dump(mode="json", include=set(_WRITABLE))
    after = validated(PriceFields, {**kept, **given})
    await prices.change(work.connection, work.organization_id, price_id, updated_at=work.now, **after.model_dump())
    await work.note("price.changed", "price", price_id, fields=sorted(given))
    return success(PriceShown.model_validate(await _of(work, price_id)))


@routes.delete("/prices/{price_id}", status_code=204)
async def delete_price(work: Writing, price_id: UUID) -> None:
    """Forget a price; what was charged stays."""
    await _of(work, price_id)
    await prices.remove(work.connection, work.organization_id, price_id)
    await work.note("price.deleted", "price", price_id)
