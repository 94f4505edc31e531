"""The operators' own recordings of what their agents say: taken in whatever form they come, kept in one."""

import asyncio
import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from voiceera.errors import FieldProblem, Invalid
from voiceera.rules.audio import AudioFormat, encode

RATE = 16_000
LONGEST_SECONDS = 120.0
LARGEST_BYTES = 30_000_000
_QUIETEST = 100
"""Of 32,767: a file that stays below holds nothing that anybody could hear."""


@dataclass(frozen=True)
class Taken:
    """FLAC, mono, 16 kHz."""

    sound: bytes
    duration_seconds: float

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sound).hexdigest()


async def taken(file: BinaryIO) -> Taken:
    """A sound file (WAV, FLAC, OGG or MP3, any rate, any channels) as it is kept. Raises Invalid."""
    return await asyncio.to_thread(_taken, file)


def _taken(file: BinaryIO) -> Taken:
    content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise _unfit(f"is larger than {LARGEST_BYTES // 1_000_000} MB")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as opened:
            rate, seconds = opened.samplerate, opened.frames / opened.samplerate
            if seconds > LONGEST_SECONDS:  # also what claims to be: nothing is read before
                raise _unfit(f"lasts {seconds:,.0f} s; {LONGEST_SECONDS:.0f} s is the most")
            both = opened.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, ZeroDivisionError):
        raise _unfit("is no sound file that can be read: send WAV, FLAC, OGG or MP3") from None
    if not len(both):
        raise _unfit("holds no sound")
    mono = soxr.resample(np.nan_to_num(both.mean(axis=1)), rate, RATE, quality="HQ")
    pcm = np.clip(np.round(mono * 32767), -32768, 32767).astype(np.int16)
    if not len(pcm) or np.abs(pcm.astype(np.int32)).max() < _QUIETEST:
        raise _unfit("is silent")
    written = io.BytesIO()
    soundfile.write(written, pcm, RATE, format="FLAC", subtype="PCM_16")
    return Taken(written.getvalue(), len(pcm) / RATE)


def on_line(sound: bytes, audio_format: AudioFormat) -> bytes:
    """A kept recording as a line carries it."""
    pcm, rate = soundfile.read(io.BytesIO(sound), dtype="int16")
    if rate != audio_format.sample_rate:
        pcm = soxr.resample(pcm, rate, audio_format.sample_rate, quality="HQ")
    return encode(np.asarray(pcm, np.int16), audio_format)


def _unfit(why: str) -> Invalid:
    return Invalid("The recording cannot be used.", FieldProblem("file", why))
