"""Sounds that tests upload."""

import io

import numpy as np
import soundfile


def wav_of_a_second() -> bytes:
    """A tone, mono, at 16 kHz."""
    made = io.BytesIO()
    soundfile.write(made, 0.3 * np.sin(np.arange(16_000) / 6), 16_000, format="WAV", subtype="PCM_16")
    return made.getvalue()
