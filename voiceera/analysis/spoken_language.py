"""Which language was spoken, by script and commonest words: enough for a call, whose language is one of a few."""

from collections import Counter
from collections.abc import Sequence

from voiceera.analysis.words import words_in
from voiceera.rules.languages import short

_SCRIPTS = {
    "hi": (0x0900, 0x097F),
    "bn": (0x0980, 0x09FF),
    "pa": (0x0A00, 0x0A7F),
    "gu": (0x0A80, 0x0AFF),
    "or": (0x0B00, 0x0B7F),
    "ta": (0x0B80, 0x0BFF),
    "te": (0x0C00, 0x0C7F),
    "kn": (0x0C80, 0x0CFF),
    "ml": (0x0D00, 0x0D7F),
    "ar": (0x0600, 0x06FF),
    "ru": (0x0400, 0x04FF),
    "ja": (0x3040, 0x30FF),
    "zh": (0x4E00, 0x9FFF),
    "ko": (0xAC00, 0xD7AF),
    "th": (0x0E00, 0x0E7F),
    "el": (0x0370, 0x03FF),
    "he": (0x0590, 0x05FF),
}
_COMMON = {
    "en": "the and you is i to it that yes no what my of for have are this please me not",
    "es": "el la que de y en los no sí es por con para una un gracias hola cuándo mi está",
    "fr": "le la les et est je vous que pas oui non une un des pour avec merci bonjour mon c'est",
    "de": "der die das und ist ich sie nicht ja nein ein eine zu mit für danke auf mein wir was",
    "pt": "o a que de e não sim é em um uma para com obrigado os meu você está por",
    "it": "il la che di e non sì è un una per con grazie sono mio lo mi buongiorno i",
    "nl": "de het een en ik niet ja nee is dat van voor met mijn bedankt wat op zijn",
    "hi": "hai haan nahi nahin kya mera mujhe aap main ka ki ke ko se mein hoon bahut theek ji",
}
"""The last is Hindi in Latin letters."""
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}


def spoken_language(texts: Sequence[str], expected: str) -> str | None:
    """A two-letter code. `expected`: the agent's language tag, taken where the words do not say otherwise. None:
    nothing was said."""
    words = [word for text in texts for word in words_in(text)]
    if not words:
        return None
    likely = short(expected)
    scripts = Counter(_script(word) for word in words)
    script, _ = scripts.most_common(1)[0]
    if script is not None:
        # Marathi and Nepali share Hindi's letters: the agent's own word decides.
        return likely if script == "hi" and likely in ("mr", "ne", "sa") else script
    votes = {language: sum(word in common for word in words) for language, common in _WORDS.items()}
    best = max(votes, key=lambda language: (votes[language], language == likely))
    return best if votes[best] >= 2 and votes[best] > votes.get(likely, 0) else likely


def _script(word: str) -> str | None:
    """None: Latin, or one that is not told apart."""
    letter = ord(word[0])
    return next((language for language, (first, last) in _SCRIPTS.items() if first <= letter <= last), None)
