"""The program that speaks: `python -m voiceera.synthesis.speaker`, requests on its input, audio on its output.

espeak-ng is under the GPL and not safe for threads, so it lives in this process alone and is reached over pipes.
"""

import ctypes
import re
from collections.abc import Callable

import espeakng_loader
import numpy as np

from voiceera.synthesis.serving import Pcm, serve
from voiceera.synthesis.voices import ENGLISH
from voiceera.synthesis.wire import READY, Request

# espeak-ng/speak_lib.h
_SYNCHRONOUS = 2
_UTF8 = 1
_RATE, _PITCH = 1, 3
_CHUNK_MS = 40
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

_VOICE_NAME = re.compile(r"[A-Za-z0-9_-]+(\+[A-Za-z0-9_-]+)?")
_LANGUAGE_NAMES = {"en-gb": "en", "fr-fr": "fr"}
"""Tags that the library lists but does not find by."""


class Espeak:
    """The library, loaded once. `speak` hands each piece of PCM to `hear` while it is made."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, 0)
        if self._sample_rate <= 0:
            raise OSError("espeak-ng did not start")
        self._hear: Callable[[Pcm], None] | None = None
        self._callback = _CALLBACK(self._on_samples)  # the library keeps only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice: str | None = None
        self.speak(Request(READY, "a", ENGLISH, 160, 50, 16000), lambda _pcm: None)  # the first caller does not wait

    def rate_of(self, voice: str) -> int:
        return self._sample_rate

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


def main() -> None:
    serve(Espeak)


if __name__ == "__main__":
    main()
