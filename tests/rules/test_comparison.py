"""Intervals and tests against known values (of statsmodels: wilson, newcomb, pooled z), and what is said of them."""

import random

import pytest

from voiceera.rules.comparison import Compared, Difference, Interval, Mean, Rate, of_means, of_rates, told

_NO_RATE = Rate(0, 0)


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [
        (Rate(0, 40), 0.0, 0.0876),
        (Rate(3, 50), 0.0206, 0.1622),
        (Rate(81, 263), 0.2553, 0.3662),
        (Rate(40, 40), 0.9124, 1.0),
    ],
)
def test_a_rate_has_wilsons_interval(rate: Rate, low: float, high: float) -> None:
    interval = rate.interval
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("first", "second", "low", "high", "p_value", "verdict"),
    [
        (Rate(56, 70), Rate(48, 80), -0.3339, -0.0524, 0.0080, Compared.LOWER),
        # at the edge the two methods differ: then it is not said
        (Rate(9, 33), Rate(3, 34), -0.3635, 0.0023, 0.0490, Compared.NO_DIFFERENCE),
        (Rate(300, 1000), Rate(341, 1000), 0.0001, 0.0817, 0.0495, Compared.HIGHER),
        (Rate(50, 500), Rate(55, 500), -0.0283, 0.0484, 0.6060, Compared.NO_DIFFERENCE),
    ],
)
def test_rates_differ_by_newcombes_interval(
    first: Rate, second: Rate, low: float, high: float, p_value: float, verdict: Compared
) -> None:
    found = of_rates(first, second)
    assert found.interval is not None and found.p_value is not None
    assert (round(found.interval.low, 4), round(found.interval.high, 4)) == (low, high)
    assert (round(found.p_value, 4), found.verdict) == (p_value, verdict)


def test_means_differ_by_welchs_error() -> None:
    found = of_means(Mean(100, 60.0, 400.0), Mean(80, 66.0, 500.0))  # sqrt(4 + 6.25) = 3.2016
    assert found.verdict is Compared.NO_DIFFERENCE and found.value == 6.0
    assert found.p_value == pytest.approx(0.0609, abs=1e-4)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((-0.2749, 12.2749), abs=1e-3)
    assert of_means(Mean(1000, 60.0, 400.0), Mean(800, 66.0, 500.0)).verdict is Compared.HIGHER
    assert of_means(Mean(50, 0.0, 0.0), Mean(50, 0.0, 0.0)) == Difference(
        Compared.NO_DIFFERENCE, 0.0, Interval(0.0, 0.0), 1.0, None
    )


@pytest.mark.parametrize(
    "found",
    [
        of_rates(_NO_RATE, Rate(5, 100)),
        of_rates(Rate(29, 29), Rate(5, 100)),
        of_means(Mean(0, None, None), Mean(100, 1.0, 1.0)),
        of_means(Mean(1, 3.0, None), Mean(100, 1.0, 1.0)),
    ],
)
def test_of_few_calls_nothing_is_said(found: Difference) -> None:
    assert found == Difference(Compared.TOO_FEW)
    assert told("answer_rate", found) == "Too few calls to say anything of answered calls: it takes 30 on each side."


def test_the_calls_that_it_takes_see_the_difference_four_times_in_five() -> None:
    """Of a hundred comparisons of so many calls each, of shares that differ like these."""
    needed = of_rates(Rate(100, 500), Rate(115, 500)).calls_needed
    assert needed is not None
    dice, seen = random.Random(1), 0
    for _ in range(100):
        counts = [sum(dice.random() < share for _ in range(needed)) for share in (0.20, 0.23)]
        seen += of_rates(Rate(counts[0], needed), Rate(counts[1], needed)).verdict is Compared.HIGHER
    assert 70 <= seen <= 90


def test_where_nothing_differs_it_is_hardly_ever_said() -> None:
    dice, said = random.Random(2), 0
    for _ in range(400):
        counts = [sum(dice.random() < 0.3 for _ in range(200)) for _ in range(2)]
        said += of_rates(Rate(counts[0], 200), Rate(counts[1], 200)).verdict is not Compared.NO_DIFFERENCE
    assert said <= 32


@pytest.mark.parametrize(
    ("measure", "found", "sentence"),
    [
        (
            "goal_rate",
            of_rates(Rate(300, 1000), Rate(400, 1000)),
            "The other has 10.0 points more calls that reach their goal (95 %: +5.8 to +14.1; p < 0.001): "
            "more than chance.",
        ),
        (
            "success_rate",
            of_rates(Rate(56, 70), Rate(48, 80)),
            "The other has 20.0 points less completed calls (95 %: -33.4 to -5.2; p = 0.008): more than chance.",
        ),
        (
            "answer_rate",
            of_rates(Rate(100, 500), Rate(115, 500)),
            "No difference in answered calls beyond chance; to see one of 3.0 points, it takes about 2,940 calls on "
            "each side.",
        ),
        (
            "turns",
            of_means(Mean(50, 4.0, 2.0), Mean(50, 4.0, 2.0)),
            "No difference in turns in a call beyond chance.",
        ),
    ],
)
def test_it_is_said_plainly(measure: str, found: Difference, sentence: str) -> None:
    assert told(measure, found) == sentence
