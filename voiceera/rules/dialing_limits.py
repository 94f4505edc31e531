"""What an organization bounds for all that it dials, whatever a campaign says. Nothing given: no bound of its own."""

from typing import Annotated

from pydantic import Field

from voiceera.rules.sent import Sent

Money = Annotated[float, Field(gt=0, le=1e9)]
"""In the currency of the carrier's prices."""


class DialingLimits(Sent):
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] | None = None
    max_concurrent_calls: Annotated[int, Field(ge=1, le=100_000)] | None = None
    max_number_calls_per_day: Annotated[int, Field(ge=1, le=50)] | None = None
    """Of one number, in any 24 hours; single calls count and obey, too."""
    max_number_calls_per_week: Annotated[int, Field(ge=1, le=350)] | None = None
    daily_spend_cap: Money | None = None
    """For all calls of a day (UTC)."""
    agent_daily_spend_cap: Money | None = None
    """For each agent's calls of a day (UTC)."""
