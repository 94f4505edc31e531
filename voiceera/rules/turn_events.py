"""The conversation's vocabulary: what happened (events) and what to do about it (commands).

Times are seconds on one steady clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from voiceera.rules.calls import HangupCause, TurnRecord
from voiceera.rules.expectation import Expectation


class Timer(StrEnum):
    ENDPOINT = "endpoint"
    """The caller has been silent long enough for the turn to be over."""
    DIGITS = "digits"
    """No further key is coming."""
    REPROMPT = "reprompt"
    SILENCE = "silence"
    DURATION = "duration"
    BEEP = "beep"
    """The machine will not beep any more."""
    FILLER = "filler"
    """The reply takes long to begin."""
    LAST_WORDS = "last_words"
    """The caller has talked on after our goodbye for long enough."""


# ── what happened: the line and the caller ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answered:
    """The line is open. The recording began a moment before: turns are timed from then."""

    recording_began: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    began: float


@dataclass(frozen=True, slots=True)
class SpeechSustained:
    """Speech has gone on for long enough to be no cough."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    ended: float
    """Arrival of the last window of speech; the event itself comes some silence later."""


@dataclass(frozen=True, slots=True)
class Partial:
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """The final words of one stretch of speech: the answer to one `Recognize`. Empty: it was noise."""

    text: str
    confidence: float | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Digit:
    key: str


@dataclass(frozen=True, slots=True)
class MachineAnswered:
    """An answering machine is on the line, or was all along."""


@dataclass(frozen=True, slots=True)
class Beeped:
    pass


@dataclass(frozen=True, slots=True)
class PutOnHold:
    """The caller wants silence both ways until further notice."""


@dataclass(frozen=True, slots=True)
class TakenOffHold:
    pass


@dataclass(frozen=True, slots=True)
class HangupRequested:
    """The caller hung up, or somebody outside ends the call."""

    cause: HangupCause


# ── what happened: the brain's reply, part by part ───────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Understood:
    """What the brain took the caller's turn for. At most one, before anything else."""

    step: str | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Expecting:
    """What answer is awaited from now on."""

    expectation: Expectation | None


@dataclass(frozen=True, slots=True)
class Sentence:
    """`recording`: the operator's own, by its name, of this text."""

    text: str
    interruptible: bool = True
    recording: str | None = None


@dataclass(frozen=True, slots=True)
class Private:
    """From now on, or no longer, nothing that is said is recorded, and the caller's words are written nowhere."""

    on: bool


@dataclass(frozen=True, slots=True)
class Language:
    """From now on the conversation is held in this one."""

    tag: str


@dataclass(frozen=True, slots=True)
class OptedOut:
    """The caller does not want to be called again. The call ends after what is said."""


@dataclass(frozen=True, slots=True)
class End:
    """The call ends after what is said."""

    disposition: str | None = None


@dataclass(frozen=True, slots=True)
class Transferred:
    """The carrier has connected the caller to somebody else: the conversation is over."""


@dataclass(frozen=True, slots=True)
class ReplyDone:
    pass


@dataclass(frozen=True, slots=True)
class ProviderFailed:
    """An outside party gave up for good. `speechless`: it was the voice, so no apology can be spoken."""

    speechless: bool = False


Part = Understood | Expecting | Sentence | Private | Language | OptedOut | End | Transferred
"""What a brain's reply is made of."""

# ── what happened: the voice and the clock ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Voiced:
    """The first sample of a sentence went out."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The oldest sentence ordered and not yet spoken has been heard to its end."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    timer: Timer


Event = (
    Answered
    | SpeechStarted
    | SpeechSustained
    | SpeechStopped
    | Partial
    | Words
    | Digit
    | MachineAnswered
    | Beeped
    | PutOnHold
    | TakenOffHold
    | HangupRequested
    | Part
    | ReplyDone
    | ProviderFailed
    | Voiced
    | Spoken
    | TimerFired
)

# ── what to do ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Opening:
    """The conversation begins; `text`: what the caller said first, if the agent waited for it."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """`unheard`: the caller went on before hearing anything of the last reply, so this cannot answer it.

    `ended`: when the last of the caller's speech arrived; `endpointing`: the silence after it that ended the turn.
    """

    text: str
    confidence: float | None = None
    digits: str = ""
    rejected: bool = False
    unheard: bool = False
    ended: float = 0.0
    endpointing: float = 0.0


@dataclass(frozen=True, slots=True)
class Silence:
    """The caller says nothing. `last`: no more asking; say goodbye, or go another way."""

    count: int
    last: bool


@dataclass(frozen=True, slots=True)
class ThinkAhead:
    """The caller may be done: begin with what would be replied to this, in case it comes to that. `Think` tells."""

    about: CallerTurn


@dataclass(frozen=True, slots=True)
class Think:
    """Have the brain reply. Its parts come back as events, `ReplyDone` or `ProviderFailed` last."""

    about: Opening | CallerTurn | Silence


@dataclass(frozen=True, slots=True)
class Say:
    """`is_filler`: it answers nothing yet."""

    text: str
    is_filler: bool = False
    recording: str | None = None


@dataclass(frozen=True, slots=True)
class Yield:
    """Stop sending and clear the carrier's buffer; what was not heard is kept."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on from the last sample heard."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop speaking and stop thinking; forget what was not heard."""


@dataclass(frozen=True, slots=True)
class Recognize:
    """Finish the utterance under way; `Words` comes back."""


@dataclass(frozen=True, slots=True)
class Forget:
    """The utterance under way was none."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Fire `timer` at that instant, instead of when it was to fire before."""

    timer: Timer
    until: float


@dataclass(frozen=True, slots=True)
class Record:
    """A turn is complete."""

    turn: TurnRecord


@dataclass(frozen=True, slots=True)
class Mute:
    """Pause the recording, or go on with it."""

    on: bool


@dataclass(frozen=True, slots=True)
class UseLanguage:
    """Say what follows in this language, and listen for it."""

    tag: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """The conversation is over. Always the last command."""

    cause: HangupCause
    disposition: str | None = None


Command = (
    Think
    | ThinkAhead
    | Say
    | Yield
    | Resume
    | Hush
    | Recognize
    | Forget
    | Wait
    | Record
    | Mute
    | UseLanguage
    | Hangup
)
