"""The demo in the terminal: a quiet table that moves, or plain lines where there is no terminal to draw on."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from voiceera.clock import monotonic
from voiceera.demo.board import WAITING, Board, Row, most_telling
from voiceera.rules.calls import Speaker

_STYLES = {
    "confirmed": "green",
    "rescheduled": "cyan",
    "completed": "green",
    "opted_out": "magenta",
    "in_progress": "bold",
    "voicemail": "yellow",
    "busy": "yellow",
    "no_answer": "yellow",
    "no_answer_given": "yellow",
    "failed": "red",
    "canceled": "red",
}
_WORDS = {"in_progress": "talking", "queued": "dialing"}
_SIGNS = {"dialing": "◌", "queued": "◌", "ringing": "◍", "in_progress": "●", WAITING: "·"}
_CHROME_LINES = 6


class Screen(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, text: str) -> None:
        """Something is being prepared."""

    def changed(self, row: Row) -> None:
        """One person's row has moved."""

    def progress(self, finished: int) -> None:
        """So many people are done with."""


def screen_for(console: Console, board: Board) -> Screen:
    return LiveScreen(console, board) if console.is_terminal else PlainScreen(console, board)


class PlainScreen:
    """One line for each change, with the seconds since the beginning."""

    def __init__(self, console: Console, board: Board) -> None:
        self._console = console
        self._width = max((len(name) for name in board.rows), default=0)
        self._began = monotonic()
        self._last: dict[str, str] = {}
        self._spoken: dict[str, str] = {}
        """What the agent has said to each person since they last spoke."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was drawn that would have to go."""

    def step(self, text: str) -> None:
        self._say(text)

    def changed(self, row: Row) -> None:
        if row.saying or self._is_old(row):
            return
        line = status_words(row)
        if row.talking and row.said:
            who = "agent" if row.speaker is Speaker.AGENT else "caller"
            line = f"{who}: {row.said}" + (f"  → {row.result}" if row.result else "")
        if self._last.get(row.name) != line:
            self._last[row.name] = line
            self._say(f"{row.name:{self._width}}  {line}")

    def _is_old(self, row: Row) -> bool:
        """An agent's turn is told once more when it is over: its sentences have been shown already."""
        if not row.talking or row.speaker is not Speaker.AGENT:
            self._spoken.pop(row.name, None)
            return False
        spoken = self._spoken.get(row.name, "")
        if spoken.startswith(row.said):
            return True
        self._spoken[row.name] = f"{spoken} {row.said}".strip()
        return False

    def progress(self, finished: int) -> None:
        """The lines tell it."""

    def _say(self, text: str) -> None:
        seconds = f"{monotonic() - self._began:6.1f} s"
        self._console.print(f"{seconds}  {text}", markup=False, highlight=False, soft_wrap=True)


class LiveScreen:
    """The whole table, drawn over itself a few times a second."""

    def __init__(self, console: Console, board: Board) -> None:
        self._console = console
        self._board = board
        self._finished = 0
        self._began = monotonic()
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=6, transient=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def step(self, text: str) -> None:
        self._console.print(Text(f"  {text}", style="dim"))

    def changed(self, row: Row) -> None:
        """The next drawing shows it."""

    def progress(self, finished: int) -> None:
        self._finished = finished

    def _draw(self) -> Group:
        rows = list(self._board.rows.values())
        shown = most_telling(rows, self._console.height - _CHROME_LINES)
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(width=1)
        table.add_column(no_wrap=True, max_width=22)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(no_wrap=True, min_width=13)
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        for row in shown:
            style = _STYLES.get(row.status, "dim" if row.status == WAITING else "")
            sign = Text(_SIGNS.get(row.status, "–" if style == "yellow" else "✓"), style=style)
            name = Text(row.name, style="dim" if row.status == WAITING else "")
            table.add_row(sign, name, row.phone_number, Text(status_words(row), style=style), _said(row))
        hidden = len(rows) - len(shown)
        more = [Text(f"   … and {hidden} more", style="dim")] if hidden else []
        return Group(Text(), Padding(Group(table, *more), (0, 2)), Text(), Padding(self._bar(len(rows)), (0, 2)))

    def _bar(self, total: int) -> Table:
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        progress = ProgressBar(total=total, completed=self._finished, complete_style="green", finished_style="green")
        seconds = int(monotonic() - self._began)
        words = f"{self._finished} of {counted(total, 'person', 'people')} · {seconds // 60}:{seconds % 60:02d}"
        bar.add_row(progress, Text(words, style="dim"))
        return bar


def counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def status_words(row: Row) -> str:
    words = _WORDS.get(row.status, row.status.replace("_", " "))
    return words + (f" (try {row.tries})" if row.tries > 1 else "")


def _said(row: Row) -> Text:
    """The line being spoken: the caller's in full ink and quotes, the agent's dim."""
    if not row.said or not (row.talking or row.over):
        return Text()
    if row.speaker is Speaker.AGENT:
        return Text(row.said, style="dim")
    taken = f"  → {row.result.replace('_', ' ')}" if row.result else ""
    return Text.assemble((f"“{row.said}”", "dim" if row.over else ""), (taken, "cyan"))
