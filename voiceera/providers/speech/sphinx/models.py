"""Language models on disk and the decoders that listen with them."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pocketsphinx import Decoder, get_model_path

from voiceera.providers.speech.sphinx.background import BACKGROUND
from voiceera.rules.language_model import train
from voiceera.rules.words import words_of

BACKGROUND_SHARE = 0.02
RATE = 16000


@cache
def pronunciations() -> dict[str, list[str]]:
    """Word → its lines of the CMU dictionary (alternates are written word(2))."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in Path(get_model_path("en-us/cmudict-en-us.dict")).read_text().splitlines():
        spelled, _, sounds = line.partition(" ")
        found[spelled.partition("(")[0]].append(f"{spelled} {sounds}")
    return dict(found)


class Model:
    """A trigram model of the expected phrases, and a pool of decoders that hold it."""

    def __init__(self, phrases: Iterable[str]) -> None:
        known = pronunciations()
        told = {words for phrase in phrases if (words := tuple(words_of(phrase))) and all(w in known for w in words)}
        background = {word: 1.0 for word in BACKGROUND if word in known}
        self.expected_words = frozenset(word for words in told for word in words)
        model = train(((words, 1.0) for words in sorted(told)), background, BACKGROUND_SHARE)
        self._directory = tempfile.TemporaryDirectory(prefix="voiceera-lm-")
        self._lm = Path(self._directory.name) / "model.arpa"
        self._lm.write_text(model.arpa())
        self._dictionary = Path(self._directory.name) / "words.dict"
        lines = [line for word in sorted(model.vocabulary) for line in known[word]]
        self._dictionary.write_text("\n".join(lines) + "\n")
        self._idle: list[Decoder] = []

    def take(self) -> Decoder:
        """A decoder of one's own until it is given back."""
        if self._idle:
            return self._idle.pop()
        return Decoder(loglevel="FATAL", lm=str(self._lm), dict=str(self._dictionary), samprate=RATE)

    def give_back(self, decoder: Decoder) -> None:
        self._idle.append(decoder)

    def close(self) -> None:
        self._idle.clear()
        self._directory.cleanup()
