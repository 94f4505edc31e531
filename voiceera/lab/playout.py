"""What the callee hears: a buffer of the agent's sound, drained 20 ms at a time, as the carrier's far end does."""

from collections import deque

from voiceera.rules.audio import AudioFormat

_PREFILL_FRAMES = 2
"""A small jitter buffer: sound starts when so many frames are there, or as many turns after the first one."""


class Playout:
    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._buffer = bytearray()
        self._added = 0
        self._played = 0
        self._marks: deque[tuple[int, str]] = deque()
        self._playing = False
        self._waited = 0

    @property
    def buffered_ms(self) -> float:
        return len(self._buffer) / self._format.bytes_per_sample / self._format.sample_rate * 1000

    def add(self, audio: bytes) -> None:
        self._buffer += audio
        self._added += len(audio)

    def mark(self, name: str) -> None:
        """`turn` names it when all that was added before has been played."""
        self._marks.append((self._added, name))

    def clear(self) -> tuple[float, list[str]]:
        """Drop what has not been played; answers how many milliseconds that was, and the marks that went with it."""
        dropped = self.buffered_ms
        marks = [name for _, name in self._marks]
        self._buffer.clear()
        self._marks.clear()
        self._played = self._added
        self._playing = False
        self._waited = 0
        return dropped, marks

    def turn(self) -> tuple[bytes | None, list[str]]:
        """The next 20 ms (None: nothing is played) and the marks that it reaches."""
        frame = self._next_frame()
        reached = []
        while self._marks and self._marks[0][0] <= self._played:
            reached.append(self._marks.popleft()[1])
        return frame, reached

    def _next_frame(self) -> bytes | None:
        size = self._format.frame_bytes
        if not self._buffer:
            self._playing = False
            self._waited = 0
            return None
        if not self._playing:
            self._waited += 1
            if len(self._buffer) < _PREFILL_FRAMES * size and self._waited <= _PREFILL_FRAMES:
                return None
            self._playing = True
        frame = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._played += len(frame)
        return frame if len(frame) == size else frame + self._format.silence[len(frame) :]
