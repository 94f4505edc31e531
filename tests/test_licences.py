"""Whoever ships VoiceERA can read under which licence each of its packages comes."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_of_the_lock_stands_in_the_table_of_licences() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    listed = set(re.findall(r"^\| ([\w.-]+) \| .*\w", (ROOT / "docs/licences.md").read_text(), re.MULTILINE))
    assert listed - {"package"} == locked, "docs/licences.md must name exactly the packages of requirements.lock"
