"""What the agent says on one line: utterances queued, paced by the wheel, cut or held back when the caller speaks.

Sound is sent in real time, so the caller has heard all but the frame or so that is on its way: `heard` is what was
sent less what a player that began with the first frame would not have played yet.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from voiceera.clock import monotonic
from voiceera.engine.line import Line
from voiceera.engine.send_wheel import SLOT_SECONDS, SLOTS, SendWheel

MOST_BEHIND = 10
"""Frames. A sender that is later than this (a frozen process) lets the lost time go instead of catching up."""
KEPT_FRAMES = 2 * MOST_BEHIND
"""Sent frames that are kept, for going on from the last sample heard."""


class AgentTrack(Protocol):
    """Where the agent's side is recorded."""

    def agent(self, audio: bytes, at: float) -> None: ...


@dataclass(frozen=True)
class Cut:
    """The utterance that was being spoken when all was dropped, and how much of it the caller heard."""

    tag: str
    heard_ms: float


class _Utterance:
    """Audio that belongs together. Chunks stay as they came: a cached greeting is shared by all calls."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.is_whole = False
        self.has_begun = False
        self.sent_bytes = 0
        self.waiting_bytes = 0
        self._chunks: deque[bytes] = deque()
        self._offset = 0
        self._sent: deque[bytes] = deque(maxlen=KEPT_FRAMES)

    def append(self, audio: bytes) -> None:
        if audio:
            self._chunks.append(audio)
            self.waiting_bytes += len(audio)

    def next_frame(self, size: int) -> bytes | None:
        """The next `size` bytes; fewer at the very end; None if they are not there (yet)."""
        if self.waiting_bytes < size and not (self.is_whole and self.waiting_bytes):
            return None
        size = min(size, self.waiting_bytes)
        first = self._chunks[0]
        end = self._offset + size
        frame = first[self._offset : end] if end <= len(first) else self._gather(size)
        self._skip(size)
        self.waiting_bytes -= size
        self.sent_bytes += size
        self._sent.append(frame)
        return frame

    def take_back(self, size: int) -> None:
        """The last `size` bytes sent were not heard: they come first again."""
        together = b"".join(self._sent)
        size = min(size, len(together))
        if size:
            if self._offset:
                self._chunks[0] = self._chunks[0][self._offset :]
                self._offset = 0
            self._chunks.appendleft(together[-size:])
            self.waiting_bytes += size
            self.sent_bytes -= size
        self._sent.clear()

    def _gather(self, size: int) -> bytes:
        parts, missing, offset = [], size, self._offset
        for chunk in self._chunks:
            part = chunk[offset : offset + missing]
            parts.append(part)
            missing -= len(part)
            offset = 0
            if not missing:
                break
        return b"".join(parts)

    def _skip(self, size: int) -> None:
        self._offset += size
        while self._chunks and self._offset >= len(self._chunks[0]):
            self._offset -= len(self._chunks.popleft())


class Playback:
    """The agent's mouth on one line. All methods and callbacks belong to the event loop's thread.

    `on_first_frame(tag, at)`: the first frame of an utterance is sent now. `on_finished(tag, at)`: the whole
    utterance has been heard. Times are `clock`'s. Both may come from within `append` and `finish`.
    """

    def __init__(
        self,
        line: Line,
        wheel: SendWheel,
        *,
        on_first_frame: Callable[[str, float], None],
        on_finished: Callable[[str, float], None],
        recorder: AgentTrack | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._line = line
        self._wheel = wheel
        self._on_first_frame = on_first_frame
        self._on_finished = on_finished
        self._recorder = recorder
        self._clock = clock
        self._frame_bytes = line.audio_format.frame_bytes
        self._sample_bytes = line.audio_format.bytes_per_sample
        self._bytes_per_second = line.audio_format.sample_rate * self._sample_bytes
        self._queue: deque[_Utterance] = deque()
        self._dropped: set[str] = set()
        self._is_on_wheel = False
        self._first_slot = 0
        self._frames_since_join = 0
        self._heard_until = 0.0
        self.is_paused = False

    @property
    def is_speaking(self) -> bool:
        """Something is being said or waits to be said, paused or not."""
        return bool(self._queue)

    @property
    def current(self) -> str | None:
        """The tag of the utterance at the front."""
        return self._queue[0].tag if self._queue else None

    @property
    def heard_ms(self) -> float:
        """How much of the current utterance the caller has heard."""
        if not self._queue:
            return 0.0
        return max(0.0, 1000 * (self._queue[0].sent_bytes - self._unheard_bytes()) / self._bytes_per_second)

    def append(self, tag: str, audio: bytes) -> None:
        """More sound, any size, in the line's format; a new tag begins a new utterance behind the others.

        What comes late for an utterance that was cleared is ignored, so a tag names one utterance of a call.
        """
        if tag not in self._dropped:
            self._utterance(tag).append(audio)
            self._go()

    def finish(self, tag: str) -> None:
        """All of this utterance's sound has been appended."""
        if tag not in self._dropped:
            self._utterance(tag).is_whole = True
            self._go()

    def pause(self) -> None:
        """Fall silent at once and drop what the carrier holds; `resume` goes on from the last sample heard."""
        if self.is_paused:
            return
        self.is_paused = True
        self._fall_silent()

    def resume(self) -> None:
        if self.is_paused:
            self.is_paused = False
            self._go()

    def clear(self) -> Cut | None:
        """Fall silent at once and drop everything. None if nothing was being said."""
        self._fall_silent()
        self.is_paused = False
        cut = Cut(self._queue[0].tag, self.heard_ms) if self._queue else None
        self._dropped.update(utterance.tag for utterance in self._queue)
        self._queue.clear()
        return cut

    def close(self) -> None:
        """The call is over: leave the wheel, send nothing more."""
        self._leave()
        self._queue.clear()

    # ── pacing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def on_slot(self, slot: int) -> None:
        """The wheel's visit, every 20 ms."""
        behind = (slot - self._first_slot) // SLOTS + 1 - self._frames_since_join
        if behind > MOST_BEHIND:
            self._first_slot += (behind - 1) * SLOTS
            behind = 1
        for _ in range(min(behind, 2)):
            if not self._send_next():
                self._frames_since_join += behind  # nothing to say is no debt
                return

    def _go(self) -> None:
        """Start speaking if there is something to say and we are silent; the first frame leaves at once."""
        if self._is_on_wheel or self.is_paused or not self._queue:
            return
        self._is_on_wheel = True
        self._first_slot = self._wheel.join(self)
        self._frames_since_join = 0
        self._send_next()

    def _send_next(self) -> bool:
        """Send one frame. False when there is none: then the wheel is left until there is."""
        now = self._clock()
        while self._queue:
            utterance = self._queue[0]
            frame = utterance.next_frame(self._frame_bytes)
            if frame is not None:
                self._send(utterance, frame, now)
                return True
            if not utterance.is_whole:
                break  # its sound comes slower than it is spoken
            if len(self._queue) == 1 and self._heard_until > now + SLOT_SECONDS:
                return False  # the last frame is still being heard; the next visit ends it
            self._queue.popleft()
            self._on_finished(utterance.tag, now)
            if self.is_paused or not self._is_on_wheel:
                return False  # the callback decided otherwise
        self._leave()
        self._line.flush()
        return False

    def _send(self, utterance: _Utterance, frame: bytes, now: float) -> None:
        self._frames_since_join += 1
        self._heard_until = max(self._heard_until, now) + len(frame) / self._bytes_per_second
        self._line.send_audio(frame)
        if self._recorder is not None:
            self._recorder.agent(frame, now)
        if not utterance.has_begun:
            utterance.has_begun = True
            self._on_first_frame(utterance.tag, now)

    def _fall_silent(self) -> None:
        was_on_wheel = self._is_on_wheel
        self._leave()
        if self._queue and self._queue[0].sent_bytes:
            self._queue[0].take_back(self._unheard_bytes())
        if was_on_wheel or self._heard_until > self._clock():
            self._line.clear()
        self._heard_until = self._clock()

    def _unheard_bytes(self) -> int:
        seconds = max(0.0, self._heard_until - self._clock())
        samples = int(seconds * self._line.audio_format.sample_rate)
        return samples * self._sample_bytes

    def _leave(self) -> None:
        if self._is_on_wheel:
            self._is_on_wheel = False
            self._wheel.leave(self)

    def _utterance(self, tag: str) -> _Utterance:
        """The utterance of this tag, made at the end of the queue if there is none."""
        for utterance in self._queue:
            if utterance.tag == tag:
                return utterance
        utterance = _Utterance(tag)
        self._queue.append(utterance)
        return utterance
