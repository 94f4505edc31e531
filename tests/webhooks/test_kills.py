"""L9 in small: the benchmark's own run, with fewer events and fewer deaths."""

import pytest

from benchmarks.webhooks import run


@pytest.mark.slow
async def test_every_event_arrives_signed_though_receivers_fail_and_workers_are_killed(database_url: str) -> None:
    outcome = await run(database_url, events_count=120, kills=2, limit_seconds=120)
    assert (outcome.arrived, outcome.lost, outcome.bad_signatures) == (120, 0, 0)
    assert outcome.deliveries == {"delivered": 120}
    assert outcome.kills == 2
    assert sum(outcome.failed_on_purpose.values()) > 120
