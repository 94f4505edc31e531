"""Words that keep a conversation going without taking the floor: "hello?", "uh-huh", "okay"."""

from voiceera.rules import hindi
from voiceera.rules.words import words_of

_GREETINGS = "hello hallo hullo hi hey hiya yo there good morning afternoon evening day speaking namaste"
_NODS = "uh huh uhuh mhm mm hmm hm ah oh eh er um ok okay right sure yes yeah yep aha i see"
_WORDS = frozenset((_GREETINGS + " " + _NODS).split()) | {*hindi.GREETINGS, *hindi.NODS}
LONGEST = 4
"""Words; more of them are a sentence."""


def is_backchannel(text: str) -> bool:
    """Whether these words, said while the agent speaks, ask it to go on rather than to listen."""
    words = words_of(text)
    return 0 < len(words) <= LONGEST and all(word in _WORDS for word in words)
