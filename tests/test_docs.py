"""What the documentation promises to list, it lists."""

import re
from pathlib import Path

from voiceera.config import Settings

OPERATING = (Path(__file__).parent.parent / "docs" / "operating.md").read_text()


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `VOICEERA_(\w+)` \|", OPERATING, re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}
