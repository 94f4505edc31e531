"""What callers say in Hindi: numbers, yes and no, and the sounds that keep a conversation going.

In Devanagari, and as recognizers write it in Latin letters where the two languages are mixed.
"""

import unicodedata


def _phrases(*texts: str) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", text) for text in texts)


def _words(text: str) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", text).split())


def _numbered(groups: dict[int, str]) -> dict[str, int]:
    return {word: value for value, words in groups.items() for word in _words(words)}


DIGITS = _numbered(
    {
        0: "शून्य ज़ीरो जीरो",
        1: "एक",
        2: "दो",
        3: "तीन",
        4: "चार",
        5: "पाँच पांच",
        6: "छह छः छे छै",
        7: "सात",
        8: "आठ",
        9: "नौ",
    }
)
CARDINALS = DIGITS | _numbered(
    {
        10: "दस",
        11: "ग्यारह",
        12: "बारह",
        13: "तेरह",
        14: "चौदह",
        15: "पंद्रह पन्द्रह",
        16: "सोलह",
        17: "सत्रह",
        18: "अठारह",
        19: "उन्नीस",
        20: "बीस",
        25: "पच्चीस",
        30: "तीस",
        40: "चालीस",
        50: "पचास",
        60: "साठ",
        70: "सत्तर",
        80: "अस्सी",
        90: "नब्बे",
    }
)
REPEATS = _numbered({2: "डबल", 3: "ट्रिपल"})

YES = _words("हाँ हां हाँजी हांजी बिल्कुल बिलकुल ज़रूर जरूर अवश्य haan haanji bilkul zaroor jaroor")
RATHER_YES = _words("जी ठीक सही अच्छा पक्का ji theek thik sahi accha achha pakka")
NO = _words("नहीं नही नहि मत nahi nahin nahee")
YES_PHRASES = _phrases(
    "ठीक है",
    "सही है",
    "क्यों नहीं",
    "कोई बात नहीं",
    "आ जाऊँगा",
    "आ जाऊँगी",
    "आ जाऊंगा",
    "आ जाऊंगी",
    "theek hai",
    "sahi hai",
)
NO_PHRASES = _phrases("ठीक नहीं", "सही नहीं", "जी नहीं", "नहीं जी", "नहीं आ", "theek nahi", "sahi nahi", "ji nahi")
UNSURE_PHRASES = _phrases("पता नहीं", "मालूम नहीं", "pata nahi", "maloom nahi")

GREETINGS = _words("हैलो हेलो हलो नमस्ते नमस्कार namaste namaskar")
NODS = _words("हाँ हां जी हम्म हूँ अच्छा ठीक है haan ji achha accha theek hai")
