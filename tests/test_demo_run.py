"""The demo as a new user starts it: a process of its own, with real audio, and a machine without a network."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from voiceera.demo.main import fresh_directory

_DEMO_SECONDS = 240
_OFFLINE = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
os.execv(sys.argv[1], sys.argv[1:])
"""
_PROGRAM = str(Path(sys.executable).with_name("voiceera"))
_SHADOW = "raise ImportError('a file of the current directory is none of our modules')\n"


@dataclass
class Demo:
    """A demo under way. `scratch`: its TMPDIR, which it must leave empty."""

    process: subprocess.Popen[str]
    output: Path
    scratch: Path
    said: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def end(self) -> "Demo":
        try:
            rest, _ = self.process.communicate(timeout=_DEMO_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.said += rest
        if (self.output / "figures.json").exists():
            self.figures = json.loads((self.output / "figures.json").read_text())
        return self


def unshare() -> list[str]:
    """A command that runs another without any network; empty where this machine does not let us."""
    for options in (["-n"], ["-rn"]):
        command = ["unshare", *options]
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


def start(directory: Path, *options: str, offline: bool = False) -> Demo:
    """In a directory that holds files by the names of modules, as the directories of people do."""
    scratch, output = directory / "tmp", directory / "out"
    for made in (directory, scratch):
        made.mkdir()
        made.chmod(0o711)
    for name in ("queue", "calendar", "voiceera"):
        (directory / f"{name}.py").write_text(_SHADOW)
    command = [*unshare(), sys.executable, "-P", "-c", _OFFLINE] if offline else []
    process = subprocess.Popen(
        [*command, _PROGRAM, "demo", "--output", str(output), "--json", str(output / "figures.json"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=directory,
        env=os.environ | {"TMPDIR": str(scratch), "COLUMNS": "160"},
    )
    return Demo(process, output, scratch)


@pytest.fixture(scope="module")
def demos() -> Iterator[tuple[Demo, Demo]]:
    """Two demos side by side: one on a machine without a network, and the negative control."""
    directory = Path(tempfile.mkdtemp(prefix="voiceera-test-"))
    directory.chmod(0o711)
    pair = (
        start(directory / "one", "--calls", "6", offline=bool(unshare())),
        start(directory / "two", "--calls", "3", "--scramble"),
    )
    try:
        yield pair[0].end(), pair[1].end()
    finally:
        for demo in pair:
            demo.process.kill()
        shutil.rmtree(directory)


def test_a_demo_rings_everybody_once_and_is_understood(demos: tuple[Demo, Demo]) -> None:
    demo, _ = demos
    assert demo.process.returncode == 0, demo.said
    assert demo.figures["ledger"]["doubled"] == demo.figures["ledger"]["lost"] == 0
    assert demo.figures["ledger"]["rings"] == len(demo.figures["calls"]) == 7  # the busy one is tried again
    assert demo.figures["contacts"] == 6
    assert demo.figures["problems"] == []
    understanding = demo.figures["understanding"]
    assert understanding["said"] == sum(line["said"] for line in understanding["by_line"].values()) > 6


def test_its_recordings_hold_both_voices(demos: tuple[Demo, Demo]) -> None:
    demo, _ = demos
    talked = [call for call in demo.figures["calls"] if call["status"] == "completed"]
    assert talked
    for call in talked:
        samples, rate = soundfile.read(call["recording"])
        assert rate in (8000, 16000)
        assert abs(len(samples) / rate - call["duration_seconds"]) < 2
        assert (np.sqrt(np.mean(samples**2, axis=0)) > 0.005).all()


def test_its_report_stands_alone(demos: tuple[Demo, Demo]) -> None:
    page = (demos[0].output / "report.html").read_text()
    assert "data:audio/mpeg" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_the_same_wordings_with_other_audio_are_not_understood(demos: tuple[Demo, Demo]) -> None:
    _, scrambled = demos
    understanding = scrambled.figures["understanding"]
    assert scrambled.process.returncode == 1, scrambled.said
    assert understanding["right"] < 0.4 * understanding["said"]
    assert (scrambled.output / "logs" / "ledger.jsonl").exists()


def test_nothing_is_left_behind(demos: tuple[Demo, Demo]) -> None:
    for demo in demos:
        assert list(demo.scratch.iterdir()) == []


def test_without_namespaces_the_machine_was_not_cut_off(demos: tuple[Demo, Demo]) -> None:
    if not unshare():
        pytest.skip("unshare -n is not allowed here: the demo ran with this machine's network")


def test_what_a_killed_demo_left_is_gone_after_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed, alive = tmp_path / "voiceera-demo-killed", tmp_path / "voiceera-demo-alive"
    for directory in (killed, alive):
        directory.mkdir()
        (directory / "alive").touch()
    with (alive / "alive").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with fresh_directory() as own:
            assert sorted(tmp_path.iterdir()) == sorted([alive, own])
    assert list(tmp_path.iterdir()) == [alive]


def test_ctrl_c_ends_everything(open_directory: Path) -> None:
    demo = start(open_directory / "stopped", "--calls", "4")
    assert demo.process.stdout is not None
    for line in demo.process.stdout:
        demo.said += line
        if "talking" in line:
            break
    family = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(family) >= 6  # PostgreSQL and its own, API, media, worker, lab
    demo.process.send_signal(signal.SIGINT)
    demo.end()
    assert demo.process.returncode == 130, demo.said
    assert "Traceback" not in demo.said
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert list(demo.scratch.iterdir()) == []
