"""The worker's side of a recognizer that runs on this machine: requests on its input, answers on its output.

Recognizing holds the interpreter's lock for a tenth of a second and more, so it has no place beside live calls.
"""

import os
import signal
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

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
from voiceera.rules.audio import AudioFormat, Encoding

RATE = 16000
_PHRASES_KEPT = 64


@dataclass(frozen=True)
class Asked:
    """What is known of an utterance before it is heard. `phrases`: all that this call expects; `expected`: what would
    answer the present question; `language`: BCP 47."""

    phrases: tuple[str, ...]
    expected: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Understood:
    """`rejected`: there was speech, but nothing that can be relied on; the text is then empty."""

    text: str
    confidence: float = 0.0
    rejected: bool = False


class Utterance(Protocol):
    def hear(self, audio: bytes) -> str | None:
        """More of it, in the line's format. What it is taken for so far, where that has changed."""

    def finish(self) -> Understood:
        """All of it was heard."""


class Recognizer(Protocol):
    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Be ready for calls in which these are expected."""

    def begin(self, asked: Asked, audio_format: AudioFormat) -> Utterance: ...


class CannotServe(Exception):
    """A recognizer has not what it needs; the text tells the operator what."""


class Worker:
    def __init__(self, recognizer: Recognizer, answers: BinaryIO) -> None:
        self._recognizer = recognizer
        self._answers = answers
        self._phrases: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._utterances: dict[int, Utterance | None] = {}
        """None: the recognizer stumbled over it."""

    def take(self, request: Request) -> None:
        match request:
            case Load(key, phrases):
                self._load(key, phrases)
            case Begin(number, key, encoding, rate, expected, language):
                asked = Asked(self._phrases[key], expected, language)
                self._utterances[number] = self._recognizer.begin(asked, AudioFormat(Encoding(encoding), rate))
            case Audio(number, audio):
                self._hear(number, audio)
            case End(number):
                self._finish(number)
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

    # An utterance that the recognizer stumbles over is not understood; it costs nobody else their call.

    def _hear(self, number: int, audio: bytes) -> None:
        if (utterance := self._utterances[number]) is None:
            return
        try:
            so_far = utterance.hear(audio)
        except Exception:
            traceback.print_exc()  # to standard error: the answers go out by the other
            self._utterances[number] = None
            return
        if so_far is not None:
            self.tell(Answer(number, so_far, final=False))

    def _finish(self, number: int) -> None:
        utterance = self._utterances.pop(number)
        found = Understood("", rejected=True)
        if utterance is not None:
            try:
                found = utterance.finish()
            except Exception:
                traceback.print_exc()
        self.tell(Answer(number, found.text, found.confidence, found.rejected))


def serve(load: Callable[[], Recognizer]) -> None:
    """Load the recognizer, then answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, answers = sys.stdin.buffer, _answers()
    try:
        worker = Worker(load(), answers)
    except CannotServe as problem:
        answers.write(pack(Answer(0, str(problem), rejected=True)))
        answers.flush()
        return
    worker.tell(Answer(0))
    while len(header := requests.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(header)
        worker.take(decode_request(requests.read(length)))


def _answers() -> BinaryIO:
    """Standard output for ourselves alone: what a library prints goes to standard error."""
    ours = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(ours, "wb")
