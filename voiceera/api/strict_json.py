"""JSON as it may come in: UTF-8, numbers that are numbers, each key once, no deeper than anything we take.

Python's own reader takes NaN and infinities, keeps the last of doubled keys, and hands on halves of characters
(RFC 8259 leaves all of these to the receiver, and RFC 7493 forbids them).
"""

import json
import math
import re
from typing import Any

DEEPEST = 64
_LONGEST_INTEGER = 400
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def loads(body: bytes) -> Any:
    """The value. Raises json.JSONDecodeError, whose message quotes nothing of it."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _refused("is not UTF-8", error.start) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except RecursionError:
        raise _refused("is nested too deep") from None
    _check(value, looks_for_halves=_HALF_CHARACTER.search(text) is not None)
    return value


def _refused(why: str, position: int = 0) -> json.JSONDecodeError:
    return json.JSONDecodeError(why, "", position)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _refused("has a key twice")
    return made


def _constant(_name: str) -> float:
    raise _refused("holds what is not a number")


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise _refused("holds a number that is too large")
    return number


def _integer(written: str) -> int:
    if len(written) > _LONGEST_INTEGER:
        raise _refused("holds a number that is too long")
    return int(written)


def _check(value: Any, *, looks_for_halves: bool) -> None:
    """Breadth first, so that no depth can exhaust our own stack."""
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.values()
                texts = list(each)
            elif isinstance(each, list):
                below += each
                continue
            else:
                texts = [each] if isinstance(each, str) else []
            if looks_for_halves and not all(map(_is_whole, texts)):
                raise _refused("holds half a character")
        if not below:
            return
        level = below
    raise _refused("is nested too deep")


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
