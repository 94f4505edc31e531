"""The TypeScript client: types generated from the document, under which the example program compiles."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.generated import ROOT, document_in

SOURCE = ROOT / "clients/typescript"
MODULES = SOURCE / "node_modules"


@pytest.mark.skipif(not (MODULES / ".bin/tsc").exists(), reason="no node, or no `npm ci` in clients/typescript")
@pytest.mark.slow
def test_the_example_compiles_against_the_types_that_the_document_gives(tmp_path: Path) -> None:
    for name in ("story.ts", "tsconfig.json", "package.json"):
        shutil.copy(SOURCE / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(MODULES)
    document = document_in(tmp_path)
    run(tmp_path, "openapi-typescript", str(document), "--default-non-nullable=false", "--output", "schema.d.ts")
    run(tmp_path, "tsc", "--project", ".")
    story = (tmp_path / "story.ts").read_text()
    (tmp_path / "story.ts").write_text(story.replace("agent_id: agent.id", "agent_id: 7"))
    wrong = subprocess.run([MODULES / ".bin/tsc", "--project", "."], cwd=tmp_path, capture_output=True, text=True)
    assert "Type 'number' is not assignable to type 'string'" in wrong.stdout, "the types must be able to say no"


def run(folder: Path, program: str, *options: str) -> None:
    ended = subprocess.run(
        [MODULES / ".bin" / program, *options], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
