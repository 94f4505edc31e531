"""What becomes of a contact when an attempt has ended: a table, and what holds of every row that could be in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceera.rules.attempts import Story, Verdict, verdict
from voiceera.rules.calling_hours import CallingHours, zone
from voiceera.rules.calls import EndedAs, Outcome
from voiceera.rules.campaigns import CampaignConfig, ContactState, RetryRule
from voiceera.rules.retries import MAXIMUM_ATTEMPTS, MAXIMUM_FAULTS, History, Next, next_step

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""Tuesday, noon in New York."""
ANY = CallingHours(tuple((day, 0, 1440) for day in range(7)))
WORKING = CallingHours(tuple((day, 540, 1200) for day in range(6)))
NEW_YORK = (zone("America/New_York"),)
CONFIG = CampaignConfig(max_attempts=4)
FIRST = History(0, 0, 0)
S = ContactState


def step(verdict: Verdict, history: History = FIRST, hours: CallingHours = ANY, **more: Any) -> Next:
    return next_step(verdict, history, more.pop("config", CONFIG), hours, NEW_YORK, NOON, **more)


def after(**delay: float) -> datetime:
    return NOON + timedelta(**delay)


@pytest.mark.parametrize(
    ("outcome", "history", "expected"),
    [
        (Outcome.REACHED, FIRST, Next(S.REACHED)),
        (Outcome.INVALID, FIRST, Next(S.INVALID)),
        (Outcome.UNKNOWN, FIRST, Next(S.EXHAUSTED)),
        (Outcome.NO_ANSWER, FIRST, Next(S.PENDING, after(hours=2), "retry_no_answer")),
        (Outcome.NO_ANSWER, History(1, 1, 0), Next(S.PENDING, after(days=1), "retry_no_answer")),
        (Outcome.NO_ANSWER, History(2, 2, 0), Next(S.EXHAUSTED, None, "no_retry_after_no_answer")),
        (Outcome.NO_ANSWER, History(2, 0, 0), Next(S.PENDING, after(hours=2), "retry_no_answer")),
        (Outcome.NO_ANSWER, History(3, 0, 0), Next(S.EXHAUSTED, None, "max_attempts")),
        (Outcome.BUSY, FIRST, Next(S.PENDING, after(minutes=15), "retry_busy")),
        (Outcome.BUSY, History(1, 1, 0), Next(S.PENDING, after(hours=1), "retry_busy")),
        (Outcome.VOICEMAIL, FIRST, Next(S.PENDING, after(hours=4), "retry_voicemail")),
        (Outcome.FAILED, FIRST, Next(S.PENDING, after(minutes=30), "retry_failed")),
        (Outcome.DROPPED_EARLY, FIRST, Next(S.PENDING, after(hours=1), "retry_dropped_early")),
        (Outcome.DROPPED_EARLY, History(1, 1, 0), Next(S.EXHAUSTED, None, "no_retry_after_dropped_early")),
    ],
)
def test_each_outcome_has_its_own_rule(outcome: Outcome, history: History, expected: Next) -> None:
    assert step(Verdict(outcome), history) == expected


@pytest.mark.parametrize(("faults", "seconds"), [(0, 5), (1, 30), (2, 120), (3, 600), (4, 1800)])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELED])
def test_what_was_not_the_contacts_doing_is_tried_again_soon(outcome: Outcome, faults: int, seconds: int) -> None:
    tried_out = History(3, 3, faults)
    expected = Next(S.PENDING, after(seconds=seconds), "fault")
    assert step(Verdict(outcome, fault=True), tried_out) == expected


def test_but_not_for_ever() -> None:
    last = step(Verdict(Outcome.FAILED, fault=True), History(0, 0, MAXIMUM_FAULTS))
    assert last == Next(S.EXHAUSTED, None, "too_many_faults")


def test_a_call_canceled_before_anybody_picked_up_uses_up_nothing() -> None:
    assert verdict(Story(False, False, EndedAs.CANCELED, None)) == Verdict(Outcome.CANCELED, fault=True)
    assert not verdict(Story(False, False, EndedAs.BUSY, None)).fault


FIVE = datetime(2026, 3, 10, 21, 0, tzinfo=UTC)
LATE = datetime(2026, 3, 11, 3, 0, tzinfo=UTC)  # 23:00


@pytest.mark.parametrize(
    ("verdict", "history", "asked", "due"),
    [
        (Verdict(Outcome.REACHED), FIRST, FIVE, FIVE),
        (Verdict(Outcome.REACHED), History(3, 0, 0), FIVE, FIVE),  # past max_attempts: they asked for it
        (Verdict(Outcome.REACHED), FIRST, LATE, datetime(2026, 3, 11, 13, tzinfo=UTC)),
        (Verdict(Outcome.REACHED), FIRST, NOON - timedelta(days=1), NOON),
        (Verdict(Outcome.FAILED, fault=True), FIRST, FIVE, FIVE),  # the line broke after they had said so
        (Verdict(Outcome.DROPPED_EARLY), FIRST, FIVE, FIVE),
    ],
)
def test_a_callback_asked_for_is_the_next_attempt(
    verdict: Verdict, history: History, asked: datetime, due: datetime
) -> None:
    assert step(verdict, history, WORKING, callback_at=asked) == Next(S.PENDING, due, "callback")


def test_whoever_asks_for_callback_after_callback_is_not_called_for_ever() -> None:
    over = step(Verdict(Outcome.REACHED), History(MAXIMUM_ATTEMPTS, 0, 0), callback_at=FIVE)
    assert over.state is S.REACHED


def test_an_opt_out_goes_before_a_callback() -> None:
    assert step(Verdict(Outcome.REACHED), opted_out=True, callback_at=FIVE) == Next(S.SUPPRESSED, None, "opted_out")


def test_a_try_that_would_fall_into_the_night_waits_for_the_morning() -> None:
    late = CampaignConfig(retries={"busy": RetryRule(delays_seconds=(9 * 3600,))})
    waits = step(Verdict(Outcome.BUSY), hours=WORKING, config=late)
    assert waits.due_at == datetime(2026, 3, 11, 13, tzinfo=UTC)


def test_where_the_window_never_opens_there_is_no_next_try() -> None:
    assert step(Verdict(Outcome.BUSY), hours=CallingHours(())) == Next(S.EXHAUSTED, None, "window_never_opens")


RULES = st.builds(
    RetryRule,
    delays_seconds=st.lists(st.floats(0, 30 * 86400), max_size=4).map(tuple),
    times=st.none() | st.integers(0, 20),
)
CONFIGS = st.builds(
    CampaignConfig,
    max_attempts=st.integers(1, 20),
    retries=st.dictionaries(st.sampled_from(["no_answer", "busy", "voicemail", "failed", "dropped_early"]), RULES),
)
HOURS = st.sampled_from([ANY, WORKING, CallingHours(()), CallingHours(((6, 1380, 1500),))])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda drawn: drawn.replace(tzinfo=UTC))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(Outcome)),
    st.booleans(),
    st.builds(History, st.integers(0, 25), st.integers(0, 25), st.integers(0, 8)),
    CONFIGS,
    HOURS,
    MOMENTS,
    st.booleans(),
    st.none() | MOMENTS,
)
def test_every_step_is_into_the_window_or_the_last(
    outcome: Outcome,
    fault: bool,
    history: History,
    config: CampaignConfig,
    hours: CallingHours,
    now: datetime,
    opted_out: bool,
    callback_at: datetime | None,
) -> None:
    came_to = Verdict(outcome, fault=fault or outcome is Outcome.CANCELED)
    found = next_step(came_to, history, config, hours, NEW_YORK, now, opted_out=opted_out, callback_at=callback_at)
    assert (found.due_at is not None) is (found.state is S.PENDING)
    if found.due_at is not None:
        assert found.due_at >= now and hours.is_open(found.due_at, NEW_YORK)
        assert not opted_out
    if found.reason not in (None, "callback") and found.state is S.PENDING and not came_to.fault:
        assert history.attempts + 1 < config.max_attempts
    if outcome in (Outcome.INVALID, Outcome.UNKNOWN) and callback_at is None:
        assert found.state is not S.PENDING


@settings(max_examples=100, deadline=None)
@given(CONFIGS, st.lists(st.sampled_from([*EndedAs]), min_size=60, max_size=60))
def test_every_contact_comes_to_an_end(config: CampaignConfig, ends: list[EndedAs]) -> None:
    """Whatever the carrier answers, one after the other."""
    attempts, faults, now = 0, 0, NOON
    outcomes: list[Outcome] = []
    for ended_as in ends:
        came_to = verdict(Story(False, False, ended_as, None))
        found = next_step(
            came_to, History(attempts, outcomes.count(came_to.outcome), faults), config, ANY, NEW_YORK, now
        )
        attempts, faults = attempts + (not came_to.fault), faults + came_to.fault
        outcomes += [] if came_to.fault else [came_to.outcome]
        if found.due_at is None:
            break
        now = found.due_at
    else:
        pytest.fail("still pending")
    assert attempts <= config.max_attempts and faults <= MAXIMUM_FAULTS + 1
