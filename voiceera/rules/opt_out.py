"""Whether somebody asks not to be called again. In doubt yes: a call too few costs less than one too many."""

import re

OPT_OUT_PHRASES = (
    "stop calling me",
    "stop calling",
    "please stop calling me",
    "do not call me again",
    "don't call me again",
    "don't call me anymore",
    "do not call again",
    "don't call again",
    "never call me again",
    "don't ever call me again",
    "please don't call me again",
    "don't call this number again",
    "take me off your list",
    "take me off the list",
    "please take me off your list",
    "take my number off your list",
    "remove me from your list",
    "remove my number from your list",
    "remove my number",
    "delete my number",
    "put me on your do not call list",
    "i don't want any more calls",
    "i don't want these calls",
    "no more calls",
    "lose my number",
    "unsubscribe",
    "unsubscribe me",
    "opt out",
)
"""Common wordings: worth expecting in every recognizer's language model."""

_CALL = r"(?:call|calling|phone|phoning|ring|ringing|contact|contacting|bother|bothering|dial|dialing)"
_WHO = r"(?:me|us|here|this (?:number|phone|house|place)|my (?:number|phone|house|home))"
_NEVER = r"(?:do not|dont|never|not to|shouldnt|should not|mustnt|cant)(?: you)?(?: ever)?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:stop|quit|cease) {_CALL}\b",
        rf"\b{_NEVER} {_CALL}(?: {_WHO})?(?: back)? (?:again|any ?more|ever)\b",
        rf"\b{_NEVER} {_CALL} {_WHO}(?: please| ok| okay| thanks| thank you| bye| goodbye)*$",
        r"\b(?:take|get|remove|delete|erase|scrub|strike) (?:me|us|my (?:name|number|details)|this number) "
        r"(?:off|from|out)\b",
        r"\b(?:remove|delete|erase|lose|forget) (?:my|this) (?:phone )?number\b",
        r"\bdo ?n[o']?t call (?:list|registry|register)\b",
        r"\bdont want (?:any|any more|more|these|those|your|to (?:get|receive|have)(?: any| any more| these| your)?)"
        r"(?: more)?(?: of (?:these|those|your))? (?:phone )?calls?\b",
        r"\bdont want (?:you )?to be (?:called|contacted|phoned)\b",
        r"\bdont want you (?:to call|calling)\b",
        r"\bno more (?:phone )?calls?\b",
        r"\bunsubscribe\b",
        r"\bopt(?:ing)? (?:me |us )?out\b",
        r"\bleave me alone\b",
        # Hindi, in either script: "do not call (again)"
        r"(?:\b(?:call|phone|fone)|कॉल|फोन|फ़ोन) (?:mat|na|मत|न) (?:kar|ki|कर|की)",
    )
)


def is_opt_out(text: str) -> bool:
    """Whether these words, as a recognizer gives them, ask for no more calls."""
    plain = re.sub(r"['’`]", "", text.lower())
    plain = " ".join(re.sub(r"[\s.,;:!?।…–—-]+", " ", plain).split())
    return any(pattern.search(plain) for pattern in _PATTERNS)
