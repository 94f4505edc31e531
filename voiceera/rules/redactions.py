"""What an agent's calls shall not be kept of."""

from enum import StrEnum

from pydantic import Field

from voiceera.rules.sent import Sent


class Private(StrEnum):
    CARD = "card"
    """A payment card: 13 to 19 digits. Those that pass Luhn's check may be spread over several turns; those that do
    not are taken for a card that was misheard."""
    PHONE = "phone"
    """Seven digits or more."""
    EMAIL = "email"
    DIGITS = "digits"
    """Any four digits or more in a row: also codes, years and amounts."""
    NAME = "name"
    """The contact's own."""


class Redaction(Sent):
    """What is removed before anything is kept of a call. Nothing is by default."""

    kinds: tuple[Private, ...] = ()
    audio: bool = Field(True, description="Silence the turns in which something was found in the recording, too.")
