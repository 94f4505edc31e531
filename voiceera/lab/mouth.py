"""What the callee sends: its words when it has some, the line's background noise otherwise."""

import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from voiceera.rules.audio import AudioFormat, encode

_BACKGROUND_FRAMES = 100


@lru_cache(maxsize=64)
def background(audio_format: AudioFormat, level_dbfs: float) -> tuple[bytes, ...]:
    """Two seconds of low hum and hiss in frames, base64, to go round for ever."""
    noise = background_pcm(audio_format.sample_rate, level_dbfs, _BACKGROUND_FRAMES * audio_format.frame_samples)
    sound = encode(noise, audio_format)
    size = audio_format.frame_bytes
    return tuple(base64.b64encode(sound[start : start + size]) for start in range(0, len(sound), size))


def background_pcm(sample_rate: int, level_dbfs: float, samples: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Noise whose power falls with the frequency, as rooms and lines have it; RMS at `level_dbfs`."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / sample_rate)
    spectrum[frequency < 60] = 0
    spectrum /= np.sqrt(np.maximum(frequency, 60))
    noise = np.fft.irfft(spectrum, samples)
    noise *= 32768 * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(noise**2))
    return np.clip(np.round(noise), -32768, 32767).astype(np.int16)


@dataclass(eq=False)
class Utterance:
    """Sound to send. `began` is told the first sample's time, `ended` the last one's (Unix seconds)."""

    audio: bytes
    began: Callable[[float], None]
    ended: Callable[[float], None]
    position: int = 0


class Mouth:
    def __init__(self, audio_format: AudioFormat, noise_dbfs: float) -> None:
        self._format = audio_format
        self._background = background(audio_format, noise_dbfs)
        self._frame = 0
        self._queue: deque[Utterance] = deque()

    def say(self, utterance: Utterance) -> None:
        self._queue.append(utterance)

    def turn(self, at: float) -> bytes:
        """The next 20 ms, base64, sent at `at`."""
        if not self._queue:
            self._frame = (self._frame + 1) % len(self._background)
            return self._background[self._frame]
        utterance, size = self._queue[0], self._format.frame_bytes
        start = utterance.position
        if start == 0:
            utterance.began(at)
        frame = utterance.audio[start : start + size]
        utterance.position = start + size
        if utterance.position >= len(utterance.audio):
            self._queue.popleft()
            utterance.ended(at + len(frame) / self._format.bytes_per_sample / self._format.sample_rate)
            frame += self._format.silence[len(frame) :]
        return base64.b64encode(frame)
