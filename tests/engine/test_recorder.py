import os
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voiceera.engine.recorder import Recorder, RecordingThread
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat, Pcm, encode
from voiceera.rules.calls import RecordingFile

START = 50.0


@pytest.fixture
def thread() -> Iterator[RecordingThread]:
    thread = RecordingThread()
    yield thread
    thread.close()


def tone(value: int, audio_format: AudioFormat, frames: int = 1) -> bytes:
    """A frame of one sample value: easy to find again."""
    return encode(np.full(frames * audio_format.frame_samples, value, np.int16), audio_format)


def sides(recording: RecordingFile) -> tuple[Pcm, Pcm]:
    samples, rate = soundfile.read(recording.path, dtype="int16")
    assert rate == recording.sample_rate
    return samples[:, 0], samples[:, 1]


def where(side: Pcm, rate: int) -> tuple[float, float]:
    """Seconds at which the loud part begins and ends."""
    loud = np.flatnonzero(np.abs(side.astype(int)) > 1000)
    return loud[0] / rate, (loud[-1] + 1) / rate


@pytest.mark.parametrize("audio_format", [ULAW_8K, L16_16K])
async def test_caller_is_left_and_agent_right_each_at_its_time(
    tmp_path: Path, thread: RecordingThread, audio_format: AudioFormat
) -> None:
    recorder = Recorder(str(tmp_path / "call.wav"), audio_format, thread, START)
    for number in range(200):  # four seconds
        at = START + 0.02 * (number + 1)
        recorder.caller(tone(8000 if 50 <= number < 100 else 0, audio_format), at)
        if 120 <= number < 150:
            recorder.agent(tone(-8000, audio_format), at - 0.02)
    recording = await recorder.close(START + 4)
    caller, agent = sides(recording)
    assert recording.fault is None
    assert recording.duration_seconds == 4.0
    assert recording.size_bytes == 44 + 4 * 4 * recording.sample_rate
    assert where(caller, recording.sample_rate) == (1.0, 2.0)
    assert where(agent, recording.sample_rate) == (2.4, 3.0)
    assert recorder.offset_ms(START + 2.4) == 2400


async def test_frames_that_never_came_leave_silence_of_their_length(tmp_path: Path, thread: RecordingThread) -> None:
    recorder = Recorder(str(tmp_path / "call.wav"), L16_8K, thread, START)
    for number in range(150):
        if not 25 <= number < 125:
            recorder.caller(tone(5000, L16_8K), START + 0.02 * (number + 1))
    caller, _ = sides(await recorder.close(START + 3))
    assert len(caller) == 24000
    loud = np.flatnonzero(caller)
    assert len(loud) == 50 * 160
    assert (loud < 4000).sum() == 4000
    assert (loud >= 20000).sum() == 4000


async def test_a_burst_of_late_frames_takes_the_place_of_the_silence(tmp_path: Path, thread: RecordingThread) -> None:
    recorder = Recorder(str(tmp_path / "call.wav"), L16_8K, thread, START)
    for number in range(150):
        held = 60 <= number < 75
        at = START + 0.02 * (76 if held else number + 1)
        recorder.caller(tone(number + 1, L16_8K), at)
    caller, _ = sides(await recorder.close(START + 3))
    assert len(caller) == 24000
    assert (caller == np.repeat(np.arange(1, 151), 160)).all()


async def test_jitter_within_the_tolerance_is_not_heard(tmp_path: Path, thread: RecordingThread) -> None:
    random = np.random.default_rng(3)
    recorder = Recorder(str(tmp_path / "call.wav"), L16_8K, thread, START)
    for number in range(100):
        recorder.caller(tone(number + 1, L16_8K), START + 0.02 * (number + 1) + float(random.uniform(0, 0.04)))
    caller, _ = sides(await recorder.close(START + 2))
    assert (caller[: 100 * 160] == np.repeat(np.arange(1, 101), 160)).all()


async def test_a_flood_of_frames_is_not_kept(tmp_path: Path, thread: RecordingThread) -> None:
    recorder = Recorder(str(tmp_path / "call.wav"), ULAW_8K, thread, START)
    for _ in range(5000):
        recorder.caller(tone(8000, ULAW_8K), START + 1)
    recording = await recorder.close(START + 1)
    assert recording.duration_seconds < 4


async def test_a_path_that_cannot_be_written_costs_the_recording_and_says_so(
    tmp_path: Path, thread: RecordingThread
) -> None:
    recorder = Recorder(str(tmp_path / "nowhere" / "call.wav"), ULAW_8K, thread, START)
    for number in range(200):
        recorder.caller(tone(8000, ULAW_8K), START + 0.02 * number)
    recording = await recorder.close(START + 4)
    assert recording.fault == "No such file or directory"
    assert recording.duration_seconds == 0


_KILLED = """
import asyncio, os, sys
from voiceera.engine.recorder import Recorder, RecordingThread
from voiceera.rules.audio import ULAW_8K, encode
import numpy as np
thread = RecordingThread()
recorder = Recorder(sys.argv[1], ULAW_8K, thread, 0.0)
frame = encode(np.full(160, 8000, np.int16), ULAW_8K)
for number in range(500):
    recorder.caller(frame, 0.02 * (number + 1))
    recorder.agent(frame, 0.02 * number)
thread.pool.submit(lambda: print("written", flush=True)).result()
sys.stdin.read()
"""


def test_a_killed_process_leaves_a_playable_file(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        os.kill(process.pid, signal.SIGKILL)
    samples, rate = soundfile.read(path, dtype="int16")
    assert (rate, samples.shape[1]) == (8000, 2)
    assert 8.0 <= len(samples) / rate <= 10.0  # ten seconds were heard: at most two are lost
    assert (np.abs(samples) > 7000).all()


_DISK_FULL = """
import asyncio, resource, signal, sys
from voiceera.engine.recorder import Recorder, RecordingThread
from voiceera.rules.audio import ULAW_8K
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
async def main():
    thread = RecordingThread()
    recorder = Recorder(sys.argv[1], ULAW_8K, thread, 0.0)
    for number in range(500):
        recorder.caller(ULAW_8K.silence, 0.02 * (number + 1))
    recording = await recorder.close(10.0)
    thread.close()
    print(recording.fault, recording.size_bytes)
asyncio.run(main())
"""


def test_a_full_disk_keeps_what_was_written_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    ended = subprocess.run([sys.executable, "-c", _DISK_FULL, str(path)], capture_output=True, check=True, text=True)
    assert ended.stdout.splitlines()[-1] == f"File too large {path.stat().st_size}"
    with wave.open(str(path)) as file:
        assert file.getnframes() == 3 * 8000
        assert len(file.readframes(100_000)) == 3 * 8000 * 4
