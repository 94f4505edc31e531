"""Text as words, in any script: vowel signs and apostrophes belong to their word."""

import re
import unicodedata

_WORD = re.compile(r"(?:(?![।॥])[\u0900-\u0d7f]|[^\W_]|[\u0300-\u036f]|(?<=\w)'(?=\w))+")
"""Python takes the vowel signs of Indian scripts (their blocks are U+0900 to U+0D7F) for no part of a word."""


def words_in(text: str) -> list[str]:
    """In small letters, with plain apostrophes, each letter written in one way."""
    plain = unicodedata.normalize("NFC", text).replace("’", "'")
    return _WORD.findall(plain.casefold())
