"""May this number be dialled now? Each reason alone, in their order, and with the time at which to look again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceera.rules.calling_hours import CallingHours, zone
from voiceera.rules.campaigns import CampaignConfig, CampaignStatus, Category, Interval
from voiceera.rules.gate import Facts, Reason, Refusal, refusal
from voiceera.rules.legal_hours import legal_hours
from voiceera.rules.phones import facts as number_facts
from voiceera.rules.windows import hours_of

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""Tuesday, noon in New York."""
WORKING = CallingHours(tuple((day, 540, 1200) for day in range(6)))
OPEN = Facts(
    now=NOON,
    campaign_status=CampaignStatus.ACTIVE,
    starts_at=None,
    ends_at=None,
    hours=WORKING,
    zones=(zone("America/New_York"),),
    on_do_not_call_list=False,
    country="US",
    allowed_countries=frozenset({"US"}),
    is_premium=False,
    caller_id="+12025550000",
    number_dials=(),
    number_cap=2,
    contact_dials=(),
    contact_cap=2,
    number_cap_a_week=3,
)


def ago(**duration: float) -> datetime:
    return NOON - timedelta(**duration)


def later(**duration: float) -> datetime:
    return NOON + timedelta(**duration)


TOMORROW = datetime(2026, 3, 11, 13, 0, tzinfo=UTC)
SHUT: list[tuple[dict[str, Any], Reason, datetime | None]] = [
    ({"on_do_not_call_list": True}, Reason.DO_NOT_CALL, None),
    ({"is_premium": True}, Reason.PREMIUM_NUMBER, None),
    ({"country": None}, Reason.COUNTRY_NOT_ALLOWED, None),
    ({"country": "GB"}, Reason.COUNTRY_NOT_ALLOWED, None),
    ({"allowed_countries": frozenset()}, Reason.COUNTRY_NOT_ALLOWED, None),
    ({"zones": ()}, Reason.ZONE_UNKNOWN, None),
    ({"in_maintenance": True}, Reason.MAINTENANCE, NOON),
    ({"campaign_status": CampaignStatus.PAUSED}, Reason.CAMPAIGN_NOT_ACTIVE, NOON),
    ({"campaign_status": CampaignStatus.STOPPED}, Reason.CAMPAIGN_NOT_ACTIVE, NOON),
    ({"starts_at": later(hours=1)}, Reason.CAMPAIGN_NOT_STARTED, later(hours=1)),
    ({"ends_at": NOON}, Reason.CAMPAIGN_OVER, NOON),
    ({"caller_id": None}, Reason.NO_CALLER_ID, later(seconds=30)),
    ({"number_dials": (ago(hours=23), ago(hours=1))}, Reason.NUMBER_CAP, later(hours=1)),
    ({"number_dials": (ago(hours=12), ago(hours=1))}, Reason.NUMBER_CAP, TOMORROW),
    ({"number_dials": (ago(days=6), ago(days=3), ago(hours=30))}, Reason.NUMBER_CAP, later(days=1)),
    ({"contact_dials": (ago(hours=23), ago(hours=1))}, Reason.CONTACT_CAP, later(hours=1)),
    ({"now": TOMORROW - timedelta(hours=1)}, Reason.OUTSIDE_HOURS, TOMORROW),
    ({"now": datetime(2026, 3, 15, 16, tzinfo=UTC)}, Reason.OUTSIDE_HOURS, datetime(2026, 3, 16, 13, tzinfo=UTC)),
    ({"hours": CallingHours(())}, Reason.WINDOW_NEVER_OPENS, None),
    # it would ring at 20:10
    ({"now": later(hours=7, minutes=58), "waits_at_carrier": timedelta(minutes=12)}, Reason.OUTSIDE_HOURS, TOMORROW),
]


def test_where_nothing_stands_against_it_the_number_is_dialled() -> None:
    assert refusal(OPEN) is None
    assert refusal(replace(OPEN, campaign_status=None)) is None
    assert (
        refusal(replace(OPEN, number_dials=(ago(days=6), ago(hours=25), ago(hours=1)), number_cap_a_week=4)) is None
    )


@pytest.mark.parametrize(("change", "reason", "again"), SHUT, ids=lambda value: str(value)[:40])
def test_the_gate_says_why_and_when_to_look_again(
    change: dict[str, Any], reason: Reason, again: datetime | None
) -> None:
    assert refusal(replace(OPEN, **change)) == Refusal(reason, again)


@pytest.mark.parametrize("forbidden", [change for change, _, again in SHUT[:6]])
@pytest.mark.parametrize("change", [change for change, _, again in SHUT[6:]])
def test_what_forbids_it_for_good_is_said_first(forbidden: dict[str, Any], change: dict[str, Any]) -> None:
    found = refusal(replace(OPEN, **{**change, **forbidden}))
    assert found is not None and found.look_again_at is None


DIALS = st.lists(st.integers(0, 60 * 24 * 8), max_size=12).map(
    lambda drawn: tuple(sorted(ago(minutes=minutes) for minutes in drawn))
)


@settings(max_examples=200, deadline=None)
@given(DIALS, st.integers(1, 5), st.integers(1, 8), st.integers(0, 60 * 24 * 7), st.booleans())
def test_no_day_and_no_week_holds_more_dials_than_its_cap(
    dials: tuple[datetime, ...], a_day: int, a_week: int, minutes: int, waits: bool
) -> None:
    asked = replace(OPEN, now=later(minutes=minutes), number_dials=dials, number_cap=a_day, number_cap_a_week=a_week)
    found = refusal(asked)
    in_a_day = sum(dial > asked.now - timedelta(days=1) for dial in dials)
    in_a_week = sum(dial > asked.now - timedelta(days=7) for dial in dials)
    is_full = in_a_day >= a_day or in_a_week >= a_week
    assert (found is not None and found.reason is Reason.NUMBER_CAP) is is_full
    if found is not None:
        assert found.look_again_at is not None and found.look_again_at > asked.now
        assert WORKING.is_open(found.look_again_at, OPEN.zones)
        again = refusal(replace(asked, now=found.look_again_at))
        assert again is None or (again.look_again_at is not None and again.look_again_at > found.look_again_at)


# ── the law's hours ──────────────────────────────────────────────────────────────────────────────────────────────

SHORTER = {"GB": {"promotional": Interval(start="09:00", end="18:00")}, "*": {"service": None}}


@pytest.mark.parametrize(
    ("country", "category", "chosen", "hours"),
    [
        ("US", "promotional", {}, (480, 1260)),
        ("US", "service", {}, (480, 1260)),
        ("US", "transactional", {}, None),
        ("IN", "promotional", {}, (540, 1260)),
        ("IN", "service", {}, (540, 1260)),
        ("IN", "transactional", {}, None),
        (None, "service", {}, (480, 1260)),
        ("FR", "promotional", {}, (480, 1260)),
        ("GB", "promotional", SHORTER, (540, 1080)),
        ("GB", "service", SHORTER, None),
        ("IN", "service", SHORTER, None),
        ("IN", "promotional", SHORTER, (540, 1260)),
    ],
)
def test_the_law_knows_country_and_category(
    country: str | None, category: Category, chosen: Any, hours: tuple[int, int] | None
) -> None:
    assert legal_hours(country, category, chosen) == hours


@pytest.mark.parametrize(
    ("number", "category", "first", "last"),
    [
        ("+12025550100", "service", "08:00", "20:59"),
        ("+919860123456", "promotional", "09:00", "20:59"),
        ("+919860123456", "transactional", "00:00", "23:59"),
    ],
)
def test_a_campaign_open_all_day_is_cut_to_the_law(number: str, category: Category, first: str, last: str) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    config = CampaignConfig(
        category=category, calling_windows=dict.fromkeys(days, (Interval(start="00:00", end="24:00"),))
    )
    utc = (zone("UTC"),)
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    minutes = [midnight + timedelta(minutes=minute) for minute in range(1440)]
    is_open = [minute for minute in minutes if hours_of(config, number).is_open(minute, utc)]
    assert (f"{is_open[0]:%H:%M}", f"{is_open[-1]:%H:%M}") == (first, last)


# ── ranges of toll fraud ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "number",
    [
        "+19002345678",  # premium, United States
        "+34803123456",  # premium, Spain
        "+448431234567",  # revenue-sharing, United Kingdom
        "+491805123456",  # shared cost, Germany
        "+611300123456",  # shared cost, Australia
        "+447012345678",  # "personal" numbers, United Kingdom
        "+4916412345678",  # pagers
        "+881612345678",  # satellite: Iridium
        "+870773111632",  # satellite: Inmarsat
        "+883510012345",  # global networks
        "+88213212345",
        "+97912345678",  # international premium rate
        "+12425021234",  # the Bahamas, which look like the United States
        "+18765550123",  # Jamaica
        "+447624123456",  # the Isle of Man, which looks like the United Kingdom
    ],
)
def test_numbers_that_pay_whoever_is_called_are_not_dialled(number: str) -> None:
    told = number_facts(number)
    allowed = frozenset({"US", "GB", "DE", "ES", "AU"})
    asked = replace(OPEN, country=told.country, is_premium=told.is_premium, allowed_countries=allowed)
    found = refusal(asked)
    assert found is not None and found.look_again_at is None
