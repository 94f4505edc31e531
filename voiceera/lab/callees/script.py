"""A callee: a small script with a seed. docs/lab.md describes its YAML.

What a callee does is one of a few acts (say, press, pause, beep, record, hang up): `opening` lists those it begins
with when it has picked up, `replies` what it answers the agent with.
"""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

IN_DOMAIN = frozenset(
    {"confirm", "reschedule", "monday", "wednesday", "friday", "morning", "afternoon", "yes", "no", "opt_out"}
)
"""Intents that an appointment agent is expected to understand."""

Range = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Act(_Part):
    """Exactly one of the first group; `intent` alone draws the words from the shipped wordings."""

    says: str | None = None
    """The exact words; `|` is a pause of half a second."""
    intent: str | None = None
    wav: str | None = None
    """A sound file's path, played instead of synthesized words; the ledger notes `says` and `intent` for it."""
    press: str | None = Field(None, pattern=r"^[0-9*#]+$")
    pause: float | None = None
    """Seconds of silence."""
    music: float | None = None
    """Seconds of hold music."""
    beep: float | None = None
    """Seconds of the tone after a voicemail's greeting."""
    record: float | None = None
    """Keeps what the agent says, for at most this many seconds, until it is silent for long; then hangs up."""
    hang_up: bool = False
    repeat: bool = False
    """What was said last, in other words."""

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        spoken = bool(self.says or self.intent or self.wav)
        others = (
            self.press,
            self.pause,
            self.music,
            self.beep,
            self.record,
            self.hang_up or None,
            self.repeat or None,
        )
        if spoken + sum(other is not None for other in others) != 1:
            raise ValueError(
                "an act does exactly one thing: says, intent, wav, press, pause, music, beep, record, "
                "hang_up or repeat"
            )
        return self


class Reply(Act):
    """What to do after the agent has spoken. `when` names a cue; without it, it is the next in order."""

    when: str | None = None
    again: bool = True
    """May be used more than once (in other words, if the words come from an intent)."""
    unless_heard: tuple[str, ...] = ()
    """Words that make it say `otherwise` instead: a callee who meant Monday does not agree to Friday."""
    otherwise: str | None = None

    def contradicted_by(self, words: str) -> bool:
        return self.otherwise is not None and not set(self.unless_heard).isdisjoint(words.split())


class Interruption(_Part):
    """Begin to speak while the agent does."""

    after: float = 1.5
    """Once so many seconds of the agent have been heard in this call, pauses not counted."""


class VoiceSettings(_Part):
    name: str = "en-us+klatt4"
    words_per_minute: int = 150
    pitch: int = 50
    level_dbfs: float = -21.0
    """Root mean square of what is spoken."""


class Manner(_Part):
    delay: Range = (0.3, 0.9)
    """Seconds of thought before an answer."""
    interrupts: tuple[Interruption, ...] = ()
    hesitates: bool = False
    """"Um …" and a pause before each answer."""
    mumbles: bool = False
    """Quiet, fast and muffled."""
    noise_dbfs: float = -66.0
    """The line's background, always there."""
    patience: float = 15.0
    """Seconds of silence until it asks who is there; after as long again it hangs up."""


class Answers(StrEnum):
    ANSWERS = "answers"
    BUSY = "busy"
    NOBODY = "nobody"
    REJECTS = "rejects"
    INVALID = "invalid"


@dataclass(frozen=True)
class PickUp:
    """How one ring ends."""

    answers: Answers
    after_seconds: float


class Script(_Part):
    name: str = "person"
    seed: int = 0
    answers: Answers = Answers.ANSWERS
    nobody_first: int = 0
    """So many rings go unanswered before `answers` holds."""
    busy_first: int = 0
    ring_seconds: Range = (0.8, 2.5)
    voice: VoiceSettings = VoiceSettings()
    manner: Manner = Manner()
    opening: tuple[Act, ...] = (Act(intent="greeting"),)
    replies: tuple[Reply, ...] = (
        Reply(when="repeat", repeat=True),
        Reply(when="goodbye", intent="goodbye"),
        Reply(intent="confirm"),
    )
    variables: dict[str, str] = Field(default_factory=dict)
    """What an agent that is tried on this callee knows of it: fills its `{{placeholders}}`."""
    reaches: str | None = None
    """How a conversation with it is to end: the flow's or model's disposition. This and what follows is judged by
    `voiceera try`."""
    max_turns: int | None = Field(None, ge=1)
    """Of both sides together."""
    latency_p95_ms: float | None = Field(None, gt=0)
    """From the callee's last sound to the agent's first, in 95 of 100 answers."""
    never_says: tuple[str, ...] = ()
    """Words that the agent must not say, whatever their case and punctuation."""
    cues: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Names for what the agent may ask, each with examples of its words; the shipped ones are added to them."""

    def pick_up(self, attempt: int, chance: random.Random) -> PickUp:
        """How the number's `attempt`-th ring (from 1) ends."""
        after = chance.uniform(*self.ring_seconds)
        if attempt <= self.nobody_first:
            return PickUp(Answers.NOBODY, after)
        if attempt <= self.nobody_first + self.busy_first:
            return PickUp(Answers.BUSY, after)
        return PickUp(self.answers, after)
