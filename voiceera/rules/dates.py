"""Days as people say them on the telephone, in English, seen from a given today."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from voiceera.rules.numbers import CARDINALS, ORDINALS, cardinal_words, ordinal_words

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple("january february march april may june july august september october november december".split())
_WRITTEN_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_TENS = {"twenty": 20, "thirty": 30}


def date_in(words: Sequence[str], today: date) -> date | None:
    """The day meant, from `today` on: "tomorrow", "next friday", "the tenth of june", "in two weeks"."""
    words = [word.removesuffix("'s") for word in words]
    return _calendar(words, today) or _relative(words, today) or _weekday(words, today) or _day_of_month(words, today)


def spoken_date(day: date) -> str:
    """ "Tuesday, June the tenth"."""
    return f"{WEEKDAYS[day.weekday()].title()}, {MONTHS[day.month - 1].title()} the {ordinal_words(day.day)}"


def _relative(words: list[str], today: date) -> date | None:
    text = f" {' '.join(words)} "
    if " day after tomorrow " in text:
        return today + timedelta(days=2)
    if " tomorrow " in text or " tonight " in text or " today " in text:
        return today + timedelta(days=1 if " tomorrow " in text else 0)
    for index, word in enumerate(words[1:], start=1):
        unit = {"day": 1, "days": 1, "week": 7, "weeks": 7}.get(word)
        if unit is None:
            continue
        before = words[index - 1]
        count = {"a": 1, "one": 1, "couple": 2}.get(before) or CARDINALS.get(before)
        if before == "of" and index >= 2 and words[index - 2] == "couple":
            count = 2
        if count and ("in" in words[:index] or "from" in words[index:]):
            return today + timedelta(days=count * unit)
    return None


def _weekday(words: list[str], today: date) -> date | None:
    """The coming one; "next friday" and "friday next week" are the one of the coming week (Monday first)."""
    for index, word in enumerate(words):
        singular = word.removesuffix("s")
        if singular not in WEEKDAYS:
            continue
        wanted = WEEKDAYS.index(singular)
        next_week = (index > 0 and words[index - 1] == "next") or _has(words, "next", "week")
        if next_week:
            monday = today - timedelta(days=today.weekday()) + timedelta(days=7)
            return monday + timedelta(days=wanted)
        return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)
    return None


def _calendar(words: list[str], today: date) -> date | None:
    """A month and a day of it, either first."""
    for index, word in enumerate(words):
        if word not in MONTHS:
            continue
        after = _day_number(words[index + 1 : index + 4])
        before = _day_number(words[max(0, index - 4) : index])
        day = after or before
        if day is not None:
            return _coming(today, MONTHS.index(word) + 1, day)
    return None


def _day_of_month(words: list[str], today: date) -> date | None:
    """ "the tenth" of this month, or of the next one that has such a day. Bare cardinals are no days."""
    if "the" not in words and "on" not in words:
        return None
    day = _day_number([word for word in words if word not in CARDINALS or word in _TENS])
    if day is None:
        return None
    for months_ahead in range(4):
        year, month = divmod(today.month - 1 + months_ahead, 12)
        candidate = _date(today.year + year, month + 1, day)
        if candidate is not None and candidate >= today:
            return candidate
    return None


def _day_number(words: Sequence[str]) -> int | None:
    """The first day of a month said in a few words: "the twenty first" → 21, "10th" → 10, "fifteen" → 15."""
    for index, word in enumerate(words):
        if (written := _WRITTEN_DAY.fullmatch(word)) is not None:
            return int(written[1])
        if word in _TENS:
            following = words[index + 1] if index + 1 < len(words) else ""
            ones = ORDINALS.get(following) or CARDINALS.get(following) or 0
            return _TENS[word] + (ones if ones < 10 else 0)
        number = ORDINALS.get(word) or CARDINALS.get(word)
        if number is not None:
            return number
    return None


def _coming(today: date, month: int, day: int) -> date | None:
    this_year = _date(today.year, month, day)
    return this_year if this_year is not None and this_year >= today else _date(today.year + 1, month, day)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _has(words: list[str], *phrase: str) -> bool:
    return any(tuple(words[start : start + len(phrase)]) == phrase for start in range(len(words)))


def date_phrases() -> tuple[str, ...]:
    """The ways of saying days that are worth expecting."""
    days = [ordinal_words(day) for day in range(1, 32)]
    relative = ["today", "tomorrow", "the day after tomorrow", "next week", "in a week", "a week from today"]
    relative += [f"in {cardinal_words(count)} {unit}" for count in range(2, 7) for unit in ("days", "weeks")]
    weekdays = [f"{prefix}{day}" for day in WEEKDAYS for prefix in ("", "on ", "next ", "this ", "this coming ")]
    weekdays += [f"{day} next week" for day in WEEKDAYS]
    weekdays += [f"{day} {part}" for day in WEEKDAYS for part in ("morning", "afternoon", "evening")]
    calendar = [form for month in MONTHS for day in days for form in (f"{month} {day}", f"the {day} of {month}")]
    return (*relative, *weekdays, *(f"the {day}" for day in days), *(f"on the {day}" for day in days), *calendar)
