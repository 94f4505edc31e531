"""Text as the words a recognizer would give: lower case, no punctuation, apostrophes kept."""

import re
import unicodedata

_CURLY = str.maketrans({"’": "'", "‘": "'", "`": "'"})
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0dff\u0e31-\u0e4e"
"""Signs that belong to the letter before them, of which `\\w` knows nothing: vowels of Hindi, Tamil, Thai …"""
_NOT_WORDS = re.compile(rf"[^\w{_MARKS}' ]+|_|[\u0964\u0965\u0970]")
_JOINERS = str.maketrans(dict.fromkeys("\u200c\u200d"))
_LONE_APOSTROPHES = re.compile(r"(?<!\w)'+|'+(?!\w)")
_ABBREVIATED = re.compile(r"\b([ap])\.?\s?m\b\.?")


def words_of(text: str) -> tuple[str, ...]:
    """ "Yes, that’s right." → ("yes", "that's", "right"); "हाँ, ठीक है।" → ("हाँ", "ठीक", "है")."""
    plain = unicodedata.normalize("NFC", text).translate(_CURLY).translate(_JOINERS).lower()
    plain = _ABBREVIATED.sub(r"\1m", plain)
    return tuple(_LONE_APOSTROPHES.sub("", _NOT_WORDS.sub(" ", plain)).split())


def contains(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Whether the words of `phrase` stand in `words`, next to each other and in order."""
    size = len(phrase)
    return any(words[start : start + size] == phrase for start in range(len(words) - size + 1))
