"""Recordings for a report that fits in a mail: a small MP3, and the outline of both voices."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

POINTS = 360
"""Points of an outline: more than a card is wide in pixels / 2."""


@dataclass(frozen=True)
class Playable:
    """`mp3`: a data URI. `caller` and `agent`: loudness from 0 to 1, POINTS values each."""

    mp3: str
    caller: tuple[float, ...]
    agent: tuple[float, ...]
    seconds: float


def playable(path: Path) -> Playable | None:
    """None for a file that is missing or is no recording."""
    try:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, soundfile.LibsndfileError):
        return None
    if not len(samples):
        return None
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, rate, format="MP3", bitrate_mode="CONSTANT", compression_level=0.8)
    return Playable(
        mp3="data:audio/mpeg;base64," + base64.b64encode(encoded.getvalue()).decode(),
        caller=_outline(samples[:, 0]),
        agent=_outline(samples[:, -1]),
        seconds=len(samples) / rate,
    )


def _outline(samples: npt.NDArray[np.int16]) -> tuple[float, ...]:
    """Root mean square of each stretch, on a square-root scale so that quiet speech shows."""
    stretches = np.array_split(samples.astype(np.float64) / 32768, POINTS)
    loudness = [float(np.sqrt(np.mean(stretch**2))) if len(stretch) else 0.0 for stretch in stretches]
    return tuple(min(1.0, (value * 4) ** 0.5) if value > 0.002 else 0.0 for value in loudness)
