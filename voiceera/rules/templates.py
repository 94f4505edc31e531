"""`{{name | fallback}}` in texts, filled from a call's variables and from what its steps saved."""

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{\{\s*([^{}|]+?)\s*(?:\|\s*([^{}]*?)\s*)?\}\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Unknown or empty names become their fallback, or nothing."""

    def value(place: re.Match[str]) -> str:
        return values.get(place[1]) or place[2] or ""

    return re.sub(r"[ \t]{2,}", " ", _PLACE.sub(value, text)).strip()
