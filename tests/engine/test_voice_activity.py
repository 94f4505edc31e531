import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.engine.espeak import frames, noise_on, speak_on
from voiceera.engine.silero import SileroModel, window_shape
from voiceera.engine.voice_activity import AFTERGLOW_PROBABILITY, FORGET_AFTER_WINDOWS, VoiceActivity, is_quiet
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat, decode, encode

SENTENCE = "Good morning, this is Maria calling about your appointment on Tuesday."
FORMATS = pytest.mark.parametrize("audio_format", [ULAW_8K, L16_16K], ids=["ulaw_8k", "l16_16k"])


def judge_alone(model: SileroModel, audio: bytes, audio_format: AudioFormat) -> list[float]:
    """Window after window of one call, each by itself."""
    size = window_shape(audio_format).window * audio_format.bytes_per_sample
    row = model.take_row()
    windows = [audio[start : start + size] for start in range(0, len(audio) - size + 1, size)]
    return [model.judge([row], [window], audio_format)[0] for window in windows]


def test_the_model_s_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Its telemetry begins with a session's file in the temporary folder."""
    load = "from voiceera.engine.silero import SileroModel; SileroModel(rows=1)"
    subprocess.run([sys.executable, "-c", load], env=os.environ | {"TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []


@FORMATS
def test_speech_is_detected_and_noise_is_not(audio_format: AudioFormat) -> None:
    model = SileroModel(rows=4)
    spoken = judge_alone(model, speak_on(audio_format, SENTENCE), audio_format)
    assert np.mean(np.array(spoken) > 0.5) > 0.7
    for loudness in (0.001, 0.01, 0.1):
        assert max(judge_alone(model, noise_on(audio_format, 2, loudness), audio_format)) < 0.5


async def heard_by_one_hub(calls: Sequence[bytes], audio_format: AudioFormat) -> list[list[float]]:
    """What ears that are open at the same time are told, each of its own call."""
    hub = VoiceActivity(SileroModel(rows=8))
    told: list[asyncio.Queue[float]] = [asyncio.Queue() for _ in calls]
    ears = [hub.listen(audio_format, lambda p, _at, one=one: one.put_nowait(p)) for one in told]  # type: ignore[misc]
    for moment in zip(*(frames(call, audio_format) for call in calls), strict=False):
        for ear, frame in zip(ears, moment, strict=True):
            ear.feed(frame)
    frames_fed = min(len(call) for call in calls) // audio_format.frame_bytes
    windows = frames_fed * audio_format.frame_samples // window_shape(audio_format).window
    async with asyncio.timeout(20):
        heard = [[await one.get() for _ in range(windows)] for one in told]
    await hub.close()
    return heard


@FORMATS
async def test_calls_judged_together_are_judged_as_if_alone(audio_format: AudioFormat) -> None:
    speech = speak_on(audio_format, SENTENCE)
    calls = [speech[offset * audio_format.frame_bytes :] for offset in range(5)]
    together = await heard_by_one_hub(calls, audio_format)
    for call, heard in zip(calls, together, strict=True):
        alone = judge_alone(SileroModel(rows=1), call, audio_format)
        assert len(heard) > 50
        differs = ~np.isclose(heard, alone[: len(heard)], atol=1e-4)
        assert np.mean(differs) < 0.1
        assert set(np.array(heard)[differs]) <= {AFTERGLOW_PROBABILITY}


@pytest.mark.parametrize("noise", [0.0002, 0.001])
async def test_speech_is_over_with_its_last_sound_though_the_model_believes_in_more(noise: float) -> None:
    late_model, late_ear = [], []
    for sentence in ("could you tell me", "another day please", "I would like to come", "what time is it now"):
        spoken = decode(speak_on(ULAW_8K, sentence), ULAW_8K)
        audio = decode(noise_on(ULAW_8K, 4, noise), ULAW_8K).copy()
        audio[: len(spoken)] += spoken
        last_sound = np.flatnonzero(np.abs(spoken) > 0.05 * np.abs(spoken).max())[-1] // 256
        judged = judge_alone(SileroModel(rows=1), encode(audio, ULAW_8K), ULAW_8K)
        [heard] = await heard_by_one_hub([encode(audio, ULAW_8K)], ULAW_8K)
        late_model.append(last_speech(judged) - last_sound)
        late_ear.append(last_speech(heard) - last_sound)
    assert max(late_ear) <= 1
    assert -2 < np.mean(late_ear) < 0.5
    assert max(late_model) > 1


def last_speech(probabilities: list[float]) -> int:
    """The last window that may hold speech."""
    return max(place for place, probability in enumerate(probabilities) if probability >= 0.35)


async def test_both_rates_are_heard_in_one_process() -> None:
    hub = VoiceActivity(SileroModel(rows=8))
    formats = (ULAW_8K, L16_16K)
    told: dict[AudioFormat, asyncio.Queue[float]] = {audio_format: asyncio.Queue() for audio_format in formats}
    for audio_format in formats:
        ear = hub.listen(audio_format, lambda p, _at, kind=audio_format: told[kind].put_nowait(p))  # type: ignore[misc]
        for frame in frames(speak_on(audio_format, "Hello there"), audio_format):
            ear.feed(frame)
    async with asyncio.timeout(20):
        for audio_format in formats:
            assert max([await told[audio_format].get() for _ in range(15)]) > 0.8
    await hub.close()


async def test_a_call_with_much_to_catch_up_on_keeps_no_other_waiting() -> None:
    hub = VoiceActivity(SileroModel(rows=2))
    told: list[str] = []
    all_told = asyncio.Event()

    def tell(who: str) -> None:
        told.append(who)
        if len(told) == 51:
            all_told.set()

    late = hub.listen(ULAW_8K, lambda _p, _at: tell("late"))
    punctual = hub.listen(ULAW_8K, lambda _p, _at: tell("punctual"))
    late.feed(noise_on(ULAW_8K, 50 * 0.032))
    punctual.feed(noise_on(ULAW_8K, 0.032))
    await asyncio.wait_for(all_told.wait(), 20)
    await hub.close()
    assert told.index("punctual") <= 1


async def test_a_window_is_told_with_the_arrival_of_its_last_frame() -> None:
    now = 100.0
    hub = VoiceActivity(SileroModel(rows=1), clock=lambda: now)
    arrivals: asyncio.Queue[float] = asyncio.Queue()
    ear = hub.listen(ULAW_8K, lambda _p, at: arrivals.put_nowait(at))
    ear.feed(ULAW_8K.silence)
    now = 100.02
    ear.feed(ULAW_8K.silence)
    now = 100.5
    assert await arrivals.get() == 100.02
    await hub.close()


async def test_a_closed_ear_hears_nothing_and_gives_its_row_back() -> None:
    model = SileroModel(rows=2)
    hub = VoiceActivity(model)
    told: list[float] = []
    ears = [hub.listen(ULAW_8K, lambda p, _at: told.append(p)) for _ in range(2)]
    for ear in ears:
        ear.feed(ULAW_8K.silence * 2)
    await asyncio.sleep(0)  # the first round may be under way now
    for ear in ears:
        ear.close()
        ear.close()
    ears[0].feed(ULAW_8K.silence * 2)
    await hub.close()
    assert model.free_rows == 2
    assert not told


async def test_one_call_that_fails_does_not_silence_the_others() -> None:
    hub = VoiceActivity(SileroModel(rows=2))
    heard = asyncio.Event()

    def fail(_probability: float, _at: float) -> None:
        raise ValueError("a bug of one call")

    first = hub.listen(ULAW_8K, fail)
    second = hub.listen(ULAW_8K, lambda _p, _at: heard.set())
    first.feed(ULAW_8K.silence * 2)
    second.feed(ULAW_8K.silence * 2)
    await asyncio.wait_for(heard.wait(), 20)
    await hub.close()


async def test_a_soft_voice_after_a_loud_one_is_heard_once_it_has_been_quiet_in_between() -> None:
    loud = decode(speak_on(ULAW_8K, SENTENCE), ULAW_8K)
    soft = (loud * 0.03).astype(np.int16)
    pause = decode(noise_on(ULAW_8K, 1, 0.0002), ULAW_8K)
    [heard] = await heard_by_one_hub([encode(np.concatenate([loud, pause, soft]), ULAW_8K)], ULAW_8K)
    assert np.mean(np.array(heard[-len(soft) // 256 :]) > 0.5) > 0.5


async def test_two_seconds_of_silence_start_a_row_afresh() -> None:
    hub = VoiceActivity(SileroModel(rows=1))
    ear = hub.listen(L16_8K, lambda _p, _at: None)
    wanted = []
    for _ in range(FORGET_AFTER_WINDOWS):
        ear.tell(0.01, 0)
        wanted.append(ear.wants_fresh_row)
    assert wanted == [False] * (FORGET_AFTER_WINDOWS - 1) + [True]
    await hub.close()


def onset(probabilities: list[float]) -> int:
    """The first of three windows in a row that hold speech."""
    spoken = [probability >= 0.5 for probability in probabilities]
    return next(place for place in range(len(spoken)) if all(spoken[place : place + 3]))


@FORMATS
@pytest.mark.parametrize("loudness", [1.0, 0.3, 0.1])
async def test_sparing_the_model_in_quiet_delays_no_speech(audio_format: AudioFormat, loudness: float) -> None:
    spoken = decode(speak_on(audio_format, SENTENCE), audio_format) * loudness
    speech = encode(spoken.astype(np.int16), audio_format)
    audio = noise_on(audio_format, 3.0, 0.0003) + speech
    judged = judge_alone(SileroModel(rows=1), audio, audio_format)
    model = CountingModel(rows=1)
    hub = VoiceActivity(model)
    told: asyncio.Queue[float] = asyncio.Queue()
    ear = hub.listen(audio_format, lambda p, _at: told.put_nowait(p))
    heard: list[float] = []
    async with asyncio.timeout(20):
        while len(heard) < len(judged):
            size = window_shape(audio_format).window * audio_format.bytes_per_sample
            ear.feed(audio[len(heard) * size : (len(heard) + 1) * size])
            heard.append(await told.get())
    await hub.close()
    assert abs(onset(heard) - onset(judged)) <= 1
    assert model.judged < len(judged) - 70


class CountingModel(SileroModel):
    judged = 0

    def judge(self, rows: Sequence[int], windows: Sequence[bytes], audio_format: AudioFormat) -> list[float]:
        self.judged += len(rows)
        return super().judge(rows, windows, audio_format)


async def test_quiet_is_told_for_what_it_is() -> None:
    for audio_format in (ULAW_8K, L16_16K):
        assert is_quiet(audio_format.silence, audio_format)
        assert is_quiet(encode(np.full(100, -50, np.int16), audio_format), audio_format)
        assert not is_quiet(encode(np.array([0, 0, 80], np.int16), audio_format), audio_format)
        assert not is_quiet(encode(np.array([0, -80, 0], np.int16), audio_format), audio_format)
