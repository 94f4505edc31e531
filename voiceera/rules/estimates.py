"""What a campaign may take and cost, and which of its settings will not do what its owner hopes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from voiceera.rules.campaigns import CampaignConfig

_WEEK_MINUTES = 7 * 1440


@dataclass(frozen=True)
class Experience:
    """How calls go: the share that a person or a machine answers, and how long those last. By default a guess."""

    answer_rate: float = 0.4
    talk_seconds: float = 90.0
    is_guess: bool = True


@dataclass(frozen=True)
class Line:
    """What the trunk allows; `price_per_minute` None: nobody has said."""

    calls_per_second: float
    max_concurrent_calls: int
    price_per_minute: float | None


@dataclass(frozen=True)
class Estimate:
    """`calls`: tries in all. `seconds`: from the first dial to the last, nights between windows included.
    `cost` None: without a price."""

    calls: int
    seconds: float
    cost: float | None


def estimate(contacts: int, config: CampaignConfig, line: Line, experience: Experience) -> Estimate:
    """Each contact is tried until it answers or its attempts are used up; the tightest limit sets the pace (Little's
    law); the windows' share of a week stretches it. Waits between tries overlap with other people's calls."""
    missed = 1 - experience.answer_rate
    tries = sum(missed**nth for nth in range(config.max_attempts))
    held = experience.answer_rate * experience.talk_seconds + missed * config.ring_seconds
    concurrent = min(config.max_concurrent_calls, line.max_concurrent_calls)
    rate = min(config.calls_per_second, line.calls_per_second, concurrent / max(held, 1.0))
    open_minutes = sum(end - start for _, start, end in config.intervals())
    share = min(1.0, open_minutes / _WEEK_MINUTES)
    calls = ceil(contacts * tries)
    dialing = calls / rate
    is_done_today = share > 0 and dialing < open_minutes / 7 * 60
    price = line.price_per_minute if config.price_per_minute is None else config.price_per_minute
    minutes = ceil(experience.talk_seconds / 60)
    return Estimate(
        calls=calls,
        seconds=round(dialing if is_done_today or not share else dialing / share),
        cost=None if price is None else round(calls * experience.answer_rate * minutes * price, 2),
    )


def outlasting_retries(config: CampaignConfig, starts_at: datetime, ends_at: datetime | None) -> Iterator[str]:
    """For each rule whose last try may come after the campaign's end: in words, the outcome and how long it takes."""
    for outcome, rule in config.retries.items():
        tries = min(rule.tries, config.max_attempts - 1)
        wait = timedelta(seconds=sum(rule.delay(nth) for nth in range(tries)))
        if ends_at is not None and starts_at + wait >= ends_at:
            yield (
                f"the retries of {outcome} take {_words(wait)}, and the campaign ends {_words(ends_at - starts_at)} "
                "after its start: later tries will not be made"
            )


def _words(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours >= 2 else f"{span.total_seconds() / 60:.0f} minutes"
