"""Everything that a caller may be expected to say: what the recognizer's language model is made of."""

from collections.abc import Iterator

from voiceera.rules.answering import MACHINE_WORDS
from voiceera.rules.choices import choice_wordings, plain_wordings
from voiceera.rules.dates import date_phrases
from voiceera.rules.flows import AskStep, Expect, Flow
from voiceera.rules.numbers import CARDINALS, DIGITS, cardinal_words
from voiceera.rules.wordings import FILLERS, FOLLOW_UPS, LEAD_INS, OPENINGS, POLAR_ANSWERS, POLITE, WORDINGS, Meaning

MACHINE_PHRASES = (
    *MACHINE_WORDS,
    "please leave a message after the tone",
    "please leave your message after the beep",
    "you have reached the voicemail of",
    "the person you are calling is not available",
    "we can't take your call right now",
    "i can't come to the phone right now",
    "leave your name and number and i'll get back to you",
    "please state your name and why you are calling",
    "the call has been forwarded to an automatic voice message system",
    "your call is important to us please hold",
)
_ALWAYS = (Meaning.YES, Meaning.NO, Meaning.OPT_OUT, Meaning.REPEAT, Meaning.WRONG_NUMBER, Meaning.CALL_LATER)


def common_phrases() -> tuple[str, ...]:
    """What may be heard at any step of any call."""
    return (
        *(wording for meaning in _ALWAYS for wording in WORDINGS[meaning]),
        *FILLERS,
        *OPENINGS,
        *POLITE,
        *MACHINE_PHRASES,
    )


def opening_phrases() -> tuple[str, ...]:
    """What may be heard before the agent has said a word: a person's hello, a machine's greeting."""
    return (*OPENINGS, *MACHINE_PHRASES)


def expected_phrases(expect: Expect) -> tuple[str, ...]:
    """The wordings that answer one question."""
    return tuple(dict.fromkeys(_expected(expect)))


def flow_phrases(flow: Flow) -> tuple[str, ...]:
    """What may be heard in a call that runs this flow, over all its steps."""
    questions = (step.expect for step in flow.steps.values() if isinstance(step, AskStep))
    expected = (phrase for expect in questions for phrase in expected_phrases(expect))
    return tuple(dict.fromkeys((*expected, *common_phrases())))


def _expected(expect: Expect) -> Iterator[str]:
    yield from expect.phrases
    match expect.type:
        case "yes_no":
            yield from WORDINGS[Meaning.YES]
            yield from WORDINGS[Meaning.NO]
            for begun, ways_on in POLAR_ANSWERS:
                yield from (f"{first} {then}" for first in begun for then in ways_on)
        case "choice":
            choices = tuple(expect.choices.items())
            for _, wordings in choice_wordings(choices):
                yield from (" ".join(words) for words in wordings)
            for wording in plain_wordings(choices):
                yield from _in_a_sentence(wording)
        case "digits" | "keypad":
            yield from _digit_phrases()
        case "number":
            yield from CARDINALS
            yield from (cardinal_words(number) for number in range(100))
            yield from (f"{ones} hundred" for ones in DIGITS if ones not in ("zero", "o", "oh"))
        case "date":
            yield from date_phrases()
        case "name":
            yield from ("my name is", "this is", "speaking", "it's")
        case "free":
            pass


def _in_a_sentence(choice: str) -> Iterator[str]:
    """The ways of choosing it: "let's do monday", "the morning would be best"."""
    for said in (choice, f"the {choice}"):
        yield from (f"{lead_in} {said}" for lead_in in LEAD_INS)
        yield from (f"{said} {follow_up}" for follow_up in FOLLOW_UPS)
    if " " not in choice:
        yield from (f"{choice}s {follow_up}" for follow_up in ("are good", "are better for me", "suit me", "please"))


def _digit_phrases() -> Iterator[str]:
    """Every pair of digits, so that any row of them is likely."""
    names = [name for name in DIGITS if name != "o"]
    yield from (f"{one} {other}" for one in names for other in names)
    yield from (f"{double} {name}" for double in ("double", "triple") for name in names)
    yield from ("my number is", "it's", "it is", "the number is")
