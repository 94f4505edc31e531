"""How long a silence ends the caller's turn."""

import re
from dataclasses import dataclass, field

_TRAILING_WORDS = """
a an and are at because but by for from i if in is it's its like maybe my of on or so than that the then to
um uh until was well when where which with you're your er erm hmm
"""
_TRAILING = frozenset(_TRAILING_WORDS.split())
"""A turn that stops on one of these is hardly over."""
_LEADS_ON = re.compile(
    r"\b(?:(?:my|the) (?:\w+ )?(?:number|name|address|code|date|birthday) is|let me (?:see|think|check)"
    r"|(?:one|just a|hold on a) (?:moment|second|minute)|hold on)$"
)


@dataclass(frozen=True)
class Expectation:
    """What the agent waits for. `answers`: wordings (normalized) that are a whole answer; `digits`: how many."""

    answers: frozenset[str] = field(default_factory=frozenset)
    digits: int | None = None
    keypad: bool = False
    """Keys are an answer."""

    def is_answer(self, text: str) -> bool:
        return normalized(text) in self.answers or (self.digits is not None and count_digits(text) >= self.digits)


NOTHING = Expectation()


@dataclass(frozen=True)
class EndpointingRules:
    """Seconds of silence, and what they are multiplied by when the answer is complete, or clearly is not."""

    silence: float = 0.6
    complete: float = 0.5
    incomplete: float = 2.0
    between_digits: float = 2.5


def silence_needed(text: str, expectation: Expectation, rules: EndpointingRules) -> float:
    """Seconds of silence after which a turn that says `text` so far is over."""
    if expectation.is_answer(text):
        return rules.silence * rules.complete
    if is_unfinished(text):
        return rules.silence * rules.incomplete
    if expectation.digits is not None and count_digits(text):
        return max(rules.silence * rules.incomplete, rules.between_digits / 2)
    return rules.silence


def is_unfinished(text: str) -> bool:
    """Whether the words ask for more of them: "my number is", "and"."""
    words = normalized(text).split()
    return bool(words) and (words[-1] in _TRAILING or bool(_LEADS_ON.search(" ".join(words))))


def normalized(text: str) -> str:
    """Lower case, no punctuation but apostrophes, single spaces."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower()).split())


_DIGIT_NAMES = "zero oh o one two three four five six seven eight nine"
_DIGIT_WORDS = frozenset(_DIGIT_NAMES.split())


def count_digits(text: str) -> int:
    """How many digits are spoken or written: "four one 23" has four."""
    words = normalized(text).split()
    return sum(len(word) if word.isdigit() else int(word in _DIGIT_WORDS) for word in words)
