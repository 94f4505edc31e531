"""Cutting a text that is still being written into sentences that can be spoken already."""

import re

_SHORTENED = """
mr mrs ms dr prof sr jr st rev hon gen col sgt capt lt smt shri ph.d
jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun
vs etc approx dept est fig inc ltd co corp ext tel e.g i.e cf ca ave blvd rd rs
"""
_ABBREVIATIONS = frozenset(_SHORTENED.split())
"""Words whose full stop ends no sentence."""
_CLOCK = frozenset({"a.m", "p.m", "am", "pm"})
"""Their full stop ends one when a capital letter follows."""
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[।॥。！？]|\n+")
_LAST_WORD = re.compile(r"[\w.]+$")
LONGEST = 220
"""Characters. A longer sentence is cut at a comma, so that speaking can begin."""


class SentenceCutter:
    """Feed it pieces; it gives back each sentence as soon as it is certainly over."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that are complete by now."""
        self._text += piece
        found = []
        while (end := _first_end(self._text)) is not None:
            sentence, self._text = self._text[:end].strip(), self._text[end:].lstrip()
            if sentence:
                found.append(sentence)
        return found

    def flush(self) -> list[str]:
        """What is left at the end of the text."""
        rest, self._text = self._text.strip(), ""
        return [rest] if rest else []


def sentences(text: str) -> list[str]:
    """A whole text's sentences."""
    cutter = SentenceCutter()
    return cutter.feed(text) + cutter.flush()


def _first_end(text: str) -> int | None:
    for mark in _END.finditer(text):
        if not mark.group().startswith(".") or _ends_sentence(text, mark):
            return mark.end()
    if len(text) > LONGEST:
        comma = max(text.rfind(sign, 0, LONGEST) for sign in (", ", "; ", ": ", " – "))
        return comma + 1 if comma > 0 else None
    return None


def _ends_sentence(text: str, mark: re.Match[str]) -> bool:
    """Whether this full stop is more than an abbreviation's, an initial's or a list number's."""
    following = text[mark.end() :].lstrip()
    if not following:
        return False  # what comes next decides
    before = _LAST_WORD.search(text[: mark.start()])
    word = before.group().lower() if before else ""
    if len(mark.group()) > 1 and mark.group().startswith(".."):
        return following[0].isupper() or not following[0].isalpha()
    if word in _CLOCK:
        return following[0].isupper()
    if word in _ABBREVIATIONS or (word in ("no", "nos") and following[0].isdigit()):
        return False
    is_initial = len(word) == 1 and word.isalpha() and word != "i"
    is_list_number = word.isdigit() and before is not None and before.start() == 0
    return not (is_initial or is_list_number)
