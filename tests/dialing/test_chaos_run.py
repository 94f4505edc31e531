"""A short chaos run: real processes, one of them killed with claims in hand, judged by the lab's ledger."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 180
"""On a machine that does much else; alone it takes half a minute."""


def test_a_worker_killed_with_claims_in_hand_costs_nobody_a_call_and_rings_nobody_twice(tmp_path: Path) -> None:
    figures = tmp_path / "chaos.json"
    options = {"contacts": 20, "kills": 1, "faults": 0, "restarts": 0, "timeout": 90, "json": figures}
    command = [sys.executable, "-m", "benchmarks.chaos"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    assert figures.exists(), ran.stderr
    told = json.loads(figures.read_text())
    assert ran.returncode == 0, told
    assert told["kills_at"]["claimed"] >= 1
    assert (told["doubled"], told["lost"], told["stuck"], told["sums_off"]) == (0, 0, 0, 0)
