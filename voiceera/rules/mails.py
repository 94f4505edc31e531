"""What we write to people, and when to try again when it could not be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class MailKind(StrEnum):
    PASSWORD_RESET = "password_reset"
    INVITATION = "invitation"
    INVITATION_TO_A_USER = "invitation_to_a_user"
    PASSWORD_CHANGED = "password_changed"
    ADDRESS_CHANGED = "address_changed"
    WEBHOOK_DISABLED = "webhook_disabled"


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


_LETTERS = {
    MailKind.PASSWORD_RESET: Letter(
        "Set a new password for VoiceERA",
        """Somebody asked for a new password for this address. If it was you, open this link within the hour:

{link}

It works once. If it was not you, nothing has changed and there is nothing to do.
""",
    ),
    MailKind.INVITATION: Letter(
        "You are invited to VoiceERA",
        """{organization} invites you to work with its AI phone agents. Open this link to choose a password:

{link}

It works once, until {expires}.
""",
    ),
    MailKind.INVITATION_TO_A_USER: Letter(
        "You are invited to VoiceERA",
        """{organization} invites you to work with its AI phone agents. There is an account for this address already,
and an account belongs to one organization: ask to be invited at another address.
""",
    ),
    MailKind.PASSWORD_CHANGED: Letter(
        "Your password for VoiceERA was changed",
        """The password of your account was changed, and your other sessions ended. If it was not you, set another:

{link}
""",
    ),
    MailKind.ADDRESS_CHANGED: Letter(
        "Your address at VoiceERA was changed",
        """Your account now has another e-mail address, and this one no longer signs in. If you did not want this,
tell your organization's owner.
""",
    ),
    MailKind.WEBHOOK_DISABLED: Letter(
        "A webhook of yours was switched off",
        """The webhook to {host} was switched off: {reason}. Its log says what was tried; once the receiver works,
switch it on again:

PUT {link}  {{"is_active": true}}
""",
    ),
}

_DELAYS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
_USEFUL = {
    MailKind.PASSWORD_RESET: timedelta(hours=1),
    MailKind.INVITATION: timedelta(days=3),
    MailKind.INVITATION_TO_A_USER: timedelta(days=3),
}
_OTHERWISE_USEFUL = timedelta(days=1)

MOST_RESETS_AN_HOUR = 5
"""Mails of that kind to one person: whoever asks more often fills nobody's mailbox."""


def letter(kind: MailKind, values: Mapping[str, str]) -> Letter:
    """Each value becomes one line: names are other people's words."""
    one_line = {name: " ".join(value.split()) for name, value in values.items()}
    return Letter(_LETTERS[kind].subject, _LETTERS[kind].text.format_map(one_line))


def next_try(kind: MailKind, created_at: datetime, tries: int, now: datetime) -> datetime | None:
    """After `tries` (1: the first) failed ones; None when it would come too late to be of use."""
    then = now + _DELAYS[min(tries, len(_DELAYS)) - 1]
    return then if then - created_at <= _USEFUL.get(kind, _OTHERWISE_USEFUL) else None
