"""What a caller means by turns of phrase, whatever the words around them: cancel, another time, yes, no."""

import re

from voiceera.rules.wordings import Meaning
from voiceera.rules.yes_no import yes_or_no

_TIME = r"(?:days?|dates?|times?|slots?|appointments?|weeks?|hours?|mornings?|afternoons?)"
_IT = r"(?:it|that|this|them|things|my|the|our|me|us)"
_CANNOT = (
    r"(?:can't|cannot|can not|won't|will not|couldn't|could not|unable to|not able to|not going to|not gonna"
    r"|don't think i can|not sure i can|never)"
)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


_SIGNS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    (
        Meaning.CANCEL,
        _any(
            r"cancel\w*|call (?:\w+ )?off|scrap (?:it|that)|drop (?:it|that|the|my)",
            r"(?:don't|do not|won't|no longer|not) (?:need|want|needing|wanting) "
            r"(?:it|that|this|to come|(?:the|my|an|any|this) (?:appointment|visit))",
            r"changed my mind|forget (?:about )?(?:it|that)|off (?:the|your) (?:schedule|books|calendar)",
        ),
    ),
    (
        Meaning.RESCHEDULE,
        _any(
            r"re ?schedul\w*|postpon\w*|rearrang\w*|re ?book\w*|put (?:it|that) off|delay (?:it|that)",
            rf"(?:move|moving|change|changing|switch|push|shift|swap|bump) (?:{_IT}|back|around)",
            r"(?:move|change|switch|push) to (?:another|an?|the|next)",
            rf"(?:another|different|other|new|later|earlier|sooner|better) (?:\w+ )?{_TIME}",
            rf"(?:another|different) one|some other|{_TIME} (?:other|instead|later|earlier)",
            r"(?:to|until|till|do|come|it) next (?:week|month)",
            r"(?:some|any|no)thing (?:\w+ )?(?:later|earlier|sooner|else)",
            r"(?:bit|any|little|somewhat|come|be) (?:later|earlier|sooner)",
            rf"{_CANNOT} (?:\w+ ){{0,3}}(?:make|come|do|be there|attend|get there|manage|then)",
            r"not (?:free|available|around)|out of town|on vacation|on holiday",
            r"(?:i'm|i am|i'll be|we're|be|being) (?:busy|working|away|travell?ing|booked|at work)",
            rf"(?:that|it|then|one|{_TIME}) (?:just )?(?:doesn't|does not|won't|will not|isn't|is not"
            r"|wouldn't|is no|is|would be) (?:not |no |really )?(?:a )?(?:work|suit|do|bad|terrible|inconvenient)",
            rf"(?:bad|not a good|isn't a good|no good|not good|not great) (?:{_TIME}|for me)|no good",
            r"(?:came|come|comes|coming) up",
            r"(?:have|got|had) (?:a|an|another|some|other) (?:\w+ )?(?:meeting|class|plans|appointment|trip)",
            r"(?:have|got|need) to work|conflict",
        ),
    ),
    (
        Meaning.YES,
        _any(
            r"plan(?:ning)? (?:on (?:it|that|coming|being)|to (?:be|come))|counting on it",
            r"as (?:planned|scheduled|agreed)",
            r"(?:i|we) (?:\w+ )?(?:should|will|can|could|shall) (?:\w+ )?(?:be able to )?"
            r"(?:make|come|be there|be in|attend)",
            r"(?:i'll|we'll|i'm|we're|i am|we are) (?:\w+ )?(?:be |going to be |gonna be |going to )?"
            r"(?:there|in|coming|come|make it|attend|good)",
            r"keep (?:it|that|the|my|things)|leave (?:it|that) (?:as|like|the)|expect me|see you",
            r"still (?:good|on|coming|fine|works|okay)",
        ),
    ),
)
_DENIED = re.compile(
    r"\b(?:don't|do not|doesn't|no|not|never|without|rather than|instead of|won't) (?:\w+ ){0,3}?"
    r"(?:cancel\w*|re ?schedul\w*|postpon\w*|move|moving|change|changing|switch|another|different)\b"
)
"""What is named only to be denied: "no need to change it"."""
_ASKED_FOR = re.compile(
    r"\b(?:need|want|like|have|rather|prefer|going|can|could|let's|do|make|find|get|give|is|it)\b"
)


def meaning_of(words: tuple[str, ...]) -> Meaning | None:
    """CANCEL, RESCHEDULE, YES or NO; what asks for most goes first."""
    said = " ".join(words)
    plain = _DENIED.sub(_unless_asked_for, said)
    for meaning, signs in _SIGNS:
        if signs.search(plain):
            return meaning
    polarity = yes_or_no(tuple(plain.split()))
    return Meaning(polarity) if polarity is not None else None


def _unless_asked_for(denied: re.Match[str]) -> str:
    """ "no i need to reschedule" denies nothing: its verb stands apart from the "no"."""
    first, _, rest = denied[0].partition(" ")
    asks = first == "no" and _ASKED_FOR.search(rest) and not rest.startswith("need")
    return denied[0] if asks else ""
