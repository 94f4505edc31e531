"""The end of a demo in the terminal: what came of it, what was said, how quick and how well understood it was."""

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from voiceera.demo.judge import UNDERSTOOD_AT_LEAST
from voiceera.demo.outcome import PARTS, CallEnd, Outcome, outcome_of, percentile, typical_parts
from voiceera.demo.screen import counted
from voiceera.rules.calls import Speaker

_PART_WORDS = {
    "endpointing_ms": "waiting to be sure",
    "stt_ms": "recognition",
    "brain_ms": "deciding",
    "tts_ms": "voice",
    "platform_ms": "platform",
}
_LINE_WORDS = {"l16_16k": "16 kHz", "ulaw_8k": "8 kHz"}


def show(console: Console, outcome: Outcome, report: Path, recordings: Path) -> None:
    console.print(Padding(Group(*_parts(outcome, report, recordings)), (1, 2)))


def _parts(outcome: Outcome, report: Path, recordings: Path) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for call in _worth_reading(outcome):
        parts += [
            Rule(Text(f"{call.name} · {_words(outcome_of(call))}"), align="left", style="dim"),
            _transcript(call),
        ]
    parts += [Rule(Text("What came of it"), align="left", style="dim"), _figures(outcome), Text()]
    parts += [_verdict(outcome), Text()]
    files = Table.grid(padding=(0, 2))
    files.add_row(Text("report", style="dim"), Text(str(report), style="bold"))
    files.add_row(Text("recordings", style="dim"), Text(str(recordings)))
    return [*parts, files]


def _worth_reading(outcome: Outcome) -> list[CallEnd]:
    """One conversation that ended as most do, and the longest other one."""
    spoken = [call for call in outcome.calls if len(call.turns) > 2]
    usual = [call for call in spoken if call.disposition == "confirmed"][:1]
    others = sorted((call for call in spoken if call not in usual), key=lambda call: -len(call.turns))
    return usual + others[:1]


def _transcript(call: CallEnd) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for turn in call.turns:
        agent = turn.speaker is Speaker.AGENT
        words = Text(turn.text if agent else f"“{turn.text}”", style="" if agent else "bold")
        if not turn.text:
            words = Text("(no words were made out)", style="dim")
        if not agent and turn.step:
            words.append(f"  → {_words(turn.result or 'not understood')}", style="cyan" if turn.result else "yellow")
        if turn.interrupted:
            words.append("  (interrupted)", style="yellow")
        grid.add_row("agent" if agent else "caller", words)
    return Padding(grid, (0, 0, 1, 0))


def _figures(outcome: Outcome) -> RenderableType:
    verdict, totals = outcome.verdict, [latency["total_ms"] for latency in outcome.latencies]
    parts = typical_parts(outcome.latencies)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    grid.add_row("outcomes", ", ".join(f"{count} {_words(word)}" for word, count in outcome.outcomes.items()))
    if totals:
        median, slow = percentile(totals, 0.5), percentile(totals, 0.95)
        grid.add_row("reply time", f"{median:.0f} ms median, {slow:.0f} ms at the 95th percentile")
        pieces = ", ".join(f"{_PART_WORDS[part]} {parts[part]:.0f}" for part in PARTS)
        grid.add_row("", Text(f"of it {pieces} ms", style="dim"))
    by_line = "; ".join(
        f"{_LINE_WORDS.get(line, line)}: {tally.right} of {tally.said} ({tally.share:.0%})"
        for line, tally in verdict.by_line.items()
    )
    grid.add_row("understood", by_line or "nothing was said")
    if verdict.stopped_ms:
        stops = ", ".join("never" if stop == float("inf") else f"{stop:.0f} ms" for stop in verdict.stopped_ms)
        grid.add_row("interrupted", f"the agent fell silent after: {stops}")
    return grid


def _verdict(outcome: Outcome) -> RenderableType:
    verdict = outcome.verdict
    tally = f"{counted(verdict.rings, 'ring', 'rings')}, {verdict.doubled} doubled, {verdict.lost} lost"
    if not verdict.problems and verdict.understanding.share >= UNDERSTOOD_AT_LEAST:
        agrees = f"✓ the network's ledger agrees with the database: {tally}"
        return Text(f"{agrees} ({outcome.wall_seconds:.0f} s)", style="green")
    problems = [f"✗ {problem}" for problem in verdict.problems]
    if verdict.understanding.share < UNDERSTOOD_AT_LEAST:
        problems.append(f"✗ only {verdict.understanding.share:.0%} of the answers were understood")
    return Text("\n".join([*problems, f"  {tally}"]), style="red")


def _words(code: str) -> str:
    return code.replace("_", " ")
