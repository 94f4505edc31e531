"""What an agent says when its flow has no words for it, in the languages that we have them in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stock:
    not_understood: str = ""
    goodbye: str = ""
    opted_out: str = ""
    wrong_number: str = ""
    one_moment: str = ""


_ENGLISH = Stock(
    not_understood="Sorry, I didn't get that.",
    goodbye="We will try again another time. Goodbye.",
    opted_out="All right, we will not call you again. Goodbye.",
    wrong_number="Sorry for the trouble. Goodbye.",
    one_moment="One moment, please.",
)
_STOCK = {
    "en": _ENGLISH,
    "es": Stock(
        "Perdone, no le he entendido.",
        "Lo intentaremos en otro momento. Adiós.",
        "De acuerdo, no le llamaremos más. Adiós.",
        "Perdone la molestia. Adiós.",
        "Un momento, por favor.",
    ),
    "fr": Stock(
        "Pardon, je n'ai pas compris.",
        "Nous réessaierons une autre fois. Au revoir.",
        "Très bien, nous ne vous appellerons plus. Au revoir.",
        "Pardon pour le dérangement. Au revoir.",
        "Un instant, s'il vous plaît.",
    ),
    "de": Stock(
        "Entschuldigung, das habe ich nicht verstanden.",
        "Wir versuchen es ein andermal. Auf Wiederhören.",
        "In Ordnung, wir rufen Sie nicht mehr an. Auf Wiederhören.",
        "Entschuldigen Sie die Störung. Auf Wiederhören.",
        "Einen Moment bitte.",
    ),
    "hi": Stock(
        "माफ़ कीजिए, मैं समझ नहीं पाई।",
        "हम फिर कभी कोशिश करेंगे। नमस्ते।",
        "ठीक है, हम आपको दोबारा फ़ोन नहीं करेंगे। नमस्ते।",
        "माफ़ कीजिए। नमस्ते।",
        "एक क्षण रुकिए।",
    ),
}
_SILENT = Stock()


def stock_for(language: str) -> Stock:
    """English never answers in another language's call: where there are no words, the question is only repeated."""
    return _STOCK.get(language.lower().replace("_", "-").split("-")[0], _SILENT)
