"""A spool for what tests log, and its way into the database."""

from collections.abc import Iterator

import pytest

from voiceera import log
from voiceera.services.system_logs import LogWriter
from voiceera.store.base import Database


@pytest.fixture
def spool() -> Iterator[log.Spool]:
    """Takes in what is logged while the test runs."""
    spool = log.Spool()
    log.configure("tests", "WARNING", as_json=True, spool=spool)
    yield spool
    log.configure("tests", "CRITICAL")


async def written(database: Database, spool: log.Spool) -> None:
    """All that the spool holds stands in the database."""
    await LogWriter(database, spool, "here:1").flush()
