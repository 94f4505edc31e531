"""PCM, G.711 µ-law and frames. All PCM here is mono, 16-bit signed, little-endian."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

FRAME_MS = 20


class Encoding(StrEnum):
    ULAW = "ulaw"
    L16 = "l16"


@dataclass(frozen=True)
class AudioFormat:
    """How one line carries sound. `frame_bytes` is 20 ms of it."""

    encoding: Encoding
    sample_rate: int

    @property
    def bytes_per_sample(self) -> int:
        return 1 if self.encoding is Encoding.ULAW else 2

    @property
    def frame_samples(self) -> int:
        return self.sample_rate * FRAME_MS // 1000

    @property
    def frame_bytes(self) -> int:
        return self.frame_samples * self.bytes_per_sample

    @property
    def silence(self) -> bytes:
        """One frame of silence (0xFF is µ-law's zero)."""
        return (b"\xff" if self.encoding is Encoding.ULAW else b"\0\0") * self.frame_samples


ULAW_8K = AudioFormat(Encoding.ULAW, 8000)
L16_16K = AudioFormat(Encoding.L16, 16000)
L16_8K = AudioFormat(Encoding.L16, 8000)


def _ulaw_encode_table() -> npt.NDArray[np.uint8]:
    """ITU-T G.711 µ-law for every 16-bit sample (index: the sample plus 32,768), by the 14-bit formulation."""
    sample = np.arange(-32768, 32768) >> 2
    negative = sample < 0
    magnitude = np.minimum(np.where(negative, -sample, sample), 8159) + 0x21
    segment = np.searchsorted([0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF], magnitude, side="left")
    value = (segment << 4) | ((magnitude >> (segment + 1)) & 0xF)
    value = np.where(segment >= 8, 0x7F, value)
    return (value ^ np.where(negative, 0x7F, 0xFF)).astype(np.uint8)


def _ulaw_decode_table() -> npt.NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.int16)


_ENCODE = _ulaw_encode_table()
_DECODE = _ulaw_decode_table()


def ulaw_to_pcm(ulaw: bytes | memoryview) -> Pcm:
    return _DECODE.take(np.frombuffer(ulaw, np.uint8))


def pcm_to_ulaw(pcm: Pcm) -> bytes:
    return _ENCODE.take(pcm.astype(np.int32) + 32768).tobytes()


def decode(payload: bytes | memoryview, audio_format: AudioFormat) -> Pcm:
    """A line's bytes as PCM at the line's own rate."""
    if audio_format.encoding is Encoding.ULAW:
        return ulaw_to_pcm(payload)
    return np.frombuffer(payload, "<i2")


def encode(pcm: Pcm, audio_format: AudioFormat) -> bytes:
    """PCM at the line's own rate as the line's bytes."""
    return pcm_to_ulaw(pcm) if audio_format.encoding is Encoding.ULAW else pcm.astype("<i2").tobytes()


def as_floats(pcm: Pcm) -> npt.NDArray[np.float32]:
    """From -1 to 1, as models take sound."""
    return pcm.astype(np.float32) / np.float32(32768)


def is_below(level: int, payload: bytes, audio_format: AudioFormat) -> bool:
    """Whether all samples are nearer to zero than `level`. Cheap for µ-law: no array is made."""
    if audio_format.encoding is Encoding.ULAW:
        return not payload.translate(None, _codes_below(level))
    samples = decode(payload, audio_format)
    return bool(samples.max(initial=0) < level and samples.min(initial=0) > -level)


@lru_cache(maxsize=8)
def _codes_below(level: int) -> bytes:
    return bytes(code for code in range(256) if abs(int(_DECODE[code])) < level)
