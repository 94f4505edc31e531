"""Recognizers that understand most when they hear an utterance whole: the pause that will end the turn is used to
recognize, so that nobody waits for it afterwards."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import soxr

from voiceera.providers.speech.local.serving import RATE, Asked, Understood
from voiceera.rules.audio import AudioFormat, Pcm, decode

_PAUSE_SECONDS = 0.16
_QUIET = 10 ** (-26 / 10)
"""So much softer than the loudest 20 ms: a pause, by power."""
_SILENT, _AUDIBLE = 16.0**2, 200.0**2
"""Power of 16-bit samples: never speech, and loud enough to be some."""


class WholeUtterances:
    """Base of recognizers that implement `recognize`."""

    def prepare(self, phrases: tuple[str, ...]) -> None: ...

    def recognize(self, pcm: Pcm, asked: Asked) -> Understood:
        """One whole utterance at 16 kHz."""
        raise NotImplementedError

    def begin(self, asked: Asked, audio_format: AudioFormat) -> "WholeUtterance":
        return WholeUtterance(lambda pcm: self.recognize(pcm, asked), audio_format)


class WholeUtterance:
    """The sound of one utterance, and what it is taken for already while the speaker pauses."""

    def __init__(self, recognize: Callable[[Pcm], Understood], audio_format: AudioFormat) -> None:
        self._recognize = recognize
        self._format = audio_format
        self._so_far: Understood | None = None
        """All that was said, as long as nothing more is."""
        self._audio = bytearray()
        self._loudest = 0.0
        self._quiet_samples = 0

    def hear(self, audio: bytes) -> None:
        self._audio += audio
        pcm = decode(audio, self._format).astype(np.float64)
        for block in np.split(pcm, range(self._format.frame_samples, len(pcm), self._format.frame_samples)):
            self._weigh(block)
        if self._so_far is None and self._has_paused:
            self._so_far = self._recognize(self._pcm())

    def finish(self) -> Understood:
        return self._so_far or self._recognize(self._pcm())

    def _weigh(self, block: npt.NDArray[np.float64]) -> None:
        power = float(np.square(block).mean()) if len(block) else 0.0
        self._loudest = max(self._loudest, power)
        if power > max(_QUIET * self._loudest, _SILENT):
            self._quiet_samples, self._so_far = 0, None
        else:
            self._quiet_samples += len(block)

    @property
    def _has_paused(self) -> bool:
        """After speech it is quiet for a moment: perhaps that was all."""
        return self._loudest > _AUDIBLE and self._quiet_samples >= _PAUSE_SECONDS * self._format.sample_rate

    def _pcm(self) -> Pcm:
        pcm = decode(bytes(self._audio), self._format)
        if self._format.sample_rate != RATE:
            pcm = np.asarray(soxr.resample(pcm, self._format.sample_rate, RATE), np.int16)
        return pcm
