"""Signatures as an independent library reads them, and the schedule as a table."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from voiceera.rules import webhooks
from voiceera.rules.webhooks import DELAYS, MEANINGS, Event, Verdict

NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
SECRET = webhooks.secret_of(bytes(range(32)))
OTHER = webhooks.secret_of(bytes(range(32, 64)))


def test_every_event_is_explained() -> None:
    assert set(MEANINGS) == set(Event)


@pytest.mark.parametrize("body", [b"{}", b'{"name":"\xc3\x84nne"}', b"x" * 100_000])
def test_each_of_several_secrets_verifies_what_is_signed(body: bytes) -> None:
    headers = webhooks.headers([SECRET, OTHER], "0198", datetime.now(UTC), body)
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(body, headers, json_parse=False)


def test_the_specifications_own_example_is_signed_alike() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # pragma: allowlist secret
    signed = webhooks.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begin with whsec_"),
        ("whsec_!!!", "base64"),
        ("whsec_" + "QQ" * 10, "base64"),
        (webhooks.secret_of(b"x" * 23), "24 to 64"),
        (webhooks.secret_of(b"x" * 65), "24 to 64"),
    ],
)
def test_a_secret_that_does_not_fit_is_explained(secret: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        webhooks.secret_key(secret)


def test_a_delivery_that_never_arrives_is_tried_at_these_moments() -> None:
    """The whole schedule, unscaled, in virtual time; each try fails at once."""
    now, moments = NOW, [NOW]
    while (again := webhooks.next_try(len(moments), now, chance=0.5)) is not None:
        moments.append(now := again)
    waits = ["0:00:00", "0:00:05", "0:05:05", "0:35:05", "2:35:05", "7:35:05", "17:35:05", "1 day, 3:35:05"]
    assert [str(moment - NOW) for moment in moments] == waits


@pytest.mark.parametrize("tries", range(1, len(DELAYS)))
def test_jitter_moves_a_try_by_a_tenth_at_most(tries: int) -> None:
    early, late = (webhooks.next_try(tries, NOW, chance) for chance in (0.0, 0.999999))
    assert early is not None and late is not None
    assert early - NOW == DELAYS[tries] * 0.9
    assert DELAYS[tries] * 1.09 < late - NOW <= DELAYS[tries] * 1.1


@pytest.mark.parametrize(
    ("status", "value", "wait"),
    [
        (429, "120", timedelta(seconds=120)),
        (503, "0", timedelta(0)),
        (503, "Tue, 10 Mar 2026 16:10:00 GMT", timedelta(minutes=10)),
        (429, "Tue, 10 Mar 2026 15:00:00 GMT", timedelta(0)),
        (429, "99999999999999999999", timedelta(days=1)),
        (429, "soon", None),
        (429, "-5", None),
        (429, None, None),
        (500, "120", None),
        (301, "120", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(status: int, value: str | None, wait: timedelta | None) -> None:
    assert webhooks.retry_after(status, value, NOW) == wait


def test_retry_after_puts_a_try_off_and_never_hurries_it() -> None:
    assert webhooks.next_try(1, NOW, 0.5, timedelta(minutes=2)) == NOW + timedelta(minutes=2)
    assert webhooks.next_try(2, NOW, 0.5, timedelta(minutes=2)) == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (410, "gone"), (None, "again")]
    + [(status, "again") for status in (100, 300, 301, 302, 304, 307, 308, 400, 401, 404, 408, 429, 500, 503)],
)
def test_an_answer_is_a_delivery_or_is_not(status: int | None, verdict: str) -> None:
    assert webhooks.verdict(status) is Verdict(verdict)


def test_a_receiver_is_given_up_after_five_days_of_trying() -> None:
    days = timedelta(days=5)
    assert webhooks.is_given_up(NOW - days, 3, NOW)
    assert not webhooks.is_given_up(NOW - days, 2, NOW)
    assert not webhooks.is_given_up(NOW - days + timedelta(seconds=1), 8, NOW)
    assert not webhooks.is_given_up(None, 8, NOW)


def test_a_failing_receiver_gets_one_connection() -> None:
    assert [webhooks.connections(failures) for failures in (0, 9, 10, 1000)] == [5, 5, 1, 1]
