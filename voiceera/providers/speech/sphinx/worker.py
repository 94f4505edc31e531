"""The process that recognizes with pocketsphinx: `python -m voiceera.providers.speech.sphinx.worker`."""

from collections import OrderedDict

import numpy as np
from pocketsphinx import Decoder

from voiceera.providers.speech.local.serving import Asked, Understood, serve
from voiceera.providers.speech.local.whole import WholeUtterances
from voiceera.providers.speech.sphinx.models import Model
from voiceera.rules.audio import Pcm

_MODELS_KEPT = 16
LEAST_EXPECTED = 0.5
"""Share of the words heard that must be words of an expected phrase."""


class Pocketsphinx(WholeUtterances):
    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, ...], Model] = OrderedDict()

    def prepare(self, phrases: tuple[str, ...]) -> None:
        if phrases not in self._models:
            self._models[phrases] = Model(phrases)
        self._models.move_to_end(phrases)
        if len(self._models) > _MODELS_KEPT:
            self._models.popitem(last=False)[1].close()

    def recognize(self, pcm: Pcm, asked: Asked) -> Understood:
        """The utterance is decoded whole: normalizing over all of it understands a quarter more than decoding as it
        comes."""
        self.prepare(asked.phrases)
        model = self._models[asked.phrases]
        decoder = model.decoder
        decoder.start_utt()
        decoder.process_raw(pcm.astype("<i2").tobytes(), False, True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        text = hypothesis.hypstr.strip() if hypothesis is not None else ""
        words = text.split()
        rejected = not words or sum(word in model.expected_words for word in words) < LEAST_EXPECTED * len(words)
        return Understood("" if rejected else text, _confidence(decoder), rejected)


def _confidence(decoder: Decoder) -> float:
    """The middle word's posterior; 0 when nothing was heard."""
    words = [segment for segment in decoder.seg() or () if not segment.word.startswith(("<", "["))]
    if not words:
        return 0.0
    logarithms = decoder.get_logmath()
    return float(np.median([min(1.0, logarithms.exp(segment.prob)) for segment in words]))


def main() -> None:
    serve(Pocketsphinx)


if __name__ == "__main__":
    main()
