"""Webhooks: event names, signatures, and when a delivery that failed is tried again.

Signatures, headers and secrets follow Standard Webhooks 1.0
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import sha256

SECRET_PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
"""How long a secret may be, by the specification."""
ALL_EVENTS = "*"

DELAYS = (
    *(timedelta(0), timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)),
    *(timedelta(hours=2), timedelta(hours=5), timedelta(hours=10), timedelta(hours=10)),
)
"""How long each try of a delivery waits after the one before: eight tries in a little over a day."""
JITTER = 0.1
"""A delay is shorter or longer by up to this part, so that a receiver's outage ends in no wave."""
LONGEST_RETRY_AFTER = timedelta(days=1)
SECRET_OVERLAP = timedelta(days=1)
"""How long the secret before a new one still signs."""
DISABLED_AFTER = timedelta(days=5)
_PATIENCE = 3
"""Tries of one delivery that must fail before a receiver's long silence counts against it."""
_CONNECTIONS = 5
_CONNECTIONS_WHEN_FAILING = 1
_FAILING = 10


class Event(StrEnum):
    """What can be subscribed to. The docstring of each is published (`GET /webhooks/events`)."""

    CALL_STARTED = "call.started"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_ANALYZED = "call.analyzed"
    RECORDING_READY = "recording.ready"
    TRANSCRIPT_READY = "transcript.ready"
    CAMPAIGN_LAUNCHED = "campaign.launched"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_STOPPED = "campaign.stopped"
    CAMPAIGN_COMPLETED = "campaign.completed"
    CONTACT_OPTED_OUT = "contact.opted_out"
    INTEGRATION_FAILING = "integration.failing"
    WEBHOOK_TEST = "webhook.test"


MEANINGS: Mapping[Event, str] = {
    Event.CALL_STARTED: "The carrier has taken a call that was dialled, or somebody has rung in.",
    Event.CALL_ANSWERED: "Somebody, or something, has picked up.",
    Event.CALL_ENDED: "A call is over, with its outcome; also one that nobody answered.",
    Event.CALL_ANALYZED: "What a finished call said has been read: sentiment, emotions, summary.",
    Event.RECORDING_READY: "A call's recording can be downloaded.",
    Event.TRANSCRIPT_READY: "A call's transcript is complete, or a new version of it.",
    Event.CAMPAIGN_LAUNCHED: "A campaign may dial from now on, or from its start time.",
    Event.CAMPAIGN_PAUSED: "A campaign dials no more until it is resumed.",
    Event.CAMPAIGN_RESUMED: "A paused campaign dials on.",
    Event.CAMPAIGN_STOPPED: "A campaign was ended by somebody.",
    Event.CAMPAIGN_COMPLETED: "A campaign has nobody left to try, or has reached its end time.",
    Event.CONTACT_OPTED_OUT: "Somebody asked not to be called again; the number is on the do-not-call list.",
    Event.INTEGRATION_FAILING: "A provider has begun to fail.",
    Event.WEBHOOK_TEST: "Sent by POST /webhooks/{id}/test alone.",
}


class Verdict(StrEnum):
    """What an answer makes of a delivery."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GONE = "gone"
    """410: the receiver wants no more of these, ever."""


def subscribers_of(event: Event) -> list[str]:
    """What stands in a webhook's `events` that this event matches."""
    return [event.value, ALL_EVENTS]


def secret_key(secret: str) -> bytes:
    """The bytes that a secret stands for. Raises ValueError, saying what is wrong."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"must begin with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must be base64 after {SECRET_PREFIX}") from None
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"must be base64 of {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes")
    return key


def secret_of(key: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """ "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body"."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret_key(secret), signed, sha256).digest()).decode()


def headers(secrets: Iterable[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """One signature a secret, newest first: a receiver that knows any of them can verify."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }


def verdict(status: int | None) -> Verdict:
    """`status` None: no answer. A redirect is no delivery: it is not followed."""
    if status is None:
        return Verdict.AGAIN
    if status == 410:
        return Verdict.GONE
    return Verdict.DELIVERED if 200 <= status < 300 else Verdict.AGAIN


def next_try(
    tries: int, now: datetime, chance: float, retry_after: timedelta | None = None, scale: float = 1.0
) -> datetime | None:
    """When to send again after `tries` that failed; None: no more.

    `chance`: in [0, 1), the jitter's throw. A receiver's own `retry_after` puts off, and never hurries. `scale`
    shortens the schedule for a test of it.
    """
    if tries >= len(DELAYS):
        return None
    delay = DELAYS[tries] * (1 + JITTER * (2 * chance - 1))
    return now + max(delay * scale, retry_after or timedelta(0))


def retry_after(status: int | None, value: str | None, now: datetime) -> timedelta | None:
    """How long a receiver that answers 429 or 503 asks for: seconds, or a date (RFC 9110, 10.2.3). At most a day."""
    if status not in (429, 503) or value is None:
        return None
    try:
        asked = timedelta(seconds=min(int(value), 10**6)) if value.strip().isdecimal() else _until(value, now)
    except (ValueError, OverflowError):
        return None
    return min(max(asked, timedelta(0)), LONGEST_RETRY_AFTER)


def _until(date: str, now: datetime) -> timedelta:
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def is_given_up(failing_since: datetime | None, tries: int, now: datetime) -> bool:
    """Whether a receiver that failed again is switched off: for days nothing has arrived, and it was tried."""
    return failing_since is not None and now - failing_since >= DISABLED_AFTER and tries >= _PATIENCE


def connections(consecutive_failures: int) -> int:
    """How many deliveries may be under way at a time to one receiver, so that a hanging one holds up no other."""
    return _CONNECTIONS_WHEN_FAILING if consecutive_failures >= _FAILING else _CONNECTIONS
