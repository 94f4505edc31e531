"""The process that recognizes: requests on standard input, answers on standard output, one utterance per decoder.

Decoding holds the interpreter's lock and finishing takes up to 160 ms of CPU, so it has no place beside live calls.
"""

import signal
import sys
from collections import OrderedDict
from typing import BinaryIO

import numpy as np
import soxr

from voiceera.providers.speech.sphinx.models import RATE, Model
from voiceera.providers.speech.sphinx.wire import (
    LENGTH,
    Answer,
    Audio,
    Begin,
    Drop,
    End,
    Load,
    Request,
    decode_request,
    pack,
)
from voiceera.rules.audio import AudioFormat, Encoding, decode

_MODELS_KEPT = 16
LEAST_EXPECTED = 0.5
"""Share of the words heard that must be words of an expected phrase."""


class _Utterance:
    """The sound of one utterance. It is decoded whole, at its end: normalizing over all of it understands a quarter
    more than decoding as it comes (31 of 50 against 24), for some 100 ms of CPU per second spoken."""

    def __init__(self, model: Model, audio_format: AudioFormat) -> None:
        self.model = model
        self._format = audio_format
        self._audio = bytearray()

    def hear(self, audio: bytes) -> None:
        self._audio += audio

    def finish(self, number: int) -> Answer:
        self._decoder = self.model.take()
        self._decoder.start_utt()
        self._decoder.process_raw(self._pcm(), False, True)
        self._decoder.end_utt()
        text = self._text()
        words = text.split()
        expected = sum(word in self.model.expected_words for word in words)
        rejected = not words or expected < LEAST_EXPECTED * len(words)
        confidence = self._confidence()
        self.model.give_back(self._decoder)
        return Answer(number, "" if rejected else text, confidence=confidence, rejected=rejected)

    def _pcm(self) -> bytes:
        pcm = decode(bytes(self._audio), self._format)
        if self._format.sample_rate != RATE:
            pcm = np.asarray(soxr.resample(pcm, self._format.sample_rate, RATE), np.int16)
        return pcm.astype("<i2").tobytes()

    def _text(self) -> str:
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr.strip() if hypothesis is not None else ""

    def _confidence(self) -> float:
        """The middle word's posterior; 0 when nothing was heard."""
        words = [segment for segment in self._decoder.seg() or () if not segment.word.startswith(("<", "["))]
        if not words:
            return 0.0
        logarithms = self._decoder.get_logmath()
        return float(np.median([min(1.0, logarithms.exp(segment.prob)) for segment in words]))


class Worker:
    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._utterances: dict[int, _Utterance] = {}

    def take(self, request: Request) -> None:
        match request:
            case Load():
                self._load(request)
            case Begin():
                model = self._models[request.key]
                audio_format = AudioFormat(Encoding(request.encoding), request.sample_rate)
                self._utterances[request.number] = _Utterance(model, audio_format)
            case Audio():
                self._utterances[request.number].hear(request.audio)
            case End():
                self.tell(self._utterances.pop(request.number).finish(request.number))
            case Drop():
                self._utterances.pop(request.number)

    def tell(self, answer: Answer) -> None:
        self._answers.write(pack(answer))
        self._answers.flush()

    def _load(self, request: Load) -> None:
        if request.key not in self._models:
            self._models[request.key] = model = Model(request.phrases)
            model.give_back(model.take())  # the first caller does not wait for it
        self._models.move_to_end(request.key)
        in_use = {id(utterance.model) for utterance in self._utterances.values()}
        for key, model in list(self._models.items())[: -_MODELS_KEPT or None]:
            if id(model) not in in_use:
                self._models.pop(key).close()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    worker = Worker(answers)
    worker.tell(Answer(0))
    while len(header := requests.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(header)
        worker.take(decode_request(requests.read(length)))


if __name__ == "__main__":
    main()
