"""Who picked up: a person or a machine? Decided from how the other side opens, while the agent talks normally.

A person says a word or two and waits. A machine begins at once and goes on for seconds, whatever it is told; it names
a tone, and beeps. Times are seconds since the call was answered.
"""

from dataclasses import dataclass

from voiceera.rules.calls import AnsweredBy

MACHINE_WORDS = (
    "leave a message",
    "leave your message",
    "leave your name",
    "leave me a message",
    "after the tone",
    "after the beep",
    "at the tone",
    "at the beep",
    "record your message",
    "reached the voicemail",
    "voice mailbox",
    "is not available",
    "can't take your call",
    "cannot take your call",
    "unable to take your call",
    "get back to you",
)
"""Worth expecting in a recognizer's language model, too."""


@dataclass(frozen=True)
class AnsweringRules:
    """Seconds. `opening`: only speech that begins this early is a greeting. `longest_hello`: more of it, with pauses
    shorter than `pause`, is a machine's. `watched`: after this a beep or a machine's words mean nothing any more."""

    opening: float = 2.5
    longest_hello: float = 3.0
    pause: float = 0.9
    watched: float = 40.0


class AnsweringMachine:
    """Feed it what happens; `verdict` turns from None to HUMAN or MACHINE, and from HUMAN to MACHINE at most once."""

    def __init__(self, rules: AnsweringRules | None = None) -> None:
        self.rules = rules or AnsweringRules()
        self.verdict: AnsweredBy | None = None
        self._greeting_began: float | None = None
        self._speaking_since: float | None = None
        self._last_stop: float | None = None

    def speech_started(self, at: float) -> AnsweredBy | None:
        """The other side begins to speak."""
        self._judge_silence(at)
        self._speaking_since = at
        if self.verdict is None and self._greeting_began is None:
            if at <= self.rules.opening:
                self._greeting_began = at
            else:
                self.verdict = AnsweredBy.HUMAN  # it listened first
        return self.verdict

    def speech_stopped(self, at: float) -> AnsweredBy | None:
        """The other side falls silent; `at` is its last sample of speech."""
        self.tick(at)
        self._speaking_since, self._last_stop = None, at
        return self.verdict

    def heard(self, text: str, at: float) -> AnsweredBy | None:
        """Words were recognized (partial or final)."""
        if at <= self.rules.watched and any(words in text.lower() for words in MACHINE_WORDS):
            self.verdict = AnsweredBy.MACHINE
        return self.verdict

    def beeped(self, at: float) -> AnsweredBy | None:
        """A pure tone was heard."""
        if at <= self.rules.watched:
            self.verdict = AnsweredBy.MACHINE
        return self.verdict

    def tick(self, at: float) -> AnsweredBy | None:
        """Time passes: a greeting that goes on too long is a machine's, one that ended was a person's."""
        if self.verdict is None and self._greeting_began is not None:
            if self._speaking_since is not None and at - self._greeting_began > self.rules.longest_hello:
                self.verdict = AnsweredBy.MACHINE
            self._judge_silence(at)
        return self.verdict

    def _judge_silence(self, at: float) -> None:
        silent = self.verdict is None and self._speaking_since is None and self._last_stop is not None
        if silent and self._last_stop is not None and at - self._last_stop >= self.rules.pause:
            self.verdict = AnsweredBy.HUMAN
