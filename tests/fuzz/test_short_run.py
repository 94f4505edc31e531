"""A short run of `scripts/fuzz`: that it runs, finds nothing, and every part of it is used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.fuzz", "--cases", "1", "--rows", "2", "--roles", "owner"]
    command += ["--only", "^/agents$", "--phases", "coverage,stateful", "--examples", "2"]
    ended = subprocess.run([*command, "--json", str(figures)], capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
    seen = json.loads(figures.read_text())
    assert (seen["operations"], seen["only_404"], seen["server_errors"]) == (2, [], 0)
    assert seen["cases"] > 50
