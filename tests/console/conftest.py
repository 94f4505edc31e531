"""One platform, one browser and one organization with a finished call, for all tests that look at the console."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.console.stage import BUILT, CHROMIUM, Stage, staged


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = None
    if CHROMIUM is None:
        why = "no Chromium on this machine"
    elif not (BUILT / "index.html").exists():
        why = "the console is not built: scripts/setup"
    for item in items:
        if why and "stage" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    async with staged() as running:
        yield running
