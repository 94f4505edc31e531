"""Skipped aloud where the plugins are not installed: `scripts/bridge` has an environment of its own for them."""

from importlib.util import find_spec

import pytest

WHY = "LiveKit's plugins are not installed here: scripts/bridge"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("livekit") is not None:
        return
    for item in items:
        if "/bridge/" in str(item.path) and "without_its_package" not in item.name:
            item.add_marker(pytest.mark.skip(reason=WHY))
