"""Keys that are played are the keys that are heard: on every line, in noise, and not in speech."""

import asyncio
import random

import numpy as np
import pytest

from voiceera.lab.callees.script import Manner, VoiceSettings
from voiceera.lab.speech import Speech
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat, decode
from voiceera.rules.key_tones import KEYS, keys_in, sound_of

LINES = (ULAW_8K, L16_8K, L16_16K)


@pytest.mark.parametrize("line", LINES, ids=str)
@pytest.mark.parametrize("digits", ["0", "#", "1234567890*#", "0000", "99*99#", ""])
def test_what_is_played_is_heard(digits: str, line: AudioFormat) -> None:
    assert keys_in(decode(sound_of(digits, line), line), line.sample_rate) == digits


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.05])
def test_in_noise_and_wherever_they_begin(noise: float) -> None:
    dice, random_sound = random.Random(1), np.random.default_rng(1)
    for _ in range(50):
        digits = "".join(dice.choices(KEYS, k=6))
        clean = decode(sound_of(digits, ULAW_8K), ULAW_8K).astype(np.float64)
        moved = np.concatenate([np.zeros(dice.randrange(400)), clean])
        noisy = moved + 32768 * noise * random_sound.standard_normal(len(moved))
        assert keys_in(np.clip(noisy, -32768, 32767).astype(np.int16), 8000) == digits


def test_a_tone_lasts_as_long_as_a_network_wants() -> None:
    """Q.24: 40 ms of tone and 40 ms of pause at least."""
    pcm = decode(sound_of("5", L16_8K), L16_8K)
    loud = np.flatnonzero(np.abs(pcm) > 300)
    assert 0.04 * 8000 <= loud[-1] - loud[0] <= len(pcm) - 0.04 * 8000


async def test_speech_holds_no_keys() -> None:
    speech = Speech()
    sentences = (
        "could you tell me the balance please",
        "nine eight seven six five four three two one zero",
        "I would like to come on another day, if that is all right with you",
    )
    voices = [VoiceSettings(name=name) for name in ("en-us+klatt4", "en-us+m3", "en-gb+f2", "en-us+f4")]
    try:
        sounds = await asyncio.gather(
            *(speech.say(text, voice, Manner(), ULAW_8K) for text in sentences for voice in voices)
        )
    finally:
        await speech.close()
    for sound in sounds:
        assert keys_in(decode(sound, ULAW_8K), 8000) == ""


@pytest.mark.parametrize("digit", ["A", "12a", " ", "+"])
def test_what_is_no_key_cannot_be_played(digit: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        sound_of(digit, ULAW_8K)
