"""What stays of a demo when everything else is gone: recordings, the report, the figures, and logs if it failed."""

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voiceera.demo import report
from voiceera.demo.outcome import CallEnd, Outcome, Tally, percentile, typical_parts

_LOGS = ("platform.log", "lab.log", "ledger.jsonl")


@dataclass(frozen=True)
class Kept:
    """`outcome`: with the recordings where they now lie."""

    outcome: Outcome
    directory: Path
    report: Path
    recordings: Path


def keep_results(outcome: Outcome, output: Path | None) -> Kept:
    directory = _output_directory(output)
    recordings = directory / "recordings"
    recordings.mkdir(exist_ok=True)
    outcome = replace(outcome, calls=tuple(_kept(call, recordings) for call in outcome.calls))
    page = directory / "report.html"
    page.write_text(report.render(outcome), encoding="utf-8")
    return Kept(outcome, directory, page, recordings)


def keep_logs(data_dir: Path, output: Path | None) -> Path:
    """Where they went."""
    directory = (output or _output_directory(None)) / "logs"
    directory.mkdir(parents=True, exist_ok=True)
    for name in _LOGS:
        if (log := data_dir / name).exists():
            shutil.copy(log, directory / name)
    return directory


def _output_directory(wanted: Path | None) -> Path:
    """The one that is wanted, or the first `voiceera-demo`, `voiceera-demo-2` … that does not exist yet."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted.resolve()
    number = 1
    while True:
        directory = Path.cwd() / ("voiceera-demo" if number == 1 else f"voiceera-demo-{number}")
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
        else:
            return directory


def _kept(call: CallEnd, recordings: Path) -> CallEnd:
    if call.recording is None or not call.recording.exists():
        return replace(call, recording=None)
    name = re.sub(r"[^A-Za-z0-9]+", "-", call.name).strip("-").lower() or "call"
    target = recordings / f"{name}-{call.phone_number.lstrip('+')}-{call.attempt}.wav"
    shutil.copy(call.recording, target)
    return replace(call, recording=target)


def write_json(outcome: Outcome, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures(outcome), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def figures(outcome: Outcome) -> dict[str, Any]:
    """What `--json` writes; docs/demo.md describes the keys."""
    verdict, totals = outcome.verdict, [latency["total_ms"] for latency in outcome.latencies]
    by_line = {line: Tally() for line in ("l16_16k", "ulaw_8k")} | verdict.by_line
    return {
        "contacts": len(outcome.contacts),
        "calls": [_call_figures(call) for call in outcome.calls],
        "outcomes": outcome.outcomes,
        "wall_seconds": round(outcome.wall_seconds, 2),
        "understanding": {
            **_tally(verdict.understanding),
            "by_line": {line: _tally(tally) for line, tally in by_line.items()},
        },
        "ledger": {"rings": verdict.rings, "doubled": verdict.doubled, "lost": verdict.lost},
        "contact_states": {contact.phone_number: contact.state for contact in outcome.contacts},
        "turn_ms": {
            "p50": round(percentile(totals, 0.5), 1),
            "p95": round(percentile(totals, 0.95), 1),
            "typical_parts": {part: round(ms, 1) for part, ms in typical_parts(outcome.latencies).items()},
        },
        "interruptions": {
            "stopped_ms": [round(stop, 1) if stop < float("inf") else None for stop in verdict.stopped_ms]
        },
        "problems": list(verdict.problems),
        "seed": outcome.seed,
        "scrambled": outcome.scrambled,
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {"said": tally.said, "right": tally.right}


def _call_figures(call: CallEnd) -> dict[str, Any]:
    return {
        "phone_number": call.phone_number,
        "status": str(call.status),
        "disposition": call.disposition,
        "answered_by": call.answered_by,
        "duration_seconds": call.duration_seconds,
        "turns": len(call.turns),
        "transcript": call.transcript,
        "recording": str(call.recording) if call.recording else None,
        "latency_ms": [round(total, 1) for total in call.latency_ms],
        "name": call.name,
        "attempt": call.attempt,
        "line": call.line,
        "hangup_cause": call.hangup_cause,
        "segments": [
            {
                "speaker": str(turn.speaker),
                "text": turn.text,
                "start_ms": turn.start_ms,
                "end_ms": turn.end_ms,
                "interrupted": turn.interrupted,
                "step": turn.step,
                "result": turn.result,
            }
            for turn in call.turns
        ],
    }
