"""Real speech for tests: espeak-ng in a process of its own, as 16-bit mono PCM."""

import subprocess
import sys
from functools import cache

import numpy as np
import soxr

from voiceera.rules.audio import AudioFormat, Pcm, encode

_PROGRAM = """
import ctypes, sys, espeakng_loader
library = ctypes.CDLL(espeakng_loader.get_library_path())
rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
sound = bytearray()
def take(samples, count, _events):
    if samples and count > 0:
        sound.extend(ctypes.string_at(samples, 2 * count))
    return 0
callback = Heard(take)
library.espeak_SetSynthCallback(callback)
library.espeak_SetVoiceByName(sys.argv[1].encode())
text = sys.argv[2].encode() + b"\\0"
library.espeak_Synth(text, len(text), 0, 0, 0, 1, None, None)
library.espeak_Synchronize()
sys.stdout.buffer.write(rate.to_bytes(4, "little") + bytes(sound))
"""


@cache
def speak(text: str, sample_rate: int, voice: str = "en-us") -> Pcm:
    spoken = subprocess.run([sys.executable, "-c", _PROGRAM, voice, text], capture_output=True, check=True).stdout
    pcm = np.frombuffer(spoken[4:], "<i2")
    resampled: Pcm = soxr.resample(pcm, int.from_bytes(spoken[:4], "little"), sample_rate)
    return resampled


def speak_on(audio_format: AudioFormat, text: str, voice: str = "en-us") -> bytes:
    """Speech in a line's own bytes."""
    return encode(speak(text, audio_format.sample_rate, voice), audio_format)


def noise_on(audio_format: AudioFormat, seconds: float, loudness: float = 0.01) -> bytes:
    """White noise; `loudness` is its root mean square of full scale."""
    random = np.random.default_rng(7)
    samples = random.standard_normal(int(seconds * audio_format.sample_rate)) * loudness * 32768
    return encode(samples.clip(-32768, 32767).astype(np.int16), audio_format)


def frames(audio: bytes, audio_format: AudioFormat) -> list[bytes]:
    size = audio_format.frame_bytes
    return [audio[start : start + size] for start in range(0, len(audio) - size + 1, size)]
