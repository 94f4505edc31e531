"""What an answer means: from recognized words to a step's result, or None if it is no answer to the question."""

from datetime import date

from voiceera.rules.choices import choose
from voiceera.rules.dates import date_in
from voiceera.rules.flows import Expect
from voiceera.rules.numbers import digits_in, number_in
from voiceera.rules.words import words_of
from voiceera.rules.yes_no import yes_or_no

_NAME_CARRIERS = tuple(
    tuple(carrier.split())
    for carrier in (
        "my name is|my name's|the name is|the name's|this is|it is|it's|i am|i'm|you are speaking with"
        "|you're speaking to|you can call me|call me|yes|hello|hi|um|uh|well|oh"
    ).split("|")
)
_NAME_ENDINGS = (("speaking",), ("here",), ("please",))


def interpret(expect: Expect, text: str, today: date) -> str | None:
    """The result of what was said, by the type of answer expected (`Expect` says what results look like)."""
    words = words_of(text)
    if not words:
        return None
    match expect.type:
        case "yes_no":
            return yes_or_no(words)
        case "choice":
            return choose(expect.choices, words)
        case "digits" | "keypad":
            return _digits(expect, words)
        case "date":
            day = date_in(words, today)
            return day.isoformat() if day is not None else None
        case "number":
            return number_in(words)
        case "name":
            return _name(words)
        case "free":
            return text.strip()


def interpret_keys(expect: Expect, keys: str) -> str | None:
    """The result of keys pressed. Yes is 1 and no is 2; choices are numbered in their order, from 1."""
    keys = keys.rstrip("#")
    match expect.type:
        case "yes_no":
            return {"1": "yes", "2": "no"}.get(keys)
        case "choice":
            position = int(keys) - 1 if keys.isdecimal() else -1
            return tuple(expect.choices)[position] if 0 <= position < len(expect.choices) else None
        case "digits" | "keypad":
            return keys if keys and expect.digits in (None, len(keys)) else None
        case "number":
            return str(int(keys)) if keys.isdecimal() else None
        case _:
            return None


def _digits(expect: Expect, words: tuple[str, ...]) -> str | None:
    digits = digits_in(words)
    return digits if digits and expect.digits in (None, len(digits)) else None


def _name(words: tuple[str, ...]) -> str | None:
    trimmed = True
    while trimmed:
        trimmed = False
        for carrier in _NAME_CARRIERS:
            if words[: len(carrier)] == carrier:
                words, trimmed = words[len(carrier) :], True
        for ending in _NAME_ENDINGS:
            if words[-len(ending) :] == ending:
                words, trimmed = words[: -len(ending)], True
    return " ".join(word.title() for word in words) or None
