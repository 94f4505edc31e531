"""The side of a process that speaks: requests on its input, audio on its output. It ends when its input does, and
dies with its parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import soxr

from voiceera.synthesis.wire import READY, REQUEST_LENGTH, Kind, Request, pack_answer, unpack_request

_PR_SET_PDEATHSIG = 1
_FLUSH_SECONDS = 0.2

Pcm = npt.NDArray[np.int16]


class Speaker(Protocol):
    """A library that speaks."""

    def rate_of(self, voice: str) -> int:
        """Samples a second that the voice is made at. Raises ValueError for one that there is not."""

    def speak(self, request: Request, hear: Callable[[Pcm], None]) -> None:
        """Hands each piece to `hear` while it is made. Raises ValueError for what cannot be spoken."""


class Resampled:
    """Brings PCM to the wanted rate and sends it on: the first piece at once, then in pieces of 200 ms."""

    def __init__(self, source_rate: int, rate: int, send: Callable[[bytes], None]) -> None:
        same = source_rate == rate
        self._stream = None if same else soxr.ResampleStream(source_rate, rate, 1, dtype="int16", quality="HQ")
        self._send = send
        self._waiting = bytearray()
        self._enough = 1
        self._flush_bytes = int(rate * _FLUSH_SECONDS) * 2

    def add(self, pcm: Pcm, *, last: bool = False) -> None:
        if self._stream is not None:
            pcm = self._stream.resample_chunk(pcm, last=last)
        self._waiting += pcm.astype("<i2").tobytes()
        if len(self._waiting) >= self._enough or (last and self._waiting):
            self._send(bytes(self._waiting))
            self._waiting.clear()
            self._enough = self._flush_bytes

    def finish(self) -> None:
        self.add(np.zeros(0, np.int16), last=True)


def serve(load: Callable[[], Speaker]) -> None:
    """Load the speaker, then answer requests until there are no more."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent:
        sys.exit(0)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        _answer(load(), requests, answers)
    except BrokenPipeError:
        os._exit(0)  # the parent is gone; flushing the rest would only raise again


def _answer(speaker: Speaker, requests: BinaryIO, answers: BinaryIO) -> None:
    """One request after the other."""

    def send(answer: bytes) -> None:
        answers.write(answer)
        answers.flush()

    send(pack_answer(READY, Kind.END))
    while len(header := requests.read(REQUEST_LENGTH.size)) == REQUEST_LENGTH.size:
        request = unpack_request(requests.read(REQUEST_LENGTH.unpack(header)[0]))
        number = request.number
        try:
            resampled = Resampled(
                speaker.rate_of(request.voice),
                request.sample_rate,
                lambda audio, number=number: send(pack_answer(number, Kind.AUDIO, audio)),  # type: ignore[misc]
            )
            speaker.speak(request, resampled.add)
            resampled.finish()
            send(pack_answer(number, Kind.END))
        except ValueError as error:
            send(pack_answer(number, Kind.REFUSED, str(error).encode()))
