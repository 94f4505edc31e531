"""What a call costs: what was used of each vendor, times the organization's own prices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from enum import StrEnum


class Part(StrEnum):
    """Whose bill it stands on."""

    CARRIER = "carrier"
    SPEECH_TO_TEXT = "stt"
    TEXT_TO_SPEECH = "tts"
    LANGUAGE_MODEL = "llm"


class Unit(StrEnum):
    CALL = "call"
    MINUTE = "minute"
    CHARACTER = "character"
    PROMPT_TOKEN = "prompt_token"
    COMPLETION_TOKEN = "completion_token"


UNITS = {
    Part.CARRIER: frozenset({Unit.CALL, Unit.MINUTE}),
    Part.SPEECH_TO_TEXT: frozenset({Unit.MINUTE}),
    Part.TEXT_TO_SPEECH: frozenset({Unit.CHARACTER}),
    Part.LANGUAGE_MODEL: frozenset({Unit.PROMPT_TOKEN, Unit.COMPLETION_TOKEN}),
}
"""Of what each part is measured in."""
_EXACT = Decimal("0.000001")


@dataclass(frozen=True)
class Use:
    part: Part
    provider: str
    model: str
    unit: Unit
    quantity: Decimal


@dataclass(frozen=True)
class Price:
    """`price` for each `per` units, of which begun `increment`s are billed whole. An empty `model` or `provider`
    stands for any."""

    part: Part
    provider: str
    model: str
    unit: Unit
    price: Decimal
    per: Decimal = Decimal(1)
    increment: Decimal = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """A line of the ledger. `amount` None: there is no price for it."""

    use: Use
    billed: Decimal
    amount: Decimal | None


def merged(uses: Iterable[Use]) -> list[Use]:
    """One for each thing that was used, in the order in which it first was."""
    sums: dict[tuple[Part, str, str, Unit], Decimal] = {}
    for use in uses:
        key = use.part, use.provider, use.model, use.unit
        sums[key] = sums.get(key, Decimal(0)) + use.quantity
    return [Use(*key, quantity) for key, quantity in sums.items()]


def entry(use: Use, prices: Sequence[Price]) -> Entry:
    """What a use costs, by the price that names it most closely: its model, then its provider."""
    fitting = [price for price in prices if _fits(price, use)]
    if not fitting:
        return Entry(use, use.quantity, None)
    price = max(fitting, key=lambda each: (bool(each.model), bool(each.provider)))
    billed = use.quantity
    if price.increment:
        billed = (billed / price.increment).to_integral_value(ROUND_CEILING) * price.increment
    return Entry(use, billed, (billed * price.price / price.per).quantize(_EXACT, ROUND_HALF_EVEN))


def _fits(price: Price, use: Use) -> bool:
    is_of_it = price.part is use.part and price.unit is use.unit
    return is_of_it and price.provider in ("", use.provider) and price.model in ("", use.model)


def told_by_carrier(use: Use, amount: Decimal) -> Entry:
    """What the carrier itself bills counts, whatever the price list says."""
    return Entry(use, use.quantity, amount.quantize(_EXACT, ROUND_HALF_EVEN))


def parts(entries: Sequence[Entry]) -> dict[str, str]:
    """Part → its sum, of those that have a price."""
    sums: dict[str, Decimal] = {}
    for each in entries:
        if each.amount is not None:
            sums[each.use.part] = sums.get(each.use.part, Decimal(0)) + each.amount
    return {part: str(amount) for part, amount in sums.items()}


def total(entries: Sequence[Entry]) -> Decimal | None:
    """None: nothing has a price."""
    amounts = [each.amount for each in entries if each.amount is not None]
    return sum(amounts, Decimal(0)) if amounts else None
