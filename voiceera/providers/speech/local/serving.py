"""The worker's side of a recognizer that runs on this machine: requests on its input, answers on its output.

Recognizing holds the interpreter's lock for a tenth of a second and more, so it has no place beside live calls.
"""

import signal
import sys
import traceback
from collections import OrderedDict
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import soxr

from voiceera.providers.speech.local.wire import (
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
from voiceera.rules.audio import AudioFormat, Encoding, Pcm, decode

RATE = 16000
_PHRASES_KEPT = 64
_PAUSE_SECONDS = 0.16
_QUIET = 10 ** (-26 / 10)
"""So much softer than the loudest 20 ms: a pause, by power."""
_SILENT, _AUDIBLE = 16.0**2, 200.0**2
"""Power of 16-bit samples: never speech, and loud enough to be some."""


@dataclass(frozen=True)
class Understood:
    """`rejected`: there was speech, but nothing that can be relied on; the text is then empty."""

    text: str
    confidence: float = 0.0
    rejected: bool = False


class Recognizer(Protocol):
    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Be ready for calls in which these are expected."""

    def recognize(self, pcm: Pcm, phrases: tuple[str, ...], expected: tuple[str, ...]) -> Understood:
        """One whole utterance at 16 kHz. `expected`: the phrases that would answer the present question."""


class _Utterance:
    """The sound of one utterance, and what it is taken for already while the speaker pauses."""

    def __init__(self, began: Begin, phrases: tuple[str, ...]) -> None:
        self.phrases, self.expected = phrases, began.expected
        self.so_far: Understood | None = None
        """All that was said, as long as nothing more is."""
        self._format = AudioFormat(Encoding(began.encoding), began.sample_rate)
        self._audio = bytearray()
        self._loudest = 0.0
        self._quiet_samples = 0

    def hear(self, audio: bytes) -> None:
        self._audio += audio
        pcm = decode(audio, self._format).astype(np.float64)
        for block in np.split(pcm, range(self._format.frame_samples, len(pcm), self._format.frame_samples)):
            self._weigh(block)

    def _weigh(self, block: npt.NDArray[np.float64]) -> None:
        power = float(np.square(block).mean()) if len(block) else 0.0
        self._loudest = max(self._loudest, power)
        if power > max(_QUIET * self._loudest, _SILENT):
            self._quiet_samples, self.so_far = 0, None
        else:
            self._quiet_samples += len(block)

    @property
    def has_paused(self) -> bool:
        """After speech it is quiet for a moment: perhaps that was all."""
        return self._loudest > _AUDIBLE and self._quiet_samples >= _PAUSE_SECONDS * self._format.sample_rate

    def pcm(self) -> Pcm:
        pcm = decode(bytes(self._audio), self._format)
        if self._format.sample_rate != RATE:
            pcm = np.asarray(soxr.resample(pcm, self._format.sample_rate, RATE), np.int16)
        return pcm


class Worker:
    def __init__(self, recognizer: Recognizer, answers: BinaryIO) -> None:
        self._recognizer = recognizer
        self._answers = answers
        self._phrases: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._utterances: dict[int, _Utterance] = {}

    def take(self, request: Request) -> None:
        match request:
            case Load(key, phrases):
                self._load(key, phrases)
            case Begin(number, key):
                self._utterances[number] = _Utterance(request, self._phrases[key])
            case Audio(number, audio):
                self._hear(self._utterances[number], audio)
            case End(number):
                self._finish(number, self._utterances.pop(number))
            case Drop(number):
                self._utterances.pop(number)

    def tell(self, answer: Answer) -> None:
        self._answers.write(pack(answer))
        self._answers.flush()

    def _load(self, key: str, phrases: tuple[str, ...]) -> None:
        self._phrases[key] = phrases
        self._phrases.move_to_end(key)
        self._recognizer.prepare(phrases)  # the first caller does not wait for it
        if len(self._phrases) > _PHRASES_KEPT:
            self._phrases.popitem(last=False)

    def _hear(self, utterance: _Utterance, audio: bytes) -> None:
        """The pause that will end the turn is used to recognize, so that nobody waits for it afterwards."""
        utterance.hear(audio)
        if utterance.so_far is None and utterance.has_paused:
            utterance.so_far = self._recognized(utterance)

    def _recognized(self, utterance: _Utterance) -> Understood:
        """One that the recognizer stumbles over is not understood; it costs nobody else their call."""
        try:
            return self._recognizer.recognize(utterance.pcm(), utterance.phrases, utterance.expected)
        except Exception:
            traceback.print_exc()  # to standard error: the answers go out by the other
            return Understood("", rejected=True)

    def _finish(self, number: int, utterance: _Utterance) -> None:
        found = utterance.so_far or self._recognized(utterance)
        self.tell(Answer(number, found.text, found.confidence, found.rejected))


def serve(recognizer: Recognizer) -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests = sys.stdin.buffer
    worker = Worker(recognizer, sys.stdout.buffer)
    worker.tell(Answer(0))
    while len(header := requests.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(header)
        worker.take(decode_request(requests.read(length)))
