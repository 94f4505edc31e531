"""Which of espeak-ng's voices speaks a language, by BCP 47 tag."""

ENGLISH = "en-us+klatt6"

VOICES = {
    "en": ENGLISH,
    "en-us": ENGLISH,
    "en-gb": "en+klatt6",
    "en-in": "en+klatt6",
    "hi": "hi",
    "ta": "ta",
    "te": "te",
    "bn": "bn",
    "mr": "mr",
    "gu": "gu",
    "kn": "kn",
    "ml": "ml",
    "pa": "pa",
    "ur": "ur",
    "ne": "ne",
    "es": "es",
    "es-mx": "es-419",
    "fr": "fr",
    "de": "de",
    "it": "it",
    "pt": "pt",
    "pt-br": "pt-br",
    "ar": "ar",
    "zh": "cmn",
}


def voice_for(language: str) -> str | None:
    """The voice of "hi-IN" (its own, else the plain language's); None for a language that has none here."""
    tag = language.lower().replace("_", "-")
    return VOICES.get(tag) or VOICES.get(tag.split("-")[0])
