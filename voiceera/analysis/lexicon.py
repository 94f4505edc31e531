"""Words and phrases by the emotion that they speak of, from `lexicons/{language}.txt`.

There, "== joy" begins a block of phrases between commas; a star at a phrase's end stands for any ending.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from voiceera.analysis.words import words_in
from voiceera.rules.analysis import Emotion
from voiceera.rules.languages import short

LANGUAGES = ("en", "hi")
_Words = tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    words: _Words
    emotion: Emotion
    is_stem: bool

    def fits(self, words: list[str], at: int) -> bool:
        end = at + len(self.words) - 1
        if end >= len(words) or tuple(words[at:end]) != self.words[:-1]:
            return False
        return words[end] == self.words[-1] or (self.is_stem and words[end].startswith(self.words[-1]))


class Lexicon:
    def __init__(self, text: str) -> None:
        blocks = _blocks(text)
        self.denials = frozenset(blocks.pop("denials"))
        self.emphasis = frozenset(blocks.pop("emphasis"))
        self.fine_when_denied = frozenset(blocks.pop("fine when denied"))
        self._entries: dict[str, list[_Entry]] = defaultdict(list)
        for emotion, phrases in blocks.items():
            for phrase in phrases:
                words = tuple(words_in(phrase))
                entry = _Entry(words, Emotion(emotion), phrase.endswith("*"))
                self._entries[words[0][:2]].append(entry)

    def found(self, words: list[str]) -> Iterator[tuple[int, int, Emotion]]:
        """(first word, how many words, emotion), in order; a longer phrase goes before those within it."""
        at = 0
        while at < len(words):
            fitting = [entry for entry in self._entries.get(words[at][:2], ()) if entry.fits(words, at)]
            length = max((len(entry.words) for entry in fitting), default=0)
            for emotion in dict.fromkeys(entry.emotion for entry in fitting if len(entry.words) == length):
                yield at, length, emotion
            at += max(1, length)


@cache
def lexicon(language: str) -> Lexicon | None:
    """By the first part of a language tag; None: there is none."""
    name = short(language)
    if name not in LANGUAGES:
        return None
    return Lexicon((files("voiceera.analysis") / "lexicons" / f"{name}.txt").read_text("utf-8"))


def _blocks(text: str) -> dict[str, list[str]]:
    blocks: dict[str, list[str]] = {}
    for block in text.split("== ")[1:]:
        name, _, phrases = block.partition("\n")
        parts = (" ".join(phrase.split()) for phrase in phrases.split(","))
        blocks[name.strip()] = [phrase for phrase in parts if phrase]
    return blocks
