"""Vendors' sound and a line's: an utterance as a WAV file on the way out, PCM in the line's format on the way in."""

import io
import wave
from collections.abc import AsyncIterator

import numpy as np
import soxr

from voiceera.rules.audio import AudioFormat, Pcm, decode, encode

_RIFF_HEADER = 44


def as_wav(sound: bytes, audio_format: AudioFormat) -> bytes:
    """The line's bytes as a WAV file of 16-bit PCM, mono, at the line's rate."""
    whole = len(sound) - len(sound) % audio_format.bytes_per_sample
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(audio_format.sample_rate)
        written.writeframes(decode(sound[:whole], audio_format).astype("<i2").tobytes())
    return file.getvalue()


def as_pcm(wav: bytes, rate: int) -> bytes:
    """A mono WAV file's sound as 16-bit little-endian PCM at `rate`, without a header."""
    with wave.open(io.BytesIO(wav)) as file:
        pcm, own_rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    if own_rate != rate:
        pcm = np.asarray(soxr.resample(pcm, own_rate, rate, quality="MQ"), np.int16)
    return pcm.astype("<i2").tobytes()


class LinePcm:
    """A line's bytes as 16-bit PCM at `rate`, as they come."""

    def __init__(self, audio_format: AudioFormat, rate: int) -> None:
        self._format = audio_format
        own_rate = audio_format.sample_rate
        self._resampler = (
            None if own_rate == rate else soxr.ResampleStream(own_rate, rate, 1, dtype="int16", quality="MQ")
        )

    def push(self, audio: bytes) -> Pcm:
        pcm = decode(audio, self._format)
        return pcm if self._resampler is None else self._resampler.resample_chunk(pcm)

    def rest(self) -> Pcm:
        """What the resampler still holds; nothing more comes after it."""
        nothing = np.zeros(0, np.int16)
        return nothing if self._resampler is None else self._resampler.resample_chunk(nothing, last=True)


async def from_pcm(pieces: AsyncIterator[bytes], rate: int, audio_format: AudioFormat) -> AsyncIterator[bytes]:
    """16-bit little-endian mono PCM at `rate`, cut anywhere, in the line's format. A WAV header is left out."""
    same = rate == audio_format.sample_rate
    resampler = None if same else soxr.ResampleStream(rate, audio_format.sample_rate, 1, dtype="int16", quality="MQ")
    left, is_first = b"", True
    async for piece in pieces:
        left += piece
        if is_first:
            if len(left) < _RIFF_HEADER:
                continue
            left, is_first = left[_RIFF_HEADER:] if left[:4] == b"RIFF" else left, False
        whole = len(left) - len(left) % 2
        pcm, left = np.frombuffer(left[:whole], "<i2"), left[whole:]
        if resampler is not None:
            pcm = resampler.resample_chunk(pcm)
        if len(pcm):
            yield encode(pcm, audio_format)
    if is_first and len(left) > 1:  # shorter than any header
        yield encode(np.frombuffer(left[: len(left) - len(left) % 2], "<i2"), audio_format)
    if resampler is not None and len(rest := resampler.resample_chunk(np.zeros(0, np.int16), last=True)):
        yield encode(rest, audio_format)
