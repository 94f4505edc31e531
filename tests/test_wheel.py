"""The wheel holds all that the package needs to run where nothing but the wheel is."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_built_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("voiceera/")}
    # What is not code is found by its folder, so that a new kind of file is missed by nobody.
    files = (path for path in (ROOT / "voiceera").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    there = {str(path.relative_to(ROOT)) for path in files}
    assert packed == there
    assert any(not name.endswith(".py") for name in packed)
