"""`voiceera try` and `voiceera callee`: the example of docs/try.md, and a callee out of a call."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from tests.api.conftest import _quiet, ann, anyone, app, bus, join, settings
from tests.test_talk_page import FLOW, Site, site
from voiceera.lab.callees.directory import load_directory
from voiceera.lab.callees.script import Script
from voiceera.rules.calls import Speaker
from voiceera.trial.from_call import cut, script_of
from voiceera.trial.outcome import Conversation, Said, Trial, Tried, judge
from voiceera.trial.report import line_of, write_junit

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "join", "settings", "site"]

DOCS = Path(__file__).parents[1] / "docs" / "try.md"


async def voiceera(*arguments: object) -> tuple[int, str]:
    """Exit status and what was printed."""
    command = [sys.executable, "-m", "voiceera", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed, _ = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode is not None
    return process.returncode, printed.decode()


def example(folder: Path) -> tuple[Path, Path]:
    """The agent and the callees of the page."""
    agent, callees = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (folder / "agent.yaml").write_text(agent)
    (folder / "callees.yaml").write_text(callees)
    return folder / "agent.yaml", folder / "callees.yaml"


@pytest.mark.slow
async def test_the_pages_example_passes(tmp_path: Path) -> None:
    agent, callees = example(tmp_path)
    report, figures = tmp_path / "report.xml", tmp_path / "figures.json"
    status, printed = await voiceera("try", agent, "--callees", callees, "--junit", report, "--json", figures)
    assert status == 0, printed
    assert "2 of 2 passed" in printed
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "0", "1")
    told = json.loads(figures.read_text())
    maria, omar, sita = told["callees"]
    assert [maria["conversation"]["disposition"], omar["conversation"]["disposition"]] == ["confirmed", "cancelled"]
    assert any("Maria" in turn["text"] for turn in maria["conversation"]["turns"])
    assert maria["conversation"]["heard"], "the callee heard the agent by itself"
    assert sita["skipped"]


@pytest.mark.slow
async def test_a_call_of_a_running_platform_fails_a_demand_and_becomes_a_callee(site: Site, tmp_path: Path) -> None:
    agent = await site.person.post("/agents", name="Anna", flow=FLOW)
    key = (await site.person.post("/api-keys", name="trial", scope="write"))["key"]
    there = ("--url", site.url, "--api-key", key)
    callee = {"replies": [{"says": "yes I will be there"}], "reaches": "not_coming", "variables": {"name": "Ada"}}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"+12025550111": callee}))
    status, printed = await voiceera("try", agent["id"], "--callees", tmp_path / "one.yaml", *there)
    assert status == 1, printed
    assert "it was to reach 'not_coming', and ended as 'coming'" in printed
    [call] = (await site.person.get("/call-logs"))["items"]
    status, printed = await voiceera("callee", call["id"], "--out", tmp_path / "callees", *there)
    assert status == 0, printed
    [made] = load_directory(tmp_path / "callees").scripts.values()
    assert (made.reaches, made.variables) == ("coming", {"name": "Ada"})
    status, printed = await voiceera("try", agent["id"], "--callees", tmp_path / "callees", *there)
    assert status == 0, printed


async def test_what_cannot_be_run_is_said_in_a_line(tmp_path: Path) -> None:
    _, callees = example(tmp_path)
    for arguments, said in (
        (("try", "01906e3a", "--callees", callees), "give an API key"),
        (
            ("try", "01906e3a", "--callees", callees, "--api-key", "x", "--url", "http://127.0.0.1:1"),
            "did not answer",
        ),
        (("callee", "01906e3a", "--out", tmp_path), "Give an API key"),
    ):
        status, printed = await voiceera(*arguments)
        assert status in (1, 2)
        assert said in printed
        assert "Traceback" not in printed


# ── judging, without a call ──────────────────────────────────────────────────────────────────────────────────────


def talk(**changes: Any) -> Conversation:
    turns = (
        Said(Speaker.AGENT, "Hello, Ada. Your password?"),
        Said(Speaker.CALLER, "yes"),
        Said(Speaker.AGENT, "Fine.", latency_ms=900.0),
    )
    facts: dict[str, Any] = {"cause": "agent_ended", "disposition": "coming", "turns": turns}
    return Conversation("id", 9.0, **facts | changes)


@pytest.mark.parametrize(
    ("demands", "problem"),
    [
        ({"reaches": "coming", "max_turns": 3, "latency_p95_ms": 900, "never_says": ["your pass"]}, None),
        ({"reaches": "gone"}, "ended as 'coming'"),
        ({"max_turns": 2}, "took 3 turns"),
        ({"latency_p95_ms": 899}, "p95 is 900 ms"),
        ({"never_says": ["ADA your"]}, "it said 'ADA your'"),
    ],
)
def test_a_script_demands(demands: dict[str, Any], problem: str | None) -> None:
    found = judge(Script.model_validate(demands), talk())
    assert [problem is not None and problem in each for each in found] == ([True] if problem else [])


def test_a_call_that_broke_off_is_no_pass() -> None:
    assert judge(Script(), talk(cause="provider_failed"))


def test_what_the_caller_says_before_the_agent_opens_the_call() -> None:
    segments = [
        {"speaker": "caller", "text": "hello", "start_ms": 100, "end_ms": 500},
        {"speaker": "agent", "text": "Can you come?", "start_ms": 700, "end_ms": 2000},
        {"speaker": "caller", "text": "", "start_ms": 2600, "end_ms": 3000},
    ]
    call = {"created_at": "2026-11-26T01:00:00Z", "disposition": "coming", "variables": {"name": "Ada"}}
    script = script_of(call, segments, "call-1")
    assert [act.says for act in script.opening] == ["hello"]
    assert [reply.wav for reply in script.replies if reply.wav] == ["call-1-2.wav"]
    assert script.manner.delay == (0.48, 0.72)


def test_a_piece_is_cut_with_a_little_around_it() -> None:
    sound = np.arange(16000, dtype=np.int16)
    assert list(cut(sound, 16000, 100, 200)[[0, -1]]) == [0, 16 * 350 - 1]


def test_the_reports_tell_failures_apart(tmp_path: Path) -> None:
    tried = (
        Tried("+12025550111", "Ada", talk(), problems=("too slow",)),
        Tried("+12025550112", "[Bob]", failure="no room"),
        Tried("+12025550113", "Cleo", skipped="busy"),
    )
    write_junit(tmp_path / "report.xml", Trial("Anna", tried, 3.0))
    cases = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert [child.tag for case in cases for child in case] == ["failure", "system-out", "error", "skipped"]
    assert "too slow" in line_of(tried[0]) and "[Bob]" in line_of(tried[1])
