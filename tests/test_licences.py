"""Whoever ships VoiceERA can read under which licence each of its packages comes."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_of_the_lock_stands_in_the_table_of_licences() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert rows("## All that is installed") == locked, (
        "docs/licences.md must name exactly the packages of requirements.lock"
    )


def test_every_library_of_the_console_stands_there_too() -> None:
    bundled = set(json.loads((ROOT / "console/package.json").read_text())["dependencies"]) - {"vite"}
    text = part("## In the built console")
    assert [name for name in bundled if not re.search(rf"\b{re.escape(name.lstrip('@'))}\b", text)] == []


def part(title: str) -> str:
    return (ROOT / "docs/licences.md").read_text().partition(title)[2].partition("\n## ")[0]


def rows(title: str) -> set[str]:
    return set(re.findall(r"^\| ([\w.-]+) \| .*\w", part(title), re.MULTILINE)) - {"package"}
