import numpy as np
import pytest

from voiceera.engine.tones import BeepDetector
from voiceera.rules.audio import Pcm, pcm_to_ulaw, ulaw_to_pcm

RATES = (8000, 16000)


def tone(rate: int, *frequencies: float, seconds: float = 0.3, level: float = 0.2) -> Pcm:
    t = np.arange(int(rate * seconds)) / rate
    wave = sum((np.sin(2 * np.pi * f * t) for f in frequencies), np.zeros_like(t))
    return (wave * level * 32767).astype(np.int16)


def noise(rate: int, seconds: float, level: float) -> Pcm:
    return np.random.default_rng(1).normal(0, level * 32767, int(rate * seconds)).clip(-32768, 32767).astype(np.int16)


def found(rate: int, *parts: Pcm, frame_ms: int = 20) -> bool:
    pcm = np.concatenate(parts)
    detector = BeepDetector(rate)
    step = rate * frame_ms // 1000
    return any(detector.feed(pcm[k : k + step]) for k in range(0, len(pcm), step))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [400, 440, 853, 1000, 1400, 2000])
def test_a_beep_is_found_wherever_it_starts(rate: int, frequency: float) -> None:
    for lead in (0.5, 0.53, 0.57):
        assert found(rate, noise(rate, lead, 0.002), tone(rate, frequency), noise(rate, 0.5, 0.002))


def test_a_beep_survives_the_telephone_line() -> None:
    line = ulaw_to_pcm(pcm_to_ulaw(tone(8000, 1000)))
    assert found(8000, noise(8000, 0.5, 0.002), line)


@pytest.mark.parametrize("rate", RATES)
def test_keys_noise_and_silence_are_no_beep(rate: int) -> None:
    assert not found(rate, tone(rate, 697, 1209, seconds=0.5))
    assert not found(rate, noise(rate, 1.0, 0.1))
    assert not found(rate, np.zeros(rate, np.int16))


@pytest.mark.parametrize("rate", RATES)
def test_a_voice_is_no_beep(rate: int) -> None:
    """A vowel: a harmonic series over 120 Hz, shaped by formants."""
    harmonics = [120 * k for k in range(1, 25)]
    t = np.arange(rate) / rate
    wave = sum(np.sin(2 * np.pi * f * t) / (1 + ((f - 600) / 300) ** 2) for f in harmonics)
    assert not found(rate, (np.asarray(wave) * 4000).astype(np.int16))


def test_a_high_voice_on_the_telephone_is_no_beep() -> None:
    """The line cuts off the lowest harmonic of 210 Hz, and the second stands alone."""
    t = np.arange(8000) / 8000
    wave = sum(share * np.sin(2 * np.pi * 210 * k * t) for k, share in ((2, 1.0), (3, 0.15), (4, 0.1), (6, 0.05)))
    assert not found(8000, ulaw_to_pcm(pcm_to_ulaw((np.asarray(wave) * 6000).astype(np.int16))))
