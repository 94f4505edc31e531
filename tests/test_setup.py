"""scripts/setup where it cannot work: it says why, and which command helps."""

import shutil
import subprocess
import sys
from pathlib import Path

SETUP = Path(__file__).parent.parent / "scripts" / "setup"


def refusal(directory: Path, **environment: str) -> str:
    """What a copy of the script in a fresh directory says when it gives up."""
    (directory / "scripts").mkdir()
    copy = shutil.copy(SETUP, directory / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (directory / name).touch()
    ended = subprocess.run([copy], env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert not (directory / ".venv").exists()
    return ended.stderr


def test_a_python_without_venv_is_said_with_the_command_that_adds_it(tmp_path: Path) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    said = refusal(tmp_path, PATH="/usr/bin:/bin", PYTHON=str(python))
    assert "apt-get install python3-venv" in said


def test_no_python_is_said(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("env", "bash", "dirname", "cat", "sha256sum", "cut", "grep"):
        (tools / name).symlink_to(str(shutil.which(name)))
    assert "Python 3.11 or newer is needed" in refusal(tmp_path, PATH=str(tools))
