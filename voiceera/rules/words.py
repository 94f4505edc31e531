"""Text as the words a recognizer would give: lower case, no punctuation, apostrophes kept."""

import re
import unicodedata

_CURLY = str.maketrans({"’": "'", "‘": "'", "`": "'"})
_NOT_WORDS = re.compile(r"[^\w' ]+|_")
_LONE_APOSTROPHES = re.compile(r"(?<!\w)'+|'+(?!\w)")
_ABBREVIATED = re.compile(r"\b([ap])\.?\s?m\b\.?")


def words_of(text: str) -> tuple[str, ...]:
    """ "Yes, that’s right." → ("yes", "that's", "right")."""
    plain = unicodedata.normalize("NFC", text).translate(_CURLY).lower()
    plain = _ABBREVIATED.sub(r"\1m", plain)
    return tuple(_LONE_APOSTROPHES.sub("", _NOT_WORDS.sub(" ", plain)).split())


def contains(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Whether the words of `phrase` stand in `words`, next to each other and in order."""
    size = len(phrase)
    return any(words[start : start + size] == phrase for start in range(len(words) - size + 1))
