"""What a use costs: a table of prices and bills."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceera.rules.costs import UNITS, Part, Price, Unit, Use, entry, parts, told_by_carrier, total


def minutes(quantity: str, provider: str = "twilio") -> Use:
    return Use(Part.CARRIER, provider, "", Unit.MINUTE, Decimal(quantity))


def price(amount: str, *, provider: str = "", model: str = "", per: str = "1", increment: str = "0") -> Price:
    shape = Decimal(amount), Decimal(per), Decimal(increment)
    return Price(Part.CARRIER, provider, model, Unit.MINUTE, *shape)


@pytest.mark.parametrize(
    ("used", "prices", "billed", "amount"),
    [
        ("2.5", [price("0.01")], "2.5", "0.025"),
        ("2.01", [price("0.01", increment="1")], "3", "0.03"),
        ("2", [price("0.01", increment="1")], "2", "0.02"),
        ("0.31", [price("0.01", increment="0.1")], "0.4", "0.004"),
        ("3", [price("15", per="1000")], "3", "0.045"),
        ("3", [], "3", None),
        ("3", [price("0.01", provider="plivo")], "3", None),
        ("3", [price("0.01"), price("0.02", provider="twilio"), price("0.03", provider="plivo")], "3", "0.06"),
        ("3", [price("0")], "3", "0"),
    ],
)
def test_the_price_that_names_it_most_closely_counts(
    used: str, prices: list[Price], billed: str, amount: str | None
) -> None:
    line = entry(minutes(used), prices)
    assert (line.billed, line.amount) == (Decimal(billed), None if amount is None else Decimal(amount))


def test_a_model_s_own_price_goes_before_its_provider_s() -> None:
    use = Use(Part.LANGUAGE_MODEL, "openai", "small", Unit.PROMPT_TOKEN, Decimal(1000))
    own = Price(Part.LANGUAGE_MODEL, "", "small", Unit.PROMPT_TOKEN, Decimal(1), Decimal(1_000_000))
    other = Price(Part.LANGUAGE_MODEL, "openai", "", Unit.PROMPT_TOKEN, Decimal(9), Decimal(1_000_000))
    assert entry(use, [other, own]).amount == Decimal("0.001")


def test_what_has_no_price_is_left_out_of_the_sum_and_nothing_is_no_sum() -> None:
    priced, free = entry(minutes("2"), [price("0.01")]), entry(minutes("2", "plivo"), [])
    assert (parts([priced, free]), total([priced, free])) == ({"carrier": "0.020000"}, Decimal("0.02"))
    assert (parts([free]), total([free])) == ({}, None)


def test_what_the_carrier_bills_counts() -> None:
    assert told_by_carrier(minutes("2"), Decimal("0.0123")).amount == Decimal("0.0123")


@given(
    st.decimals(0, 10_000, places=3, allow_nan=False),
    st.decimals(0, 100, places=3, allow_nan=False),
    st.sampled_from(["0", "0.1", "1", "60"]),
)
def test_begun_increments_are_whole_and_never_too_many(quantity: Decimal, amount: Decimal, increment: str) -> None:
    line = entry(minutes(str(quantity)), [price(str(amount), increment=increment)])
    step = Decimal(increment)
    assert quantity <= line.billed < quantity + (step or Decimal("0.001"))
    assert not step or line.billed % step == 0


def test_every_part_is_measured_in_something() -> None:
    assert {unit for units in UNITS.values() for unit in units} == set(Unit)
    assert UNITS.keys() == set(Part)
