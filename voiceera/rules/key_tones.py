"""Keys as sound: the pairs of tones of ITU-T Q.23, sent and recognized within the bounds of Q.24."""

import numpy as np
import numpy.typing as npt

from voiceera.rules.audio import AudioFormat, Pcm, encode

KEYS = "0123456789*#"
TONE_SECONDS = 0.1
PAUSE_SECONDS = 0.1
_ROWS, _COLUMNS = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0)
_PAD = ("123", "456", "789", "*0#")
_LEVEL = 0.25
"""Of each tone, against full scale: -15 dBFS, about -12 dBm0."""

_BLOCK_SECONDS = 0.025
_LOUD_ENOUGH = 0.005
"""Root mean square of full scale."""
_PURE_ENOUGH = 0.7
"""Share of a block's energy that the two tones have; speech comes to a third, now and then to half."""
_TWIST = 6.3
"""How much stronger one tone may be: 8 dB."""
_BLOCKS = 2
"""In a row with the same key: so a key lasts 50 ms at least."""


def sound_of(digits: str, audio_format: AudioFormat) -> bytes:
    """Raises ValueError for what is no key."""
    rate = audio_format.sample_rate
    at = np.arange(int(TONE_SECONDS * rate)) / rate
    pause = np.zeros(int(PAUSE_SECONDS * rate))
    parts: list[npt.NDArray[np.float64]] = []
    for digit in digits:
        row, column = _tones(digit)
        parts += [_LEVEL * (np.sin(2 * np.pi * row * at) + np.sin(2 * np.pi * column * at)), pause]
    return encode((32767 * np.concatenate(parts)).astype(np.int16), audio_format) if parts else b""


def keys_in(pcm: Pcm, sample_rate: int) -> str:
    """The keys that a stretch of sound holds, by Goertzel's sums over blocks of 25 ms."""
    size = int(_BLOCK_SECONDS * sample_rate)
    waves = np.exp(-2j * np.pi * np.outer((*_ROWS, *_COLUMNS), np.arange(size)) / sample_rate)
    blocks = pcm[: len(pcm) // size * size].reshape(-1, size).astype(np.float64) / 32768
    keys, last, times = "", "", 0
    for block in blocks:
        key = _key_of(block, waves)
        times = times + 1 if key == last else 1
        last = key
        if key and times == _BLOCKS:
            keys += key
    return keys


def _tones(digit: str) -> tuple[float, float]:
    for row, keys in enumerate(_PAD):
        if digit in keys and digit:
            return _ROWS[row], _COLUMNS[keys.index(digit)]
    raise ValueError(f"{digit!r} is no key")


def _key_of(block: npt.NDArray[np.float64], waves: npt.NDArray[np.complex128]) -> str:
    energy = float(block @ block)
    if energy < _LOUD_ENOUGH**2 * len(block):
        return ""
    # A lone tone of amplitude a has the power (a·n/2)², and the energy a²·n/2.
    powers = np.abs(waves @ block) ** 2 / (len(block) / 2)
    rows, columns = powers[: len(_ROWS)], powers[len(_ROWS) :]
    row, column = int(rows.argmax()), int(columns.argmax())
    both = float(rows[row] + columns[column])
    alike = 1 / _TWIST < rows[row] / max(columns[column], 1e-12) < _TWIST
    return _PAD[row][column] if alike and both > _PURE_ENOUGH * energy else ""
