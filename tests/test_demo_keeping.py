"""What is left of a demo: nothing but what was asked for, and never over somebody's files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_demo_report import outcome
from voiceera.demo.keeping import keep_logs, keep_results, write_json
from voiceera.demo.outcome import Tally


def test_results_go_to_a_directory_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert keep_results(outcome(), None).directory == tmp_path / "voiceera-demo"
    assert keep_results(outcome(), None).directory == tmp_path / "voiceera-demo-2"


def test_recordings_are_copied_under_names_that_no_name_can_break(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"sound")
    made = outcome(sound)
    hostile = replace(made.calls[0], name="../../etc/<b>Ada</b>", phone_number="+12025550100")
    kept = keep_results(replace(made, calls=(hostile, made.calls[1])), tmp_path / "out")
    assert kept.outcome.calls[0].recording == kept.recordings / "etc-b-ada-b-12025550100-1.wav"
    assert kept.outcome.calls[0].recording.read_bytes() == b"sound"
    assert kept.outcome.calls[1].recording is None


def test_the_figures_have_the_keys_that_programs_read(tmp_path: Path) -> None:
    write_json(outcome(text="Ada"), tmp_path / "new" / "demo.json")
    figures = json.loads((tmp_path / "new" / "demo.json").read_text())
    assert figures["contacts"] == 2
    assert figures["understanding"] == {
        "said": 3,
        "right": 2,
        "by_line": {"l16_16k": {"said": 3, "right": 2}, "ulaw_8k": {"said": 0, "right": 0}},
    }
    assert figures["ledger"] == {"rings": 2, "doubled": 0, "lost": 1}
    assert figures["wall_seconds"] == 61.4
    first = figures["calls"][0]
    assert first["transcript"] == "Agent: Ada\nCaller: Ada\nCaller: Ada"
    assert (first["turns"], first["latency_ms"], first["recording"]) == (3, [700.0], None)
    assert first.keys() >= {"phone_number", "status", "disposition", "answered_by", "duration_seconds"}


def test_a_callee_who_was_talked_over_for_ever_is_null_in_the_figures(tmp_path: Path) -> None:
    made = outcome()
    never = replace(made, verdict=replace(made.verdict, stopped_ms=(float("inf"),), understanding=Tally()))
    write_json(never, tmp_path / "demo.json")
    assert json.loads((tmp_path / "demo.json").read_text())["interruptions"] == {"stopped_ms": [None]}


def test_logs_are_kept_of_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "lab.log").write_text("hm")
    assert (keep_logs(tmp_path, tmp_path / "out") / "lab.log").read_text() == "hm"
