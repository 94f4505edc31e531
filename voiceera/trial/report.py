"""A trial as people read it, as programs read it, and as CI systems read it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.markup import escape

from voiceera.rules.calls import Speaker
from voiceera.rules.trials import TrialOutcome
from voiceera.trial.outcome import Trial, Tried, percentile


def line_of(tried: Tried) -> str:
    """One callee, in rich's markup."""
    name = escape(f"{tried.number} {tried.name}")
    if tried.skipped:
        return f"[dim]–  {name}: {escape(tried.skipped)}[/dim]"
    mark = "[green]✓[/green]" if tried.has_passed else "[red]✗[/red]"
    if (talk := tried.conversation) is None:
        return f"{mark}  {name}: {escape(tried.failure or '')}"
    ended = escape(talk.disposition or talk.cause or "?")
    answers = talk.latencies_ms
    figures = f"{len(talk.turns)} turns, {talk.seconds:.0f} s"
    if answers:
        figures += f", answers p50 {percentile(answers, 0.5):.0f} ms, p95 {percentile(answers, 0.95):.0f} ms"
    if talk.interruptions:
        figures += f", interrupted {talk.interruptions} ×"
    problems = "".join(f"\n     [red]{escape(problem)}[/red]" for problem in tried.problems)
    return f"{mark}  {name}: [bold]{ended}[/bold] ({figures}){problems}"


def show(console: Console, trial: Trial) -> None:
    """What was said, of those that failed or that are few; then the figures of all together."""
    for tried in trial.tried:
        if tried.conversation is not None and (not tried.has_passed or len(trial.tried) <= 3):
            console.print(f"\n[bold]{escape(tried.number)} {escape(tried.name)}[/bold]")
            for turn in tried.conversation.turns:
                side = "agent " if turn.speaker is Speaker.AGENT else "callee"
                cut = " —" if turn.interrupted else ""
                said = escape(turn.text or "(not understood)")
                console.print(f"  {side}  {said}{cut}", highlight=False, soft_wrap=True)
    figures = summary(trial)
    console.print(
        f"\n{figures['passed']} of {figures['tried']} passed; {figures['turns']} turns, "
        f"{figures['interruptions']} interruptions; answers p50 {figures['latency_p50_ms']:.0f} ms, "
        f"p95 {figures['latency_p95_ms']:.0f} ms; {trial.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )


def summary(trial: Trial) -> dict[str, Any]:
    counted = [tried for tried in trial.tried if not tried.skipped]
    answers = [latency for talk in trial.held for latency in talk.latencies_ms]
    return {
        "tried": len(counted),
        "passed": sum(tried.has_passed for tried in counted),
        "skipped": len(trial.tried) - len(counted),
        "turns": sum(len(talk.turns) for talk in trial.held),
        "interruptions": sum(talk.interruptions for talk in trial.held),
        "latency_p50_ms": percentile(answers, 0.5),
        "latency_p95_ms": percentile(answers, 0.95),
    }


def outcome_of(tried: Tried, place: int) -> TrialOutcome:
    """As the platform keeps it; `place`: the callee's among all."""
    talk = tried.conversation
    if talk is None:
        return TrialOutcome(callee=place, passed=tried.has_passed, failure=tried.failure or tried.skipped)
    answers = talk.latencies_ms
    return TrialOutcome(
        callee=place,
        passed=tried.has_passed,
        problems=tried.problems,
        call_id=talk.call_id,
        disposition=talk.disposition,
        hangup_cause=talk.cause,
        seconds=talk.seconds,
        turns=len(talk.turns),
        interruptions=talk.interruptions,
        latency_ms_p50=percentile(answers, 0.5) if answers else None,
        latency_ms_p95=percentile(answers, 0.95) if answers else None,
    )


def write_json(path: Path, trial: Trial) -> None:
    told = {"agent": trial.agent, "seconds": trial.seconds, **summary(trial)}
    told["callees"] = [asdict(tried) | {"passed": tried.has_passed} for tried in trial.tried]
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_junit(path: Path, trial: Trial) -> None:
    """JUnit's XML, as CI systems take it: a case for each callee, what was said as its output."""
    cases = [_case(trial.agent, tried) for tried in trial.tried]
    suite = ElementTree.Element("testsuite", name=f"voiceera try {trial.agent}", tests=str(len(cases)))
    suite.set("failures", str(sum(bool(tried.problems) for tried in trial.tried)))
    suite.set("errors", str(sum(tried.failure is not None for tried in trial.tried)))
    suite.set("skipped", str(sum(tried.skipped is not None for tried in trial.tried)))
    suite.set("time", str(round(trial.seconds, 1)))
    suite.extend(cases)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _case(agent: str, tried: Tried) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=agent, name=f"{tried.number} {tried.name}")
    if tried.skipped:
        ElementTree.SubElement(case, "skipped", message=tried.skipped)
    if tried.failure:
        ElementTree.SubElement(case, "error", message=tried.failure)
    for problem in tried.problems:
        ElementTree.SubElement(case, "failure", message=problem)
    if (talk := tried.conversation) is not None:
        case.set("time", str(talk.seconds))
        said = ElementTree.SubElement(case, "system-out")
        said.text = "\n".join(f"{turn.speaker}: {turn.text}" for turn in talk.turns)
    return case
