"""The answering machine's beep: a pure, steady tone of a fifth of a second or more."""

import math

import numpy as np
import numpy.typing as npt

from voiceera.rules.audio import Pcm, as_floats

BLOCK_SECONDS = 0.2
LOWEST_HZ, HIGHEST_HZ = 350.0, 2200.0
LOUD_ENOUGH = 0.01
"""Root mean square of full scale."""
PURE_ENOUGH = 0.985
"""Share of the energy within ±3 bins of the peak. Beeps on a line have 0.999; the two tones of a key about half; a
high voice whose lowest harmonic the telephone cuts off up to 0.98 (measured over 2,500 utterances of 16 voices)."""
STEADY_ENOUGH = 1.25
"""How much louder one half of a block may be than the other."""


class BeepDetector:
    """Feed it PCM in any portions; it looks at 0.2 s every 0.1 s, so any tone of 0.3 s is seen."""

    def __init__(self, sample_rate: int) -> None:
        self._block = int(sample_rate * BLOCK_SECONDS)
        self._window = np.hanning(self._block).astype(np.float32)
        bins = np.fft.rfftfreq(self._block, 1 / sample_rate)
        self._lowest = int(np.searchsorted(bins, LOWEST_HZ))
        self._highest = int(np.searchsorted(bins, HIGHEST_HZ))
        self._pending: list[Pcm] = []
        self._samples = 0

    def feed(self, pcm: Pcm) -> bool:
        """True when what was fed completes a block that is a tone."""
        self._pending.append(pcm)
        self._samples += len(pcm)
        found = False
        while self._samples >= self._block:
            together = np.concatenate(self._pending)
            found = found or self._is_tone(as_floats(together[: self._block]))
            rest = together[self._block // 2 :]
            self._pending, self._samples = [rest], len(rest)
        return found

    def _is_tone(self, block: npt.NDArray[np.float32]) -> bool:
        middle = len(block) // 2
        quieter, louder = sorted((_rms(block[:middle]), _rms(block[middle:])))
        if quieter < LOUD_ENOUGH or louder > STEADY_ENOUGH * quieter:
            return False
        power = np.abs(np.fft.rfft(block * self._window)) ** 2
        peak = self._lowest + int(np.argmax(power[self._lowest : self._highest]))
        return bool(power[max(0, peak - 3) : peak + 4].sum() > PURE_ENOUGH * power.sum())


def _rms(samples: npt.NDArray[np.float32]) -> float:
    return math.sqrt(float(np.dot(samples, samples)) / len(samples))
