"""Key phrases: what somebody talked about, as runs of one to three words that carry meaning (after RAKE: Rose et al.,
"Automatic Keyword Extraction from Individual Documents", 2010).

A phrase comes out the same in every text that it stands in, so that it can be counted over calls.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from voiceera.analysis.words import words_in

MOST = 20
_LONGEST = 3
_SHORTEST_WORD = 3
_BREAK = re.compile(r"[^\w\s'’\u0900-\u097f-]|[।॥]")


def key_phrases(texts: Sequence[str], *, without: str = "") -> list[str]:
    """The most frequent first, longer ones before shorter. `without`: words that are nobody's business, as a name.

    Words with digits are left out: they are numbers of accounts and telephones more often than topics.
    """
    hidden = frozenset(words_in(without))
    counts = Counter(phrase for text in texts for run in _runs(text, hidden) for phrase in _phrases(run))
    order = {phrase: place for place, phrase in enumerate(counts)}
    ranked = sorted(counts, key=lambda phrase: (-counts[phrase], -phrase.count(" "), order[phrase]))
    return ranked[:MOST]


def _runs(text: str, hidden: frozenset[str]) -> Iterator[list[str]]:
    """Neighbouring words that are no stop words, as long as no punctuation parts them."""
    skipped = _stop_words() | hidden
    for part in _BREAK.split(text):
        run: list[str] = []
        for word in words_in(part):
            if word in skipped or len(word) < _SHORTEST_WORD or any(letter.isdigit() for letter in word):
                if run:
                    yield run
                run = []
            else:
                run.append(word)
        if run:
            yield run


def _phrases(run: list[str]) -> Iterator[str]:
    """The run itself, and the pairs in it; a longer run than three words has only pairs and threes."""
    lengths = {2, min(len(run), _LONGEST)} if len(run) > 1 else {1}
    for length in sorted(lengths, reverse=True):
        for start in range(len(run) - length + 1):
            yield " ".join(run[start : start + length])


@cache
def _stop_words() -> frozenset[str]:
    folder = files("voiceera.analysis") / "lexicons"
    texts = ((folder / f"stop_words_{language}.txt").read_text("utf-8") for language in ("en", "hi"))
    return frozenset(word for text in texts for word in words_in(text))
