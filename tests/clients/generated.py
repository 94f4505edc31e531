"""The clients, generated once a run by scripts/clients' own commands."""

import json
import subprocess
import sys
from pathlib import Path

from voiceera.config import Settings
from voiceera.roles.api import openapi_document

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


def document_in(folder: Path) -> Path:
    path = folder / "openapi.json"
    path.write_text(json.dumps(openapi_document(Settings(data_dir=folder))))
    return path


def generate(document: Path, package: Path) -> None:
    """The Python client as `package`. A warning of the generator fails: something would be missing."""
    command = [str(BIN / "openapi-python-client"), "generate", "--path", str(document), "--meta", "none"]
    command += ["--config", str(ROOT / "clients/python.yaml"), "--fail-on-warning", "--output-path", str(package)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
