"""What really happened on the lab's network: an append-only file, one JSON object a line, and its reader.

The ledger is the evidence in tests of the dialer and the engine, so it shares nothing with the platform.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import msgspec


class Event(StrEnum):
    DIAL_REQUEST = "dial_request"
    """The network took a call; `fault` on the row: what the caller was told instead of "201 call fired"."""
    DIAL_REFUSED = "dial_refused"
    RING = "ring"
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    INVALID = "invalid"
    MEDIA_OPENED = "media_opened"
    SAID = "said"
    PRESSED = "pressed"
    AGENT_AUDIO_STARTED = "agent_audio_started"
    AGENT_AUDIO_STOPPED = "agent_audio_stopped"
    HEARD = "heard"
    INTERRUPTED = "interrupted"
    """The callee began to speak while the agent could be heard; `at` is its first sample."""
    CLEARED = "cleared"
    """The agent threw away what was still to be played; `ms`: how much that was."""
    BEEP = "beep"
    RECORDED = "recorded"
    """What a voicemail kept; `ms` of sound, `words` as far as they were heard."""
    AGENT_PRESSED = "agent_pressed"
    """Keys that the agent's side had the network play to the callee."""
    TRANSFERRED = "transferred"
    """The person was led to another telephone: `digits`."""
    RANG_IN = "rang_in"
    """The person rang a number of the agent's side: `caller_id`."""
    TURNED_AWAY = "turned_away"
    """Their call was not answered."""
    HANGUP = "hangup"
    CALLBACK = "callback"
    FAULT = "fault"


class Row(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event. Times are Unix seconds. Which of the later fields are set depends on the event."""

    at: float
    event: Event
    call_uuid: str = ""
    number: str = ""
    """The person's telephone, E.164: the number called, or the one that rings in."""
    reference: str = ""
    """The last UUID in the answer URL's path, or that path: what the caller calls this attempt."""

    caller_id: str = ""
    path: str = ""
    attempt: int = 0
    """Which ring of this number it is, from 1."""
    line: str = ""
    """`l16_16k`, `ulaw_8k` or `l16_8k`."""
    intent: str = ""
    in_domain: bool = False
    words: str = ""
    start: float = 0.0
    end: float = 0.0
    cue: str = ""
    """What the callee took the agent's words for."""
    digits: str = ""
    cause: str = ""
    by: str = ""
    """Who ended the call: agent, callee, api, network."""
    duration: float = 0.0
    """Seconds between answer and end."""
    callback: str = ""
    """answer, ringing or hangup."""
    status: int = 0
    """What the callback was answered; 0: no answer."""
    fault: str = ""
    ms: float = 0.0
    note: str = ""


class Ledger:
    """Appends rows to a file (`None`: keeps them in memory only) and tells whoever watches."""

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self.rows: list[Row] = []
        self._clock = clock
        self._file: IO[bytes] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)

    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    def write(self, event: Event, at: float | None = None, **fields: Any) -> Row:
        row = Row(at=round(self._clock() if at is None else at, 4), event=event, **fields)
        self.rows.append(row)
        if self._file is not None:
            self._file.write(msgspec.json.encode(row) + b"\n")
        return row

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


_decode = msgspec.json.Decoder(Row).decode


def read_ledger(path: Path) -> list[Row]:
    """Every whole line of a ledger; a last one cut short by a crash is left out."""
    lines = path.read_bytes().split(b"\n")
    return [_decode(line) for line in lines[:-1] if line]


class LedgerTail:
    """Reads a ledger that is still written, each line once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """All of them so far."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            lines = file.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in lines[:-1])
        self._rows += [_decode(line) for line in lines[:-1] if line]
        return self._rows


@dataclass(frozen=True)
class Interruption:
    call_uuid: str
    at: float
    agent_stopped_ms: float | None
    """From the callee's first sample to the agent's last audible one; None: it never stopped."""


@dataclass(frozen=True)
class Summary:
    """Counts over a ledger. `doubled`: rings beyond one for the same number and reference."""

    requests: int
    rings: int
    doubled: int
    answered: int
    hangups: int
    open_calls: int
    """Rang or were answered, and never ended."""
    said: int
    said_in_domain: int
    interruptions: tuple[Interruption, ...]
    faults: dict[str, int]


def summarize(rows: Iterable[Row]) -> Summary:
    rows = list(rows)
    count = Counter(row.event for row in rows)
    rings = Counter((row.number, row.reference) for row in rows if row.event is Event.RING)
    begun = {row.call_uuid for row in rows if row.event in (Event.RING, Event.ANSWERED)}
    ended = {row.call_uuid for row in rows if row.event is Event.HANGUP}
    return Summary(
        requests=count[Event.DIAL_REQUEST],
        rings=count[Event.RING],
        doubled=sum(times - 1 for times in rings.values()),
        answered=count[Event.ANSWERED],
        hangups=count[Event.HANGUP],
        open_calls=len(begun - ended),
        said=count[Event.SAID],
        said_in_domain=sum(row.in_domain for row in rows if row.event is Event.SAID),
        interruptions=tuple(interruptions(rows)),
        faults=dict(Counter(row.fault for row in rows if row.fault)),
    )


def interruptions(rows: list[Row]) -> Iterable[Interruption]:
    """Each time a callee spoke over the agent, and how long the agent was still heard."""
    for index, row in enumerate(rows):
        if row.event is not Event.INTERRUPTED:
            continue
        stopped = next(
            (
                later.at
                for later in rows[index:]
                if later.event is Event.AGENT_AUDIO_STOPPED and later.call_uuid == row.call_uuid
            ),
            None,
        )
        after_ms = None if stopped is None else max(0.0, (stopped - row.at) * 1000)
        yield Interruption(row.call_uuid, row.at, after_ms)
