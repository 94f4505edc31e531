"""The outline of a recording: how loud each side is at each moment, small enough to be drawn."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_POINTS = 2_000
FINEST_POINT_SECONDS = 0.05


@dataclass(frozen=True)
class Waveform:
    """`peaks`: a byte a channel a point, channels side by side; 255 is full scale."""

    points_per_second: float
    channels: int
    peaks: bytes

    def by_channel(self) -> list[list[float]]:
        """From 0 to 1, a list a channel."""
        points = np.frombuffer(self.peaks, np.uint8).reshape(-1, self.channels)
        return [[round(float(value), 3) for value in column / 255] for column in points.T]


class Outline:
    """Collects the peaks of a recording that comes in blocks."""

    def __init__(self, frames: int, channels: int, sample_rate: int) -> None:
        self._channels = channels
        self._rate = sample_rate
        self._size = max(1, round(FINEST_POINT_SECONDS * sample_rate), -(-frames // MOST_POINTS))
        self._rest: npt.NDArray[np.int16] = np.empty((0, channels), np.int16)
        self._peaks: list[bytes] = []

    def add(self, block: npt.NDArray[np.int16]) -> None:
        """`block`: frames × channels."""
        sound = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(sound) // self._size * self._size
        if whole:
            points = np.abs(sound[:whole].astype(np.int32)).reshape(-1, self._size, self._channels).max(axis=1)
            self._peaks.append(_as_bytes(points))
        self._rest = sound[whole:]

    def waveform(self) -> Waveform:
        peaks = self._peaks
        if len(self._rest):
            peaks = [*peaks, _as_bytes(np.abs(self._rest.astype(np.int32)).max(axis=0))]
        return Waveform(self._rate / self._size, self._channels, b"".join(peaks))


def _as_bytes(points: npt.NDArray[np.int32]) -> bytes:
    scaled: npt.NDArray[np.uint8] = np.minimum(255, -(-points * 255 // 32768)).astype(np.uint8)
    return scaled.tobytes()
