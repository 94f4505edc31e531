"""What is expected draws what is heard: the likelihood of words and their beginnings; what a pause is used for."""

import io
import math

import numpy as np
import pytest

from voiceera.providers.speech.local.serving import Asked, Understood, Worker
from voiceera.providers.speech.local.whole import WholeUtterances
from voiceera.providers.speech.local.wire import Audio, Begin, End, Load
from voiceera.providers.speech.neural.expectations import UNEXPECTED, Expectations
from voiceera.rules.audio import L16_16K, Pcm, encode
from voiceera.rules.language_model import START, train

CALL = train([(("yes", "please"), 1.0), (("no", "thanks"), 1.0)], {"order": 1.0}, 0.1)
QUESTION = train([(("monday", "works"), 1.0), (("money",), 1.0)], {"order": 1.0}, 0.1)
CONTEXTS = [(START,), (START, "monday"), ("yes", "please"), ("no", "order")]


@pytest.fixture
def mixed() -> Expectations:
    return Expectations([(CALL, 0.4), (QUESTION, 0.6)])


@pytest.mark.parametrize("context", CONTEXTS)
def test_models_are_mixed_by_their_shares(mixed: Expectations, context: tuple[str, ...]) -> None:
    for word in ("monday", "works", "please", "order"):
        whole = 0.4 * CALL.probability(word, context) + 0.6 * QUESTION.probability(word, context)
        assert mixed.word(word, context) == pytest.approx(math.log(max(whole, math.exp(UNEXPECTED))))
    everything = sum(math.exp(mixed.word(word, context)) for word in CALL.vocabulary | QUESTION.vocabulary)
    assert everything + math.exp(mixed.end(context)) == pytest.approx(1.0, abs=1e-3)


def test_a_beginning_is_as_likely_as_the_likeliest_word_it_may_become(mixed: Expectations) -> None:
    monday, money = (mixed.word(word, (START,)) for word in ("monday", "money"))
    assert mixed.beginning("mon", (START,)) == max(monday, money)
    assert mixed.beginning("mond", (START,)) == monday
    assert mixed.beginning("zebra", (START,)) == mixed.word("zebra", (START,)) == UNEXPECTED


class Counting(WholeUtterances):
    """Notes how much it was given to recognize, and when."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def recognize(self, pcm: Pcm, asked: Asked) -> Understood:
        self.given.append(len(pcm))
        return Understood(f"{len(self.given)}")


def sound(seconds: float, level: int) -> bytes:
    return encode(np.random.default_rng(2).normal(0, level, int(seconds * 16000)).astype(np.int16), L16_16K)


SPEECH, PAUSE = sound(0.5, 3000), sound(0.2, 10)


@pytest.mark.parametrize(
    ("pieces", "recognized"),
    [
        ([SPEECH, PAUSE, PAUSE], 1),
        ([SPEECH, PAUSE, SPEECH, PAUSE], 2),
        ([SPEECH, PAUSE, SPEECH], 2),
        ([SPEECH], 1),
        ([PAUSE, SPEECH], 1),
        ([PAUSE, PAUSE], 1),
    ],
)
def test_the_pause_after_speech_is_used_to_recognize_it(pieces: list[bytes], recognized: int) -> None:
    recognizer, answers = Counting(), io.BytesIO()
    worker = Worker(recognizer, answers)
    worker.take(Load("any", ("yes",)))
    worker.take(Begin(1, "any", L16_16K.encoding, L16_16K.sample_rate))
    line = b"".join(pieces)
    for start in range(0, len(line), L16_16K.frame_bytes):
        worker.take(Audio(1, line[start : start + L16_16K.frame_bytes]))
    worker.take(End(1))
    assert len(recognizer.given) == recognized
    assert f"{recognized}".encode() in answers.getvalue()
