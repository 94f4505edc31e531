"""Who speaks: one voice-activity model for all calls of a process, fed in batches from a worker thread.

A call opens an `Ear` and feeds it the line's frames; for each 32 ms window the ear says how likely it holds speech.
Windows that are ready at about the same time go through the model together, at most one round every 10 ms: a third of
the cost of each alone. A lone call's windows do not wait, and a line that has fallen quiet costs the model nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from queue import SimpleQueue
from threading import Thread

from voiceera.clock import monotonic
from voiceera.engine.silero import WINDOW_SECONDS, SileroModel, peaks, window_shape
from voiceera.log import get_logger
from voiceera.rules.audio import AudioFormat, is_below

ROUND_SECONDS = 0.010
LARGEST_ROUND = 64
ROUNDS_AT_ONCE = 8
"""So many are handed to the thread together when windows have piled up: each hand-over waits for two threads to be
scheduled, which takes long on a machine that is busy."""
SURELY_SILENT = 0.15
FORGET_AFTER_WINDOWS = round(2 / WINDOW_SECONDS)
"""Long silence dulls the model's memory: after about two seconds of clear non-speech a row starts afresh."""

QUIET = 64
"""Samples below this (-54 dB of full scale) are no speech anybody could hear on a telephone."""
SPARED_AFTER_WINDOWS = 8
"""After so many silent windows, quiet ones are spared the model: a quarter of a second."""
AFTERGLOW = 0.05
"""A window this much softer (-26 dB) than the speech before it only seems to hold some: the model takes two to five
windows to notice that speech has ended, and the caller waits for the answer meanwhile."""
AFTERGLOW_PROBABILITY = 0.3
"""The most that such a window is told to be: too little to be speech, enough not to break off a beginning."""
_SPEECH = 0.5
_FADE = 0.97
"""How the measure of loudness follows a voice that falls, for each window of speech."""

OnWindow = Callable[[float, float], None]
"""(probability of speech in 0–1, `clock` time at which the window's last frame arrived)"""

log = get_logger("voice_activity")


class Ear:
    """One call's ear. All methods belong to the event loop's thread."""

    def __init__(self, hub: "VoiceActivity", audio_format: AudioFormat, row: int, on_window: OnWindow) -> None:
        self.audio_format = audio_format
        self.row = row
        self.on_window = on_window
        self.is_closed = False
        self.wants_fresh_row = False
        self.was_spared = False
        self._hub = hub
        self._window_bytes = window_shape(audio_format).window * audio_format.bytes_per_sample
        self._pending = bytearray()
        self.windows_on_their_way = 0
        self.waiting: deque[tuple[bytes, float]] = deque()
        """Windows that no round has taken yet, and when they arrived."""
        self._silent_windows = 0
        self._loudness = 0.0
        """The peak of the speech that is under way."""

    def feed(self, frame: bytes) -> None:
        """Audio in the line's format, any size. The hot path."""
        pending = self._pending
        pending += frame
        size = self._window_bytes
        while len(pending) >= size:
            window = bytes(pending[:size])
            del pending[:size]
            if self.is_closed:
                return
            if self._is_spared(window):
                self.was_spared = True
                self._hub.spare(self)
            else:
                self.windows_on_their_way += 1
                self._hub.enqueue(self, window)

    def close(self) -> None:
        """No more windows will be told; the row is free once the model has let go of it."""
        if not self.is_closed:
            self.is_closed = True
            self._pending.clear()
            self.waiting.clear()
            self._hub.release(self)

    def _is_spared(self, window: bytes) -> bool:
        """Quiet after silence, and nothing on its way that must be told first."""
        return (
            self._silent_windows >= SPARED_AFTER_WINDOWS
            and not self.windows_on_their_way
            and is_quiet(window, self.audio_format)
        )

    def tell(self, probability: float, at: float, peak: float = 0.0) -> None:
        """A window whose largest sample is `peak` has been judged."""
        if probability < SURELY_SILENT:
            self._silent_windows += 1
            if self._silent_windows == SPARED_AFTER_WINDOWS:
                self._loudness = 0.0
            if self._silent_windows % FORGET_AFTER_WINDOWS == 0:
                self.wants_fresh_row = True
        else:
            self._silent_windows = 0
            if probability >= _SPEECH:
                self._loudness = max(_FADE * self._loudness, peak)
            if peak < AFTERGLOW * self._loudness:
                probability = min(probability, AFTERGLOW_PROBABILITY)
        self.on_window(probability, at)


_Window = tuple[Ear, bytes, float]
_Judged = tuple[Ear, float, float, float]
"""Ear, arrival, probability, peak."""
_Work = tuple[list[list[_Window]], AudioFormat]
"""Rounds: no ear stands twice in one, and those of an ear follow each other in time."""


def is_quiet(window: bytes, audio_format: AudioFormat) -> bool:
    """Whether all samples are below `QUIET`."""
    return is_below(QUIET, window, audio_format)


class VoiceActivity:
    """The hub of all ears. Made in the event loop it serves; `close` ends its thread."""

    def __init__(self, model: SileroModel | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._model = model or SileroModel()
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = Thread(target=self._judge_all, name="voice-activity", daemon=True)
        self._thread.start()
        self._waiting: dict[AudioFormat, dict[Ear, None]] = {}
        """Ears with waiting windows, in the order of their turns."""
        self._in_model: frozenset[Ear] = frozenset()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._last_round = float("-inf")
        self._is_closed = False

    def listen(self, audio_format: AudioFormat, on_window: OnWindow) -> Ear:
        """Open an ear; `on_window` is called on the loop. Raises Unavailable when too many are open."""
        return Ear(self, audio_format, self._model.take_row(), on_window)

    async def close(self) -> None:
        """Wait for the round under way; no window is told after it."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._idle.wait()
        self._work.put(None)
        self._thread.join()

    def enqueue(self, ear: Ear, window: bytes) -> None:
        ear.waiting.append((window, self._clock()))
        self._waiting.setdefault(ear.audio_format, {})[ear] = None
        self._plan_round()

    def spare(self, ear: Ear) -> None:
        """A window that needs no model."""
        self._tell(ear, 0.0, self._clock(), 0.0)

    def release(self, ear: Ear) -> None:
        if ear not in self._in_model:
            self._model.give_back(ear.row)

    def _plan_round(self) -> None:
        if self._timer is None and not self._in_model and not self._is_closed:
            wait = max(0.0, self._last_round + ROUND_SECONDS - self._clock())
            self._timer = self._loop.call_later(wait, self._start_round)

    def _start_round(self) -> None:
        """Send the oldest waiting window of up to 64 ears of one format through the model; and what waits behind."""
        self._timer = None
        self._last_round = self._clock()
        audio_format = next(iter(self._waiting), None)
        if audio_format is None:
            return
        ears = self._waiting.pop(audio_format)
        rounds: list[list[_Window]] = []
        while ears and len(rounds) < ROUNDS_AT_ONCE:
            rounds.append(_oldest_windows(ears))
        if ears:
            self._waiting[audio_format] = ears  # behind the other formats: they take turns
        if any(rounds):
            self._run([windows for windows in rounds if windows], audio_format)
        elif self._waiting:
            self._plan_round()

    def _run(self, rounds: list[list[_Window]], audio_format: AudioFormat) -> None:
        self._in_model = frozenset(ear for windows in rounds for ear, _, _ in windows)
        for ear in self._in_model:
            if ear.was_spared:
                self._model.rest(ear.row, audio_format)
            elif ear.wants_fresh_row:
                self._model.forget(ear.row)
            ear.wants_fresh_row = ear.was_spared = False
        self._idle.clear()
        self._work.put((rounds, audio_format))

    def _judge_all(self) -> None:
        """The thread's work, until there is None."""
        while (work := self._work.get()) is not None:
            rounds, audio_format = work
            judged: list[_Judged] = []
            for windows in rounds:
                try:
                    judged += self._judge(windows, audio_format)
                except Exception:  # the model must go on for all other rounds
                    log.exception("voice_activity_failed")
            try:
                self._loop.call_soon_threadsafe(self._finish, rounds, judged)
            except RuntimeError:  # the loop was closed without us
                return

    def _judge(self, windows: list[_Window], audio_format: AudioFormat) -> list[_Judged]:
        sounds = [sound for _, sound, _ in windows]
        probabilities = self._model.judge([ear.row for ear, _, _ in windows], sounds, audio_format)
        told = zip(windows, probabilities, peaks(sounds, audio_format), strict=True)
        return [(ear, at, probability, peak) for (ear, _, at), probability, peak in told]

    def _finish(self, rounds: list[list[_Window]], judged: list[_Judged]) -> None:
        ears, self._in_model = self._in_model, frozenset()
        self._idle.set()
        for ear in ears:
            if ear.is_closed:
                self._model.give_back(ear.row)
        for windows in rounds:
            for ear, _, _ in windows:
                ear.windows_on_their_way -= 1
        for ear, at, probability, peak in judged:
            self._tell(ear, probability, at, peak)
        if self._waiting:
            if self._is_behind():
                self._last_round = float("-inf")  # the next one follows at once, else load would pile up
            self._plan_round()

    def _is_behind(self) -> bool:
        """More is waiting than a round takes, or a call has more than one window waiting."""
        return any(
            len(ears) >= LARGEST_ROUND or any(len(ear.waiting) > 1 for ear in ears) for ears in self._waiting.values()
        )

    def _tell(self, ear: Ear, probability: float, at: float, peak: float) -> None:
        if ear.is_closed:
            return
        try:
            ear.tell(probability, at, peak)
        except Exception:  # one call's fault must not silence the others
            log.exception("on_window_failed")


def _oldest_windows(ears: dict[Ear, None]) -> list[_Window]:
    """Take one window of each of the first 64 ears; those that have more go behind the others, the rest leave."""
    windows: list[_Window] = []
    for ear in list(islice(ears, LARGEST_ROUND)):
        del ears[ear]
        if ear.waiting:  # else it was closed
            windows.append((ear, *ear.waiting.popleft()))
        if ear.waiting:
            ears[ear] = None
    return windows
