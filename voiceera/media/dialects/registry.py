"""Carrier → the dialect of its media socket. A new one is one file and one line here."""

from collections.abc import Callable

from voiceera.media.dialects.dialect import Dialect
from voiceera.media.dialects.exotel import ExotelDialect
from voiceera.media.dialects.plivo import PlivoDialect
from voiceera.media.dialects.telnyx import TelnyxDialect
from voiceera.media.dialects.twilio import TwilioDialect

DIALECTS: dict[str, Callable[[], Dialect]] = {
    "plivo": PlivoDialect,
    "exotel": ExotelDialect,
    "telnyx": TelnyxDialect,
    "twilio": TwilioDialect,
    "vobiz": PlivoDialect,
}
