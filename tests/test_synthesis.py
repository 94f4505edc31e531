import asyncio
import os
import signal

import numpy as np
import pytest

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Voice
from voiceera.providers.speech.espeak import EspeakTextToSpeech
from voiceera.rules.audio import L16_16K, ULAW_8K, decode
from voiceera.synthesis.client import Synthesizer
from voiceera.synthesis.voices import VOICES


async def pcm_of(synthesizer: Synthesizer, text: str, voice: str = "en-us+klatt6", sample_rate: int = 16000) -> bytes:
    return b"".join([piece async for piece in synthesizer.speak(text, voice, sample_rate=sample_rate)])


async def test_text_becomes_sound_at_the_rate_asked_for() -> None:
    async with Synthesizer() as synthesizer:
        wide = np.frombuffer(await pcm_of(synthesizer, "good morning"), "<i2")
        narrow = np.frombuffer(await pcm_of(synthesizer, "good morning", sample_rate=8000), "<i2")
    assert 0.5 < len(wide) / 16000 < 1.5
    assert len(narrow) / 8000 == pytest.approx(len(wide) / 16000, abs=0.01)
    assert np.abs(wide).max() > 3000


async def test_many_speak_at_once_and_each_gets_its_own_words() -> None:
    async with Synthesizer() as synthesizer:
        alone = [await pcm_of(synthesizer, text) for text in ("one", "twenty two thousand", "three")]
        together = await asyncio.gather(
            *(pcm_of(synthesizer, text) for text in ("one", "twenty two thousand", "three"))
        )
    assert [len(pcm) for pcm in together] == pytest.approx([len(pcm) for pcm in alone], rel=0.05)


async def test_a_process_that_dies_is_started_again() -> None:
    async with Synthesizer() as synthesizer:
        assert synthesizer.process_id is not None
        os.kill(synthesizer.process_id, signal.SIGKILL)
        assert len(await pcm_of(synthesizer, "hello")) > 10_000


async def test_an_unknown_voice_or_one_that_is_a_path_is_refused() -> None:
    async with Synthesizer() as synthesizer:
        for voice in ("klingonese", "../../etc/passwd"):
            with pytest.raises(ProviderError) as refused:
                await pcm_of(synthesizer, "hello", voice)
            assert refused.value.permanent
        assert await pcm_of(synthesizer, "hello")


async def test_every_voice_of_the_table_speaks() -> None:
    async with Synthesizer() as synthesizer:
        for voice in sorted({*VOICES.values(), "en-gb"}):
            assert len(await pcm_of(synthesizer, "123", voice)) > 5_000, voice


async def test_indian_languages_are_spoken() -> None:
    async with Synthesizer() as synthesizer:
        for voice, text in (("hi", "नमस्ते"), ("ta", "வணக்கம்"), ("te", "నమస్కారం"), ("bn", "নমস্কার"), ("mr", "नमस्कार")):
            assert len(await pcm_of(synthesizer, text, voice)) > 5_000


async def test_the_provider_speaks_in_the_lines_own_format_and_remembers() -> None:
    speech = EspeakTextToSpeech(cache_bytes=200_000)
    voice = Voice("en-US")
    try:
        for audio_format in (ULAW_8K, L16_16K):
            first = b"".join([piece async for piece in speech.speak("hello", voice, audio_format)])
            again = [piece async for piece in speech.speak("hello", voice, audio_format)]
            assert again == [first]
            assert np.abs(decode(first, audio_format)).max() > 3000
        slow = b"".join([piece async for piece in speech.speak("hello", Voice("en-US", speed=0.6), ULAW_8K)])
        quick = b"".join([piece async for piece in speech.speak("hello", Voice("en-US", speed=1.8), ULAW_8K)])
        assert len(slow) > 1.5 * len(quick)
    finally:
        await speech.close()


async def test_a_language_without_a_voice_is_refused() -> None:
    speech = EspeakTextToSpeech()
    with pytest.raises(ProviderError, match="no voice"):
        [piece async for piece in speech.speak("hello", Voice("xx-XX"), ULAW_8K)]
    await speech.close()
