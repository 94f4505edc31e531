"""What the open question waits for: phrases for the recognizer, and for endpointing whether an answer is whole."""

from dataclasses import dataclass
from datetime import date

from voiceera.rules.answers import interpret
from voiceera.rules.flows import AnswerType, Expect
from voiceera.rules.numbers import digits_in
from voiceera.rules.phrases import expected_phrases
from voiceera.rules.words import words_of

_UNFINISHED = frozenset(
    "and or but because so um uh well the a an my is on at in to with for of if let can could i'd i'm maybe until "
    "about would like need next".split()
)


@dataclass(frozen=True)
class Expectation:
    step: str
    expect: Expect
    today: date

    @property
    def type(self) -> AnswerType:
        return self.expect.type

    @property
    def phrases(self) -> tuple[str, ...]:
        """The wordings that answer this question: a hint for the recognizer."""
        return expected_phrases(self.expect)

    def complete(self, text: str) -> bool:
        """Whether this is all that was asked for, so that a short silence ends the turn."""
        words = words_of(text)
        if not words or self.incomplete(text) or self.expect.type in ("free", "name"):
            return False
        if self.expect.type in ("digits", "keypad") and self.expect.digits is None:
            return False
        return interpret(self.expect, text, self.today) is not None

    def incomplete(self, text: str) -> bool:
        """Whether the caller is surely not done ("my number is", half the digits): a longer silence is allowed."""
        words = words_of(text)
        if not words:
            return False
        if self.expect.type in ("digits", "keypad") and self.expect.digits is not None:
            return len(digits_in(words)) < self.expect.digits
        return words[-1] in _UNFINISHED or words[-2:] == ("let", "me")
