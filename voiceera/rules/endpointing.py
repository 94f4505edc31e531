"""How long a silence ends the caller's turn."""

import re
from dataclasses import dataclass

from voiceera.rules.expectation import Expectation
from voiceera.rules.words import words_of

_TRAILING_WORDS = """
a an and are at because but by for from i if in is it's its like maybe my of on or so than that the to
um uh until was well when where which with you're your er erm hmm
"""
_TRAILING = frozenset(_TRAILING_WORDS.split())
"""A turn that stops on one of these is hardly over."""
_LEADS_ON = re.compile(r"\b(?:let me (?:see|think|check)|(?:one|just a|hold on a) (?:moment|second|minute)|hold on)$")
_MOST_KEYS = 32


@dataclass(frozen=True)
class EndpointingRules:
    """Seconds of silence, and what they are multiplied by when the answer is complete, or clearly is not."""

    silence: float = 0.6
    complete: float = 0.5
    incomplete: float = 2.0
    between_digits: float = 2.5
    """Seconds from one key to the next."""


def silence_needed(text: str, expectation: Expectation | None, rules: EndpointingRules) -> float:
    """Seconds of silence after which a turn that says `text` so far is over."""
    if expectation is not None and expectation.complete(text):
        return rules.silence * rules.complete
    if is_unfinished(text) or (expectation is not None and expectation.incomplete(text)):
        return rules.silence * rules.incomplete
    return rules.silence


def is_unfinished(text: str) -> bool:
    """Whether the words ask for more of them: "my number is", "and"."""
    words = words_of(text)
    return bool(words) and (words[-1] in _TRAILING or bool(_LEADS_ON.search(" ".join(words))))


def keys_wanted(expectation: Expectation | None) -> int:
    """So many keys are a whole answer."""
    if expectation is None:
        return _MOST_KEYS
    match expectation.type:
        case "yes_no":
            return 1
        case "choice":
            return len(str(len(expectation.expect.choices)))
        case _:
            return expectation.expect.digits or _MOST_KEYS
