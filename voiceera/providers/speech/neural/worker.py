"""The process that recognizes with Moonshine: `python -m voiceera.providers.speech.neural.worker`."""

from functools import lru_cache

from voiceera.providers.speech.local.background import BACKGROUND
from voiceera.providers.speech.local.serving import Asked, Understood, serve
from voiceera.providers.speech.local.whole import WholeUtterances
from voiceera.providers.speech.neural.decoder import Decoder
from voiceera.providers.speech.neural.expectations import Expectations
from voiceera.providers.speech.neural.weights import folder
from voiceera.rules.audio import Pcm, as_floats
from voiceera.rules.language_model import LanguageModel, train
from voiceera.rules.words import words_of

QUESTION_SHARE = 0.5
"""Of what is expected, what answers the present question; the rest is what may be said at any time in the call."""
BACKGROUND_SHARE = 0.02
LEAST_SURE = 0.15
"""Below this mean probability of a token, what was heard is no speech, or none to rely on."""
_NOISE = frozenset(("", "you"))
"""What the model writes for a cough, a click or a hiss."""
_MODELS_KEPT = 64


class Moonshine(WholeUtterances):
    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._expecting = lru_cache(maxsize=_MODELS_KEPT)(_expecting)

    def prepare(self, phrases: tuple[str, ...]) -> None:
        self._expecting(phrases, ())

    def recognize(self, pcm: Pcm, asked: Asked) -> Understood:
        heard = self._decoder.transcribe(as_floats(pcm), self._expecting(asked.phrases, asked.expected))
        if " ".join(words_of(heard.text)) in _NOISE:
            return Understood("", heard.sureness)
        if heard.sureness < LEAST_SURE:
            return Understood("", heard.sureness, rejected=True)
        return Understood(heard.text, heard.sureness)


def _expecting(phrases: tuple[str, ...], expected: tuple[str, ...]) -> Expectations:
    if not expected:
        return Expectations([(_model(phrases), 1.0)])
    return Expectations([(_model(expected), QUESTION_SHARE), (_model(phrases), 1 - QUESTION_SHARE)])


@lru_cache(maxsize=_MODELS_KEPT)
def _model(phrases: tuple[str, ...]) -> LanguageModel:
    told = sorted({words for phrase in phrases if (words := words_of(phrase))})
    return train(((words, 1.0) for words in told), dict.fromkeys(BACKGROUND, 1.0), BACKGROUND_SHARE)


def main() -> None:
    where = folder()
    assert where is not None, "the client looks first"
    serve(lambda: Moonshine(Decoder(where)))


if __name__ == "__main__":
    main()
