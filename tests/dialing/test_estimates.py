"""What is said before a launch: how long, how much, and which retries come too late."""

from datetime import timedelta

import pytest

from tests.world import NOON, quick
from voiceera.rules.campaigns import RetryRule
from voiceera.rules.estimates import Experience, Line, estimate, outlasting_retries

FAST = Line(calls_per_second=1000, max_concurrent_calls=1000, price_per_minute=0.02)
HALF = Experience(answer_rate=0.5, talk_seconds=60, is_guess=False)


def test_without_retries_each_contact_is_called_once_at_the_campaigns_pace() -> None:
    told = estimate(1000, quick(max_attempts=1, calls_per_second=2, max_concurrent_calls=1000), FAST, HALF)
    assert (told.calls, told.seconds, told.cost) == (1000, 500, 10.0)


def test_who_does_not_answer_is_called_again() -> None:
    assert estimate(1000, quick(max_attempts=3), FAST, HALF).calls == 1750


@pytest.mark.parametrize(
    ("changes", "line", "seconds"),
    [
        ({"calls_per_second": 100, "max_concurrent_calls": 15, "ring_seconds": 40}, FAST, 3334),  # 15 ÷ 50 s
        ({"calls_per_second": 100}, Line(1, 1000, None), 1000),
    ],
)
def test_the_tightest_limit_sets_the_pace(changes: dict[str, float], line: Line, seconds: float) -> None:
    told = estimate(1000, quick(max_attempts=1, **changes), line, HALF)
    assert told.seconds == pytest.approx(seconds, abs=1)


def test_nights_count_for_what_does_not_fit_into_a_day() -> None:
    days = {day: [{"start": "09:00", "end": "21:00"}] for day in ("monday", "tuesday", "wednesday", "thursday")}
    config = quick(max_attempts=1, calls_per_second=1, max_concurrent_calls=1000, calling_windows=days)
    assert estimate(1000, config, FAST, HALF).seconds == 1000
    assert estimate(100_000, config, FAST, HALF).seconds == pytest.approx(100_000 * 168 / 48)


def test_without_a_price_there_is_no_cost() -> None:
    assert estimate(10, quick(), Line(1, 1, None), HALF).cost is None
    assert estimate(10, quick(price_per_minute=0.5, max_attempts=1), Line(1, 1, None), HALF).cost == 2.5


def test_a_retry_rule_that_outlasts_the_campaign_is_named() -> None:
    config = quick(
        retries={"no_answer": RetryRule(delays_seconds=(7200, 86400)), "busy": RetryRule(delays_seconds=(60,))}
    )
    [told] = outlasting_retries(config, NOON, NOON + timedelta(hours=12))
    assert told.startswith("the retries of no_answer take 26 hours, and the campaign ends 12 hours after its start")
    assert list(outlasting_retries(config, NOON, NOON + timedelta(days=3))) == []
    assert list(outlasting_retries(config, NOON, None)) == []
    once = config.model_copy(update={"max_attempts": 1})
    assert list(outlasting_retries(once, NOON, NOON + timedelta(hours=12))) == []
