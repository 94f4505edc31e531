"""What a conversation remembers, and the moves that only keep that memory straight. Decisions: `turns.py`."""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.rules.expectation import Expectation
from voiceera.rules.loops import LATELY
from voiceera.rules.turn_events import (
    Command,
    Event,
    Hangup,
    Hush,
    Recognize,
    Record,
    Say,
    Sentence,
    Timer,
    TimerFired,
    Wait,
    Words,
    Yield,
)
from voiceera.rules.turn_policy import TurnPolicy

UNSAID = "[private]"
"""What is written down in place of words that are nobody's business."""


class Floor(StrEnum):
    LISTENING = "listening"
    """Nobody speaks; the caller may."""
    HEARING = "hearing"
    """The caller speaks, or has just stopped."""
    THINKING = "thinking"
    """The brain is composing a reply."""
    SPEAKING = "speaking"
    """The agent speaks."""
    ENDED = "ended"


@dataclass
class Reply:
    """What the agent is saying: sentences not yet heard to their end, and what was heard."""

    is_composing: bool = True
    """The brain has not finished it."""
    waiting: deque[Sentence] = field(default_factory=deque)
    heard: list[str] = field(default_factory=list)
    share: float = 0.0
    """How much of the first waiting sentence was heard (0–1)."""
    began: float | None = None
    last_heard: float = 0.0
    is_held: bool = False
    """Silent because the caller speaks."""
    said_anything: bool = False
    is_reprompt: bool = False
    """It breaks the caller's silence."""

    @property
    def heard_text(self) -> str:
        cut = heard_part(self.waiting[0].text, self.share) if self.waiting else ""
        return " ".join([*self.heard, cut] if cut else self.heard)


@dataclass
class Utterance:
    """What the caller is saying: one turn, in as many stretches of speech as it takes."""

    began: float
    last_speech: float
    words: list[Words] = field(default_factory=list)
    digits: str = ""

    @property
    def text(self) -> str:
        return " ".join(words.text for words in self.words if words.text)

    @property
    def is_rejected(self) -> bool:
        return not self.text and any(words.rejected for words in self.words)

    @property
    def confidence(self) -> float | None:
        return min((words.confidence for words in self.words if words.confidence is not None), default=None)


class TurnState:
    """Every method that returns commands changes the memory as if they had been performed."""

    def __init__(self, policy: TurnPolicy) -> None:
        self.policy = policy
        self.floor = Floor.LISTENING
        self.opted_out = False
        self.is_private = False
        self.interruptions = 0
        self._answered_at = 0.0
        self._awaited: dict[Timer, float] = {}
        self.expectation: Expectation | None = None
        self._reply: Reply | None = None
        self._utterance: Utterance | None = None
        self._unjudged: Utterance | None = None
        """The caller's last turn, until the brain says what it took it for."""
        self._speaking_since: float | None = None
        self._last_stretch = (0.0, 0.0)
        """Beginning and end of the last stretch of speech."""
        self._recognizing = 0
        self._ending: Hangup | None = None
        self._has_opened = False
        self._turns_taken = 0
        self._awaits_beep = False
        self._line_is_gone = False
        self._is_on_hold = False
        self._reprompts = 0
        self._silent_for = 0.0
        self._listening_since = 0.0
        self._lately: deque[TurnRecord] = deque(maxlen=LATELY)

    @property
    def awaited(self) -> frozenset[Timer]:
        """The timers that may still fire."""
        return frozenset(self._awaited)

    # ── the agent's turn ─────────────────────────────────────────────────────────────────────────────────────────

    def _hold(self, at: float) -> list[Command]:
        """Yield: silence at once, nothing forgotten."""
        if self._reply is None or self._reply.is_held:
            return []
        self._reply.is_held, self._reply.last_heard = True, at
        return [Yield()]

    def _drop_reply(self, at: float) -> list[Command]:
        """The agent's turn is over, said or not: record what was heard of it."""
        reply, self._reply = self._reply, None
        if reply is None:
            return []
        is_cut = reply.is_composing or bool(reply.waiting)
        text = reply.heard_text
        commands: list[Command] = [Hush()] if is_cut or reply.is_held else []
        if text:
            ended = reply.last_heard if reply.is_held or not is_cut else at
            began = reply.began if reply.began is not None else ended
            commands.append(self._record(Speaker.AGENT, text, began, ended, interrupted=is_cut))
            self.interruptions += is_cut and reply.is_held
        return commands

    def _judge_turn(self, step: str | None = None, result: str | None = None) -> list[Command]:
        utterance, self._unjudged = self._unjudged, None
        return self._record_caller(utterance, step, result) if utterance is not None else []

    def _say(self, sentence: Sentence, *, is_filler: bool = False) -> list[Command]:
        if self._reply is None or not sentence.text:
            return []
        self._reply.waiting.append(sentence)
        self._reply.said_anything = True
        if self.floor is Floor.THINKING:
            self.floor = Floor.SPEAKING
        return [Say(sentence.text, is_filler, sentence.recording)]

    def _recognize(self, ended: float) -> list[Command]:
        self._recognizing += 1
        if self._utterance is not None:
            self._utterance.last_speech = ended
        return [Recognize()]

    # ── timers and records ───────────────────────────────────────────────────────────────────────────────────────

    def _is_due(self, event: Event, at: float) -> bool:
        """Whether a timer that fires is still awaited; then it is not any more. Other events always are."""
        if not isinstance(event, TimerFired):
            return True
        until = self._awaited.get(event.timer)
        if until is None or at < until - 0.002:  # event loops round to the millisecond
            return False
        del self._awaited[event.timer]
        return True

    def _wait(self, timer: Timer, until: float) -> Wait:
        self._awaited[timer] = until
        return Wait(timer, until)

    def _stop(self, *timers: Timer) -> None:
        for timer in timers:
            self._awaited.pop(timer, None)

    def _record_words(self, words: Words) -> list[Command]:
        return self._record_caller(Utterance(*self._last_stretch, [words])) if words.text else []

    def _record_caller(
        self, utterance: Utterance, step: str | None = None, result: str | None = None
    ) -> list[Command]:
        text = utterance.text or utterance.digits
        if not text and not utterance.is_rejected:
            return []
        began, ended = utterance.began, utterance.last_speech
        return [self._record(Speaker.CALLER, text, began, ended, utterance.confidence, step=step, result=result)]

    def _record(
        self,
        speaker: Speaker,
        text: str,
        began: float,
        ended: float,
        confidence: float | None = None,
        *,
        interrupted: bool = False,
        step: str | None = None,
        result: str | None = None,
    ) -> Record:
        start_ms = max(0, round(1000 * (began - self._answered_at)))
        end_ms = max(start_ms, round(1000 * (ended - self._answered_at)))
        turn = TurnRecord(speaker, text, start_ms, end_ms, confidence, interrupted, step, result)
        self._lately.append(turn)
        if self.is_private and speaker is Speaker.CALLER:
            turn = replace(turn, text=UNSAID, confidence=None, result=None)
        return Record(turn)


def heard_part(text: str, share: float) -> str:
    """The words of `text` that were heard to their end, when `share` (0–1) of its sound was."""
    if share <= 0:
        return ""
    reach = share * len(text)
    end, position = 0, 0
    for word in text.split():
        position = text.index(word, position) + len(word)
        if position > reach + 1:
            break
        end = position
    return text[:end]
