"""Hours outside which a country's law lets nobody be rung, on the callee's clock: safe defaults, not legal advice.

United States: 8:00 to 21:00 (47 CFR 64.1200(c)(1), for solicitations; 12 CFR 1006.6(b), for debts). India: 9:00 to
21:00 for promotional and service calls (TRAI's TCCCPR 2018). Everywhere else the American hours. A transactional call
gives the callee what they have just asked for (a code, a confirmation): it has none.
"""

from collections.abc import Mapping

from voiceera.rules.campaigns import Category, Interval

ANY_COUNTRY = "*"
_DEFAULT = (8 * 60, 21 * 60)
_BUILT_IN: dict[str, tuple[int, int]] = {"IN": (9 * 60, 21 * 60)}

Chosen = Mapping[str, Mapping[Category, Interval | None]]


def legal_hours(country: str | None, category: Category, chosen: Chosen) -> tuple[int, int] | None:
    """The hours that hold for a number of `country` (None: unknown), as minutes of the day; None: no limit. What is
    `chosen` goes before what is built in."""
    for named in (country, ANY_COUNTRY):
        by_category = chosen.get(named, {}) if named else {}
        if category in by_category:
            interval = by_category[category]
            return None if interval is None else interval.minutes
    if category == "transactional":
        return None
    return _BUILT_IN.get(country or "", _DEFAULT)
