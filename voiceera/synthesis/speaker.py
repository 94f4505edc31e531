"""The program that speaks: `python -m voiceera.synthesis.speaker`, requests on its input, audio on its output.

espeak-ng is under the GPL and not safe for threads, so it lives in this process alone and is reached over pipes. It
ends when its input does, and dies with its parent.
"""

import ctypes
import os
import re
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

import espeakng_loader
import numpy as np
import numpy.typing as npt
import soxr

from voiceera.synthesis.voices import ENGLISH
from voiceera.synthesis.wire import READY, REQUEST_LENGTH, Kind, Request, pack_answer, unpack_request

# espeak-ng/speak_lib.h
_SYNCHRONOUS = 2
_UTF8 = 1
_RATE, _PITCH = 1, 3
_CHUNK_MS = 40
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

_PR_SET_PDEATHSIG = 1
_VOICE_NAME = re.compile(r"[A-Za-z0-9_-]+(\+[A-Za-z0-9_-]+)?")
_LANGUAGE_NAMES = {"en-gb": "en", "fr-fr": "fr"}
"""Tags that the library lists but does not find by."""
_FLUSH_SECONDS = 0.2

Pcm = npt.NDArray[np.int16]


class Espeak:
    """The library, loaded once. `speak` hands each piece of PCM to `hear` while it is made."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, 0)
        if self.sample_rate <= 0:
            raise OSError("espeak-ng did not start")
        self._hear: Callable[[Pcm], None] | None = None
        self._callback = _CALLBACK(self._on_samples)  # the library keeps only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice: str | None = None

    def speak(self, request: Request, hear: Callable[[Pcm], None]) -> None:
        """Raises ValueError for a voice that there is not."""
        self._choose(request.voice)
        self._library.espeak_SetParameter(_RATE, min(max(request.words_per_minute, 80), 450), 0)
        self._library.espeak_SetParameter(_PITCH, min(max(request.pitch, 0), 100), 0)
        self._hear = hear
        text = request.text.replace("\0", " ").encode() + b"\0"
        self._library.espeak_Synth(text, len(text), 0, 0, 0, _UTF8, None, None)
        self._hear = None

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        # The library takes names for paths: nothing but plain names reaches it.
        language, plus, variant = voice.partition("+")
        name = f"{_LANGUAGE_NAMES.get(language.lower(), language)}{plus}{variant}"
        if not _VOICE_NAME.fullmatch(name) or self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        self._voice = voice

    def _on_samples(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: object) -> int:
        if self._hear is not None and samples and count > 0:
            self._hear(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0


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


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests, one after the other, until there are no more."""
    espeak = Espeak()

    def send(answer: bytes) -> None:
        answers.write(answer)
        answers.flush()

    warm_up = Request(READY, "a", ENGLISH, 160, 50, 16000)
    espeak.speak(warm_up, Resampled(espeak.sample_rate, warm_up.sample_rate, lambda _audio: None).add)
    send(pack_answer(READY, Kind.END))
    while len(header := requests.read(REQUEST_LENGTH.size)) == REQUEST_LENGTH.size:
        request = unpack_request(requests.read(REQUEST_LENGTH.unpack(header)[0]))
        number = request.number
        resampled = Resampled(
            espeak.sample_rate,
            request.sample_rate,
            lambda audio, number=number: send(pack_answer(number, Kind.AUDIO, audio)),  # type: ignore[misc]
        )
        try:
            espeak.speak(request, resampled.add)
            resampled.finish()
            send(pack_answer(number, Kind.END))
        except ValueError as error:
            send(pack_answer(number, Kind.REFUSED, str(error).encode()))


def main() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent:
        sys.exit(0)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        serve(requests, answers)
    except BrokenPipeError:
        os._exit(0)  # the parent is gone; flushing the rest would only raise again


if __name__ == "__main__":
    main()
