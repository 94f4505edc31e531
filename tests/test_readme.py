"""The README's first requests, run as they stand there, against the platform and the lab as it starts them."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.test_roles import running

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's requests are made with curl")
def test_the_first_call_of_the_readme_is_held(open_directory: Path) -> None:
    requests = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert requests is not None
    with running("lab", "--port", "0", lines=1) as (_, [said]):
        lab = said.rpartition(":")[2]
        settings = {"data_dir": str(open_directory), "media_port": "0", "drain_seconds": "0"}
        settings["outbound_allow"] = f"127.0.0.1/32:{lab}"
        with running("serve", "--port", "0", lines=4, **settings) as (serve, lines):
            script = requests[1].replace("127.0.0.1:8090", f"127.0.0.1:{lab}")
            script = script.replace("http://127.0.0.1:8000", lines[1].split()[1])
            ended = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=120)
            serve.send_signal(signal.SIGINT)
            serve.wait(30)
    assert ended.returncode == 0, ended.stderr
    assert '"disposition":"coming"' in ended.stdout, ended.stdout
    assert "Hello Ada, can you make it to your appointment tomorrow?" in ended.stdout
    assert '"speaker":"caller"' in ended.stdout.splitlines()[-1]
