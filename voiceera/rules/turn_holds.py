"""A call on hold: the caller wants silence both ways. Nothing is asked, heard or said until it goes on; only the
longest duration runs."""

from voiceera.rules.turn_endings import TurnEndings
from voiceera.rules.turn_events import (
    Beeped,
    Command,
    Digit,
    Event,
    Forget,
    MachineAnswered,
    Partial,
    SpeechStarted,
    SpeechStopped,
    SpeechSustained,
    Timer,
    TimerFired,
    Words,
)
from voiceera.rules.turn_state import Floor

_UNHEARD = SpeechStarted | SpeechSustained | SpeechStopped | Partial | Digit | MachineAnswered | Beeped


class TurnHolds(TurnEndings):
    def _put_on_hold(self, at: float) -> list[Command]:
        if self._is_on_hold or self._ending is not None or self._awaits_beep:
            return []
        self._is_on_hold = True
        is_speaking, self._speaking_since = self._speaking_since is not None, None
        self._stop(*(timer for timer in Timer if timer is not Timer.DURATION))
        if self.floor is Floor.HEARING:  # what was said until now counts, and is answered later
            return self._recognize(at) if is_speaking else []
        return [*([Forget()] if is_speaking else []), *self._hold(at)]

    def _on_hold(self, event: Event) -> list[Command] | None:
        """None: as in any conversation."""
        match event:
            case Words() as words:
                if self._utterance is not None:
                    self._utterance.words.append(words)
                return []
            case TimerFired(timer):
                return None if timer is Timer.DURATION else []
        return [] if isinstance(event, _UNHEARD) else None
