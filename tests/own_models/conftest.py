"""Skipped aloud where the libraries are not installed: `scripts/own-models` has an environment of its own."""

from importlib.util import find_spec

import pytest

WHY = "vosk, sherpa-onnx, faster-whisper and piper are not installed here: scripts/own-models"
NEEDED = ("vosk", "sherpa_onnx", "faster_whisper", "piper", "onnx")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if all(find_spec(each) is not None for each in NEEDED):
        return
    for item in items:
        if "/own_models/" in str(item.path) and "without" not in item.name:
            item.add_marker(pytest.mark.skip(reason=WHY))
