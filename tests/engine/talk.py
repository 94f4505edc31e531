"""A conversation in virtual time: the rules are real, the world around them is a heap of things that will happen.

Sentences take 0.05 s a character to be heard, a recognizer 0.05 s, a brain no time at all unless told otherwise.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence

from voiceera.rules.calls import HangupCause, Speaker, TurnRecord
from voiceera.rules.turn_events import (
    Answered,
    Beeped,
    Command,
    Digit,
    Event,
    Forget,
    Hangup,
    HangupRequested,
    Hush,
    MachineAnswered,
    Part,
    ProviderFailed,
    Recognize,
    Record,
    ReplyDone,
    Resume,
    Say,
    Sentence,
    SpeechStarted,
    SpeechStopped,
    SpeechSustained,
    Spoken,
    Think,
    TimerFired,
    Voiced,
    Wait,
    Words,
    Yield,
)
from voiceera.rules.turn_policy import TurnPolicy
from voiceera.rules.turns import Conversation

SECONDS_PER_CHARACTER = 0.05
SURE_AFTER = 0.1
STOP_AFTER = 0.29
RECOGNITION = 0.05

Reply = Sequence[Part | ProviderFailed | str]


class Talk:
    def __init__(self, *replies: Reply, policy: TurnPolicy | None = None, thinking: float = 0.0) -> None:
        """`replies`: what the brain answers, one after the other; a string is a sentence. Then it says "Go on."."""
        self.policy = policy or TurnPolicy()
        self.conversation = Conversation(self.policy)
        self.now = 0.0
        self.thoughts: list[object] = []
        self.done: list[tuple[float, Command]] = []
        self.turns: list[TurnRecord] = []
        self.hangup: Hangup | None = None
        self._replies = deque(replies)
        self._thinking = thinking
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._reply_number = 0
        self._words: deque[Words] = deque()
        self._voice = _Voice(self)
        self.happens(Answered(0.0))

    # ── what a test tells ────────────────────────────────────────────────────────────────────────────────────────

    def caller(self, at: float, text: str, seconds: float = 0.8, *, rejected: bool = False) -> "Talk":
        """The caller speaks from `at` for `seconds`. Empty text: noise."""
        words = Words("" if rejected else text, 0.9, rejected)
        self._at(at + SURE_AFTER, lambda: self._starts(words, at))
        if seconds >= self.policy.barge_in_confirm:
            self._at(at + self.policy.barge_in_confirm, lambda: self._on(SpeechSustained()))
        self._at(at + seconds + STOP_AFTER, lambda: self._on(SpeechStopped(at + seconds)))
        return self

    def happens(self, event: Event, at: float = 0.0) -> "Talk":
        self._at(at, lambda: self._on(event))
        return self

    def presses(self, at: float, keys: str) -> "Talk":
        for number, key in enumerate(keys):
            self.happens(Digit(key), at + 0.2 * number)
        return self

    def machine(self, at: float) -> "Talk":
        return self.happens(MachineAnswered(), at)

    def beep(self, at: float) -> "Talk":
        return self.happens(Beeped(), at)

    def hangs_up(self, at: float) -> "Talk":
        return self.happens(HangupRequested(HangupCause.CALLER_HUNG_UP), at)

    def run(self, until: float = 700.0) -> "Talk":
        while self._heap and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            action()
        self.now = max(self.now, until)
        return self

    # ── what a test asks ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def said(self) -> list[str]:
        """ "agent: …" and "caller: …", as they are recorded; an interrupted turn ends in "–"."""
        return [f"{turn.speaker}: {turn.text}{' –' if turn.interrupted else ''}" for turn in self.turns]

    def times(self, kind: type[Command]) -> list[float]:
        return [round(at, 3) for at, command in self.done if isinstance(command, kind)]

    def agent_turns(self) -> list[TurnRecord]:
        return [turn for turn in self.turns if turn.speaker is Speaker.AGENT]

    @property
    def ended_as(self) -> HangupCause | None:
        return self.hangup.cause if self.hangup is not None else None

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────

    def _at(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (at, next(self._order), action))

    def _starts(self, words: Words, began: float) -> None:
        self._words.append(words)
        self._on(SpeechStarted(began))

    def _on(self, event: Event) -> None:
        for command in self.conversation.on(event, self.now, self._voice.share):
            self.done.append((self.now, command))
            self._perform(command)

    def _perform(self, command: Command) -> None:
        match command:
            case Think(about):
                self.thoughts.append(about)
                self._reply_number += 1
                number = self._reply_number
                self._at(self.now + self._thinking, lambda: self._reply(number))
            case Say(text):
                self._voice.say(text)
            case Yield():
                self._voice.pause()
            case Resume():
                self._voice.resume()
            case Hush():
                self._reply_number += 1
                self._voice.clear()
            case Recognize():
                words = self._words.popleft() if self._words else Words("")
                self._at(self.now + RECOGNITION, lambda: self._on(words))
            case Forget():
                self._words.popleft()
            case Wait(timer, until):
                self._at(until, lambda: self._on(TimerFired(timer)))
            case Record(turn):
                self.turns.append(turn)
            case Hangup():
                self.hangup = command

    def _reply(self, number: int) -> None:
        parts = self._replies.popleft() if self._replies else ["Go on."]
        for part in parts:
            if number == self._reply_number:
                self._on(Sentence(part) if isinstance(part, str) else part)
        if number == self._reply_number and not any(isinstance(part, ProviderFailed) for part in parts):
            self._on(ReplyDone())


class _Voice:
    """Speaks the sentences one after the other; a pause keeps the place."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._waiting: deque[tuple[str, float]] = deque()
        self._heard = 0.0
        self._since: float | None = None
        self._is_paused = False
        self._version = 0

    @property
    def share(self) -> float:
        if not self._waiting:
            return 0.0
        running = self._talk.now - self._since if self._since is not None else 0.0
        return min(1.0, (self._heard + running) / self._waiting[0][1])

    def say(self, text: str) -> None:
        self._waiting.append((text, len(text) * SECONDS_PER_CHARACTER))
        if len(self._waiting) == 1 and not self._is_paused:
            self._begin()

    def pause(self) -> None:
        if self._since is not None:
            self._heard += self._talk.now - self._since
        self._since, self._is_paused = None, True
        self._version += 1

    def resume(self) -> None:
        self._is_paused = False
        if self._waiting and self._since is None:
            self._begin()

    def clear(self) -> None:
        self._waiting.clear()
        self._since, self._heard, self._is_paused = None, 0.0, False
        self._version += 1

    def _begin(self) -> None:
        self._since = self._talk.now
        self._version += 1
        version, left = self._version, self._waiting[0][1] - self._heard
        if self._heard == 0.0:
            self._talk.happens(Voiced(), self._talk.now)
        self._talk._at(self._talk.now + left, lambda: self._finish(version))

    def _finish(self, version: int) -> None:
        if version != self._version:
            return
        self._waiting.popleft()
        self._heard, self._since = 0.0, None
        if self._waiting:
            self._begin()
        self._talk._on(Spoken())
