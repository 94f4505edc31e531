import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest
import soxr

from voiceera.errors import ProviderError
from voiceera.providers.protocols import Heard, Recognition
from voiceera.providers.speech.local.client import LocalSpeechToText
from voiceera.providers.speech.moonshine import MoonshineSpeechToText
from voiceera.providers.speech.pocketsphinx import PocketsphinxSpeechToText
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat, encode
from voiceera.rules.words import words_of
from voiceera.synthesis.client import Synthesizer

PHRASES = ("yes please", "no thank you", "monday", "wednesday morning", "friday afternoon", "stop calling me")


@pytest.fixture(params=[MoonshineSpeechToText, PocketsphinxSpeechToText])
async def recognizer(request: pytest.FixtureRequest) -> AsyncIterator[LocalSpeechToText]:
    speech_to_text: LocalSpeechToText = request.param()
    yield speech_to_text
    await speech_to_text.close()


async def said(text: str, line: AudioFormat) -> bytes:
    async with Synthesizer() as synthesizer:
        spoken = b"".join([piece async for piece in synthesizer.speak(text)])
    pcm = np.concatenate([np.zeros(4000, np.int16), np.frombuffer(spoken, "<i2"), np.zeros(4000, np.int16)])
    if line.sample_rate != 16000:
        pcm = np.asarray(soxr.resample(pcm, 16000, line.sample_rate), np.int16)
    return encode(pcm, line)


async def heard(recognizer: LocalSpeechToText, text: str, line: AudioFormat) -> Heard:
    stream = await recognizer.open(Recognition(line, "en-US", PHRASES))
    audio = await said(text, line)
    stream.begin_utterance()
    for start in range(0, len(audio), line.frame_bytes):
        stream.push(audio[start : start + line.frame_bytes])
    found = await stream.end_utterance()
    await stream.close()
    return found


@pytest.mark.parametrize("line", [L16_16K, ULAW_8K])
async def test_an_expected_phrase_is_recognized_on_both_kinds_of_line(
    recognizer: LocalSpeechToText, line: AudioFormat
) -> None:
    found = await heard(recognizer, "Wednesday morning", line)
    assert words_of(found.text) == ("wednesday", "morning")


async def test_who_talks_on_for_a_quarter_of_a_minute_is_heard(recognizer: LocalSpeechToText) -> None:
    long = ", ".join(["no thank you, friday afternoon, wednesday morning"] * 4)
    found = await heard(recognizer, long, L16_16K)
    assert len(await said(long, L16_16K)) > 12 * 32_000
    assert sum(word in ("friday", "wednesday", "afternoon", "morning") for word in words_of(found.text)) >= 6
    assert words_of((await heard(recognizer, "Wednesday morning", L16_16K)).text) == ("wednesday", "morning")


async def test_speech_about_something_else_is_not_taken_for_an_expected_phrase(
    recognizer: LocalSpeechToText,
) -> None:
    found = await heard(recognizer, "the technician came but the internet is still not working", L16_16K)
    assert words_of(found.text) not in {words_of(phrase) for phrase in PHRASES}


async def test_a_language_it_does_not_know_is_refused_and_said_why(recognizer: LocalSpeechToText) -> None:
    with pytest.raises(ProviderError, match="English only") as refused:
        await recognizer.open(Recognition(L16_16K, "hi-IN", PHRASES))
    assert refused.value.permanent


async def test_a_killed_recognizer_fails_its_utterance_and_the_next_call_gets_a_new_one(
    recognizer: LocalSpeechToText,
) -> None:
    stream = await recognizer.open(Recognition(L16_16K, "en-US", PHRASES))
    stream.begin_utterance()
    os.kill(stream.worker_process_id, signal.SIGKILL)
    with pytest.raises(ProviderError, match="ended unexpectedly"):
        await stream.end_utterance()
    again = await heard(recognizer, "Friday afternoon", L16_16K)
    assert words_of(again.text) == ("friday", "afternoon")


async def test_what_nobody_expects_is_heard_as_what_it_is() -> None:
    recognizer = MoonshineSpeechToText()
    found = await heard(recognizer, "The technician came on Tuesday with two computers", L16_16K)
    await recognizer.close()
    assert {"technician", "tuesday", "computers"} <= set(words_of(found.text))


async def test_silence_and_noise_are_no_words() -> None:
    recognizer = MoonshineSpeechToText()
    noise = np.random.default_rng(1).normal(0, 2000, 16000).astype(np.int16)
    for sound in (np.zeros(16000, np.int16), noise):
        stream = await recognizer.open(Recognition(L16_16K, "en-US", PHRASES))
        stream.begin_utterance(("yes please",))
        stream.push(encode(sound, L16_16K))
        assert (await stream.end_utterance()).text == ""
        await stream.close()
    await recognizer.close()
