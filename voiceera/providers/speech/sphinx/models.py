"""A language model on disk and the decoder that listens with it."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pocketsphinx import Decoder, get_model_path

from voiceera.providers.speech.local.background import BACKGROUND
from voiceera.providers.speech.local.serving import RATE
from voiceera.rules.language_model import train
from voiceera.rules.words import words_of

BACKGROUND_SHARE = 0.02


@cache
def pronunciations() -> dict[str, list[str]]:
    """Word → its lines of the CMU dictionary (alternates are written word(2))."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in Path(get_model_path("en-us/cmudict-en-us.dict")).read_text().splitlines():
        spelled, _, sounds = line.partition(" ")
        found[spelled.partition("(")[0]].append(f"{spelled} {sounds}")
    return dict(found)


class Model:
    """A trigram model of the expected phrases, and the decoder that holds it."""

    def __init__(self, phrases: Iterable[str]) -> None:
        known = pronunciations()
        told = {words for phrase in phrases if (words := tuple(words_of(phrase))) and all(w in known for w in words)}
        background = {word: 1.0 for word in BACKGROUND if word in known}
        self.expected_words = frozenset(word for words in told for word in words)
        model = train(((words, 1.0) for words in sorted(told)), background, BACKGROUND_SHARE)
        self._directory = tempfile.TemporaryDirectory(prefix="voiceera-lm-")
        grammar, dictionary = Path(self._directory.name) / "model.arpa", Path(self._directory.name) / "words.dict"
        grammar.write_text(model.arpa())
        lines = [line for word in sorted(model.vocabulary) for line in known[word]]
        dictionary.write_text("\n".join(lines) + "\n")
        self.decoder = Decoder(loglevel="FATAL", lm=str(grammar), dict=str(dictionary), samprate=RATE)

    def close(self) -> None:
        self._directory.cleanup()
