"""Phone numbers: E.164, the country, the zones, and what must never be dialled (libphonenumber's metadata)."""

from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType
from phonenumbers import timezone as number_zones

_PREMIUM = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
    }
)
"""What costs more than a call to a telephone, or pays whoever is called: the ranges of toll fraud."""
ANY_COUNTRY = "ZZ"
"""libphonenumber's word for no region: numbers need their country code."""
_NO_COUNTRY = "001"
"""libphonenumber's region of satellite and other global services."""
_UNKNOWN_ZONE = "Etc/Unknown"
_NOWHERE = frozenset({PhoneNumberType.TOLL_FREE, PhoneNumberType.VOIP, PhoneNumberType.UAN})


class NotANumber(ValueError):
    """`code` is for the report of an upload."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class NumberFacts:
    """`country`: ISO 3166, or None for global services. `zones`: IANA names, empty if the number tells none."""

    country: str | None
    is_premium: bool
    zones: tuple[str, ...]


def to_e164(written: str, region: str) -> str:
    """Any common spelling as E.164; `region` (ISO 3166) is that of numbers without a country code.

    Raises NotANumber for what no telephone can have.
    """
    number = _parsed(_international(written), region)
    if not phonenumbers.is_possible_number(number):
        raise NotANumber("impossible_number", "has too few or too many digits for its country")
    if not phonenumbers.is_valid_number(number):
        raise NotANumber("invalid_number", "is not a number that its country gives out")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _international(written: str) -> str:
    stripped = written.strip().removeprefix("tel:").replace("\u00a0", " ")
    return "+" + stripped[2:] if stripped.startswith("00") else stripped


def _parsed(written: str, region: str | None) -> PhoneNumber:
    if sum(character.isdigit() for character in written) < 3:
        raise NotANumber("not_a_number", "is not a phone number")
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException as problem:
        if problem.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise NotANumber("no_country_code", "has no country code: write it like +12025550123") from problem
        raise NotANumber("not_a_number", "is not a phone number") from problem
    if number.extension:
        raise NotANumber("has_extension", "has an extension, which cannot be dialled")
    return number


@lru_cache(maxsize=10_000)
def facts(e164: str) -> NumberFacts:
    """What the number itself tells. Raises NotANumber."""
    number = _parsed(e164, None)
    kind = phonenumbers.number_type(number)
    country = phonenumbers.region_code_for_number(number)
    zones = () if kind in _NOWHERE else tuple(number_zones.time_zones_for_number(number))
    return NumberFacts(
        country=None if country in (None, _NO_COUNTRY) else str(country),
        is_premium=kind in _PREMIUM,
        zones=tuple(str(zone) for zone in zones if zone != _UNKNOWN_ZONE),
    )
