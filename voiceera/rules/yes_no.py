"""Yes or no, in the many ways that English has for it, and the commonest of Hindi."""

from voiceera.rules import hindi

_PHRASE_WEIGHTS: tuple[tuple[float, str], ...] = (
    # Said whole, these mean the opposite of the words in them, or more than they do one by one.
    (2, "no problem|not a problem|no worries|why not|no doubt|can't wait|wouldn't miss it|don't worry|no trouble"),
    (2, "i'll be there|i will be there|be there|see you then|see you there|i can make it|i can come|count me in"),
    (2, "count on me|go ahead|please do|you bet|uh huh|mm hmm|i think so|i guess so|i believe so|i suppose so"),
    (2, "looking forward|haven't forgotten|i do|i can|i will|it is|it does|i am|i'm coming|i'll come|all right"),
    (2, "that's it|that is it|you got it|you've got it|got it right|sounds right|looks right|spot on|you are right"),
    (2, "you're right|that'll do|that will do|as it is|got that right|that's the one|that is the one"),
    (-3, "don't think so|do not think so|afraid not|rather not|not really|not quite|not at all|no way|of course not"),
    (-3, "can't make|cannot make|can't come|cannot come|can't do|won't be|won't work|not coming|not able|unable"),
    (-3, "not it|no good|not good|not right|not correct|not fine|isn't right|isn't correct|not what|not a good"),
    (-3, "no longer|not be able|something else|said something|wrong day|wrong time|wrong one|other one|not that"),
    (-3, "not going to|not possible|not convenient|doesn't suit|not today|not this time|not for me|not sure i can"),
    (2, "|".join(hindi.YES_PHRASES)),
    (-3, "|".join(hindi.NO_PHRASES)),
    (0, "|".join(hindi.UNSURE_PHRASES)),
    (0, "no idea|not sure|don't know|do not know|no clue|maybe|perhaps|what time|which day"),
)
_WORD_WEIGHTS: tuple[tuple[float, str], ...] = (
    (2, "yes yeah yep yup ya sure okay ok absolutely certainly definitely correct affirmative indeed confirm"),
    (2, "confirmed alright surely exactly totally course gladly uh-huh yea aye"),
    (1, "right fine good great perfect works work lovely wonderful excellent super suits okay accurate true happy"),
    (2, " ".join(hindi.YES)),
    (1, " ".join(hindi.RATHER_YES)),
    (-2, " ".join(hindi.NO)),
    (-2, "no nope nah wrong incorrect negative never not can't cannot won't don't doesn't isn't didn't wasn't"),
    (-2, "couldn't wouldn't unfortunately false mistaken"),
)
_PHRASES = {tuple(phrase.split()): weight for weight, group in _PHRASE_WEIGHTS for phrase in group.split("|")}
_WORDS = {(word,): weight for weight, group in _WORD_WEIGHTS for word in group.split()}
_SCORES = _WORDS | _PHRASES
_LONGEST = max(map(len, _SCORES))
_SOFT_SHARE = 0.3
"""Weak words ("fine", "good") count only if at least this share of what was said is about yes or no."""
_LONG, _LONG_SHARE = 8, 0.25
"""More words than these have to be about yes or no to such a share."""
_EMPTY = frozenset(
    "a an the that that's this is it it's i me to for you thank thanks please oh um uh well so and".split()
)


def yes_or_no(words: tuple[str, ...]) -> str | None:
    """ "yes", "no", or None: the polarity of words and turns of phrase, summed; a negation draws in what follows."""
    score, strongest, known, position = 0.0, 0.0, 0, 0
    while position < len(words):
        size, weight = _longest_match(words, position)
        if weight is not None:
            score += -abs(weight) if weight == 1 and score < 0 else weight
            strongest = max(strongest, abs(weight))
            known += size
        position += size
    if strongest < 2 and known / max(sum(word not in _EMPTY for word in words), 1) < _SOFT_SHARE:
        return None
    if len(words) > _LONG and known / len(words) < _LONG_SHARE:
        return None
    return "yes" if score > 0 else "no" if score < 0 else None


def _longest_match(words: tuple[str, ...], position: int) -> tuple[int, float | None]:
    for size in range(min(_LONGEST, len(words) - position), 0, -1):
        if (weight := _SCORES.get(words[position : position + size])) is not None:
            return size, weight
    return 1, None
