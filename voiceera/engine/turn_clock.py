"""Where the time goes between the caller's last sample and the agent's first one."""

from voiceera.rules.calls import TurnLatency
from voiceera.rules.turn_events import CallerTurn, Opening, Silence


class LatencyOfTurns:
    """Stands beside one call's turns and notes the times. Only a reply to spoken words has a latency.

    All times are the engine's seconds. Parts: the silence that was waited for; the recognizer, as far as it took
    longer than that; the brain up to its first sentence; the synthesizer up to its first sound; the rest is ours.
    """

    def __init__(self) -> None:
        self._asked = self._words = 0.0
        self._turn: CallerTurn | None = None
        self._taken = 0.0
        self._sentence: float | None = None
        self._sound: float | None = None
        self._latency: TurnLatency | None = None

    def words_asked(self, at: float) -> None:
        """The recognizer is asked for its final words."""
        self._asked = at

    def words_came(self, at: float) -> None:
        self._words = at

    def thinks_about(self, about: Opening | CallerTurn | Silence, at: float) -> None:
        """A reply begins."""
        self._turn = about if isinstance(about, CallerTurn) and not about.digits else None
        self._taken, self._sentence, self._sound, self._latency = at, None, None, None

    def first_sentence(self, at: float) -> None:
        if self._sentence is None:
            self._sentence = at

    def first_sound(self, at: float) -> None:
        if self._sound is None:
            self._sound = at

    def sent(self, at: float) -> None:
        """A sentence's first frame goes out; only the first one of a reply counts."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        sentence = self._sentence if self._sentence is not None else at
        sound = self._sound if self._sound is not None else at
        total = at - turn.ended
        stt = max(0.0, self._words - max(self._asked, turn.ended + turn.endpointing))
        brain, tts = sentence - self._taken, sound - sentence
        platform = total - turn.endpointing - stt - brain - tts
        parts = (total, turn.endpointing, stt, brain, tts, platform)
        self._latency = TurnLatency(*(round(1000 * seconds, 1) for seconds in parts))

    def take(self) -> TurnLatency | None:
        """The latency of the turn that is over."""
        latency, self._latency = self._latency, None
        return latency
