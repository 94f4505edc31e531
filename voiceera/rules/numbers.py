"""English and Hindi numbers: heard as words, or written as digits; and digits said one by one."""

from collections.abc import Sequence

from voiceera.rules import hindi

_ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
         "seventeen eighteen nineteen").split()  # fmt: skip
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINAL_ONES = ("zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
                 "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth").split()  # fmt: skip

DIGITS = {"zero": 0, "oh": 0, "o": 0, **{word: value for value, word in enumerate(_ONES[:10])}} | hindi.DIGITS
CARDINALS = (
    {word: value for value, word in enumerate(_ONES)}
    | {word: 10 * value for value, word in enumerate(_TENS, start=2)}
    | hindi.CARDINALS
)
ORDINALS = {word: value for value, word in enumerate(_ORDINAL_ONES)} | {"twentieth": 20, "thirtieth": 30}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_REPEATS = {"double": 2, "triple": 3} | hindi.REPEATS


def digits_in(words: Sequence[str]) -> str:
    """The digits said: "four two double one" → "4211", "twenty three" → "23"; other words are passed over."""
    said = ""
    repeat = 1
    tens = None
    for word in words:
        if word in _REPEATS:
            repeat = _REPEATS[word]
            continue
        if word.isdecimal():
            piece = "".join(str(int(sign)) for sign in word)
        elif word in DIGITS:
            piece = str(DIGITS[word])
            if tens is not None and piece != "0":
                said, piece = said[: -len(tens)], str(int(tens) + DIGITS[word])
        elif word in CARDINALS:
            piece = str(CARDINALS[word])
        else:
            repeat, tens = 1, None
            continue
        tens = piece if word in _TENS else None
        said += piece * repeat
        repeat = 1
    return said


def number_in(words: Sequence[str]) -> str | None:
    """The first number said, as a decimal: "two hundred and five" → "205", "three point five" → "3.5"."""
    total = group = 0
    decimals: str | None = None
    found = False
    for word in words:
        if decimals is not None:
            if word in DIGITS or word.isdecimal():
                decimals += str(DIGITS.get(word, word))
                continue
            break
        if word.isdecimal():
            group, found = group + int(word), True
        elif word in CARDINALS:
            group, found = group + CARDINALS[word], True
        elif word in _SCALES and (found or word == "hundred"):
            group, found = max(group, 1) * _SCALES[word], True
            if word != "hundred":
                total, group = total + group, 0
        elif word == "point" and found:
            decimals = ""
        elif found and word != "and":
            break
    if not found:
        return None
    return f"{total + group}.{decimals}" if decimals else str(total + group)


def spoken_digits(digits: str) -> str:
    """ "4211" → "4, 2, 1, 1": read one by one, by any synthesizer, in any language."""
    return ", ".join(digits)


def ordinal_words(day: int) -> str:
    """ "twenty first" of 21, up to 99."""
    if day < 20:
        return _ORDINAL_ONES[day]
    tens, ones = divmod(day, 10)
    name = _TENS[tens - 2]
    return f"{name} {_ORDINAL_ONES[ones]}" if ones else f"{name[:-1]}ieth"


def cardinal_words(number: int) -> str:
    """ "twenty one" of 21, up to 99."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens - 2]} {_ONES[ones]}" if ones else _TENS[tens - 2]
