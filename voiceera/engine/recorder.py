"""Both sides of a call on disk as it goes: caller left, agent right, aligned by the clock, one second at a time.

A frame's place in the file is the moment it was heard or sent. Frames that never came leave silence of the same
length; frames that came late, in a burst, take the place of the silence that was put in for them. A second is written
half a second after it has passed, so a process that is killed costs a call at most about two seconds of sound.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from voiceera.engine.wav_file import WavFile
from voiceera.rules.audio import AudioFormat, decode, is_below
from voiceera.rules.calls import RecordingFile

TOLERANCE_SECONDS = 0.06
"""Frames this much off their time are set side by side: networks jitter."""
GRACE_SECONDS = 0.5
"""How long a second stays open for late frames."""
MOST_AHEAD_SECONDS = 2.0
"""A sender that is further ahead of the clock is flooding us: its frames are not kept."""
MOST_UNWRITTEN_BLOCKS = 30
"""Seconds of sound that may wait for a slow disk."""
_QUIET = 300
"""A frame whose samples all stay below this may be dropped to get back in time."""


class RecordingThread:
    """The one thread of a process that waits for the disk, for all its recordings."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "recordings")

    def close(self) -> None:
        """Returns when all that was handed over is written."""
        self.pool.shutdown(wait=True)


class _Track:
    """One side's sound that is not written yet, in the line's format. Positions are samples since the start."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._sample_bytes = audio_format.bytes_per_sample
        self._tolerance = int(TOLERANCE_SECONDS * audio_format.sample_rate)
        self._most_ahead = int(MOST_AHEAD_SECONDS * audio_format.sample_rate)
        self._silent_sample = audio_format.silence[: self._sample_bytes]
        self._sound = bytearray()
        self._written = 0
        self._gap_at = self._gap = 0
        """Where in `_sound` silence was last put in for missing frames, and how much; bytes."""

    @property
    def end(self) -> int:
        return self._written + len(self._sound) // self._sample_bytes

    def put(self, audio: bytes, start: int) -> None:
        """Sound that belongs at position `start`."""
        missing = start - self.end
        if missing > self._tolerance:
            self._gap_at, self._gap = len(self._sound), missing * self._sample_bytes
            self._sound += self._silent_sample * missing
        elif missing < 0 and self._gap:
            self._close_gap(-missing * self._sample_bytes)
        elif -missing > self._most_ahead or (-missing > self._tolerance and is_below(_QUIET, audio, self._format)):
            return
        self._sound += audio

    def take(self, samples: int) -> bytes:
        """The oldest `samples`; what is not there is silence."""
        size = samples * self._sample_bytes
        block = bytes(self._sound[:size])
        del self._sound[:size]
        self._gap = max(0, self._gap - max(0, size - self._gap_at))
        self._gap_at = max(0, self._gap_at - size)
        self._written += samples
        return block + self._silent_sample * ((size - len(block)) // self._sample_bytes)

    def _close_gap(self, size: int) -> None:
        size = min(size, self._gap)
        end = self._gap_at + self._gap
        del self._sound[end - size : end]
        self._gap -= size


class Recorder:
    """One call's recording. Calls come from the event loop's thread and never wait nor raise.

    `started_at` is the instant of the file's first sample, on the clock that all other times are of.
    """

    def __init__(self, path: str, audio_format: AudioFormat, thread: RecordingThread, started_at: float) -> None:
        self._format = audio_format
        self._started_at = started_at
        self._file = WavFile(path, audio_format.sample_rate)
        self._thread = thread
        self._caller, self._agent = _Track(audio_format), _Track(audio_format)
        self._handed_over = 0
        self._blocks_handed_over = 0
        self._blocks_written = 0
        """Counted by the thread alone."""
        self._is_muted = False
        self._next_block_at = started_at + 1 + GRACE_SECONDS
        thread.pool.submit(self._file.open)

    @property
    def fault(self) -> str | None:
        """Why there is no recording, or not all of it."""
        return self._file.fault

    def offset_ms(self, at: float) -> int:
        """Milliseconds from the start of the recording."""
        return max(0, round((at - self._started_at) * 1000))

    def mute(self, on: bool) -> None:
        """From now on, or no longer, silence is recorded in place of what is heard and said."""
        self._is_muted = on

    def caller(self, audio: bytes, at: float) -> None:
        """Sound that has arrived by `at`: it was spoken just before."""
        audio = self._muted(audio)
        self._caller.put(audio, self._position(at) - len(audio) // self._format.bytes_per_sample)
        if at >= self._next_block_at:
            self._hand_over_until(at - GRACE_SECONDS)

    def agent(self, audio: bytes, at: float) -> None:
        """Sound that is sent at `at`: it is heard from then on."""
        audio = self._muted(audio)
        self._agent.put(audio, self._position(at))
        if at >= self._next_block_at:
            self._hand_over_until(at - GRACE_SECONDS)

    async def close(self, at: float) -> RecordingFile:
        """End the file at `at`."""
        self._hand_over_until(at)
        rest = max(self._position(at), self._caller.end) - self._handed_over
        if rest > 0:
            self._hand_over(rest)
        await asyncio.get_running_loop().run_in_executor(self._thread.pool, self._file.close)
        file = self._file
        return RecordingFile(file.path, file.sample_rate, 2, file.duration_seconds, file.size_bytes, file.fault)

    def _muted(self, audio: bytes) -> bytes:
        if not self._is_muted:
            return audio
        sample = self._format.silence[: self._format.bytes_per_sample]
        return sample * (len(audio) // self._format.bytes_per_sample)

    def _position(self, at: float) -> int:
        return max(0, round((at - self._started_at) * self._format.sample_rate))

    def _hand_over_until(self, at: float) -> None:
        second = self._format.sample_rate
        while self._position(at) - self._handed_over >= second:
            self._hand_over(second)
        self._next_block_at = self._started_at + self._handed_over / second + 1 + GRACE_SECONDS

    def _hand_over(self, samples: int) -> None:
        self._handed_over += samples
        caller, agent = self._caller.take(samples), self._agent.take(samples)
        if self._file.fault:
            return
        if self._blocks_handed_over - self._blocks_written >= MOST_UNWRITTEN_BLOCKS:
            self._file.fail("the disk is too slow")
            return
        self._blocks_handed_over += 1
        self._thread.pool.submit(self._write, caller, agent)

    def _write(self, caller: bytes, agent: bytes) -> None:
        left, right = decode(caller, self._format), decode(agent, self._format)
        both = np.empty((len(left), 2), "<i2")
        both[:, 0], both[:, 1] = left, right
        self._file.append(both.tobytes())
        self._blocks_written += 1
