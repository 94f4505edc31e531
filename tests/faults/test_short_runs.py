"""The faults of scripts/faults, in small."""

from pathlib import Path

import pytest

from tests.faults.drops import FREED_SECONDS, drop
from tests.faults.garbage import fuzz


@pytest.mark.slow
async def test_a_socket_that_breaks_at_any_moment_leaves_nothing_and_one_result(tmp_path: Path) -> None:
    found = await drop(24, tmp_path)
    assert found["left"] == ""
    assert found["results"] == found["calls_begun"] > 12
    assert found["result_after_seconds_max"] < FREED_SECONDS
    assert found["all_free_after_seconds"] < FREED_SECONDS
    assert found["vendor_sockets_opened"] > 12


def test_nearly_right_frames_are_refused_and_nothing_else() -> None:
    found = fuzz(20_000)
    assert 0.2 < found["refused"] / found["frames"] < 1
