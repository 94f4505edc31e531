"""What a caller may mean at any step of any conversation: stop calling, say it again, wrong number."""

from voiceera.rules.opt_out import is_opt_out
from voiceera.rules.wordings import Meaning
from voiceera.rules.words import contains

_SIGNS: tuple[tuple[Meaning, str], ...] = tuple(
    (meaning, sign)
    for meaning, signs in (
        (
            Meaning.OPT_OUT,
            "stop calling|quit calling|don't call|do not call|never call|no more calls|not call me|any more calls"
            "|anymore calls|want these calls|want to be called|want you to call|off your list|off the list"
            "|off your calling list|off that list|off this list|your list|calling list|call list|remove me"
            "|remove my number|remove this number|unsubscribe|opt out|delete my number|lose my number|leave me alone"
            "|stop bothering|stop phoning|stop ringing|take me off|take my number off|my number off|stop these calls",
        ),
        (Meaning.WRONG_NUMBER, "wrong number|wrong person|here by that name|one by that name|nobody by that name"),
        (
            Meaning.REPEAT,
            "say that again|say it again|repeat that|repeat it|repeat please|please repeat|repeat the|beg your pardon"
            "|what was that|what did you say|one more time|come again|catch that|hear you|hear that"
            "|hear it|didn't get that"
            "|didn't understand|don't understand|who is this|who is calling"
            "|who's this|who's calling|who am i speaking"
            "|this about|you repeat|once more|say again",
        ),
    )
    for sign in signs.split("|")
)
_WHOLE = {
    "repeat": Meaning.REPEAT,
    "pardon": Meaning.REPEAT,
    "pardon me": Meaning.REPEAT,
    "sorry": Meaning.REPEAT,
    "sorry what": Meaning.REPEAT,
    "excuse me": Meaning.REPEAT,
    "what": Meaning.REPEAT,
    "again": Meaning.REPEAT,
    "again please": Meaning.REPEAT,
    "huh": Meaning.REPEAT,
}
_SIGN_WORDS = tuple((meaning, tuple(sign.split())) for meaning, sign in _SIGNS)
_APPOINTMENT = ("schedule", "calendar", "books")


def intent_of(words: tuple[str, ...]) -> Meaning | None:
    """OPT_OUT, WRONG_NUMBER or REPEAT if the words say so; opting out goes before all else."""
    if is_opt_out(" ".join(words)):
        return Meaning.OPT_OUT
    for meaning, sign in _SIGN_WORDS:
        if contains(words, sign) and not any(word in words for word in _APPOINTMENT):
            return meaning
    return _WHOLE.get(" ".join(words))
