"""When the caller starts and stops speaking, from the voice activity of 32 ms windows."""

from dataclasses import dataclass

from voiceera.rules.turn_events import SpeechStarted, SpeechStopped, SpeechSustained

WINDOW_SECONDS = 0.032


@dataclass(frozen=True)
class SegmentRules:
    """Speech starts when windows in a row, each at `start` or above, add up to `sure`: two that are clear, three of
    one half each, five that are doubtful. It stops with `stop_windows` in a row below `stop`.

    It is sustained after `sustained` seconds of it, pauses not counted.
    """

    start: float = 0.3
    sure: float = 1.5
    stop: float = 0.35
    stop_windows: int = 9
    sustained: float = 0.3


class SpeechSegments:
    """Hysteresis: probabilities in, starts and stops out. Between the thresholds nothing changes."""

    def __init__(self, rules: SegmentRules | None = None) -> None:
        self._rules = rules or SegmentRules()
        self._run = 0
        self._evidence = 0.0
        self._speech_windows = self._sustained_at = 0
        self.last_speech = 0.0
        """Arrival of the last window that held speech."""
        self.speaking = False

    def window(self, probability: float, at: float) -> SpeechStarted | SpeechSustained | SpeechStopped | None:
        """The next window, whose last sample arrived at `at` (seconds)."""
        return self._while_speaking(probability, at) if self.speaking else self._while_silent(probability, at)

    def _while_silent(self, probability: float, at: float) -> SpeechStarted | None:
        if probability < self._rules.start:
            self._run, self._evidence = 0, 0.0
            return None
        self._run += 1
        self._evidence += probability
        if self._evidence < self._rules.sure:
            return None
        began = at - self._run * WINDOW_SECONDS
        self._speech_windows = self._run
        self._sustained_at = max(self._run + 1, round(self._rules.sustained / WINDOW_SECONDS))
        self.speaking, self._run, self._evidence, self.last_speech = True, 0, 0.0, at
        return SpeechStarted(began)

    def _while_speaking(self, probability: float, at: float) -> SpeechSustained | SpeechStopped | None:
        if probability >= self._rules.stop:
            self._run, self.last_speech = 0, at
            self._speech_windows += 1
            return SpeechSustained() if self._speech_windows == self._sustained_at else None
        self._run += 1
        if self._run < self._rules.stop_windows:
            return None
        self.speaking, self._run = False, 0
        return SpeechStopped(self.last_speech)
