"""What a demo brought about: the values that the terminal, the JSON file and the report are made of."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from voiceera.rules.calls import CallStatus, Speaker

Latency = dict[str, float]
"""Milliseconds by part: total_ms, endpointing_ms, stt_ms, brain_ms, tts_ms, platform_ms."""


@dataclass(frozen=True)
class SpokenTurn:
    """One turn as the platform stored it; times in milliseconds of the recording."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    interrupted: bool = False
    step: str | None = None
    result: str | None = None
    latency: Latency | None = None


@dataclass(frozen=True)
class CallEnd:
    """One attempt, as the platform's database tells it."""

    id: str
    phone_number: str
    name: str
    attempt: int
    """1 for the first try at this contact."""
    status: CallStatus
    disposition: str | None
    answered_by: str | None
    hangup_cause: str | None
    duration_seconds: float
    line: str | None
    """"l16_16k" or "ulaw_8k"; None: never answered."""
    turns: tuple[SpokenTurn, ...] = ()
    recording: Path | None = None

    @property
    def transcript(self) -> str:
        return "\n".join(f"{turn.speaker.capitalize()}: {turn.text}" for turn in self.turns)

    @property
    def latency_ms(self) -> list[float]:
        return [turn.latency["total_ms"] for turn in self.turns if turn.latency]


@dataclass(frozen=True)
class ContactEnd:
    name: str
    phone_number: str
    state: str


@dataclass(frozen=True)
class Tally:
    """In-domain answers that callees spoke, and those taken rightly."""

    said: int = 0
    right: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.said + other.said, self.right + other.right)

    @property
    def share(self) -> float:
        return self.right / self.said if self.said else 0.0


@dataclass(frozen=True)
class Verdict:
    """What comparing the phone network's ledger with the platform's database found."""

    rings: int
    doubled: int
    lost: int
    understanding: Tally
    by_line: dict[str, Tally]
    stopped_ms: tuple[float, ...] = ()
    """For each time a callee cut in: from their first sample to the agent's last one on the line."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    campaign: str
    contacts: tuple[ContactEnd, ...]
    calls: tuple[CallEnd, ...]
    verdict: Verdict
    wall_seconds: float
    seed: int
    scrambled: bool = False
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def latencies(self) -> list[Latency]:
        return [turn.latency for call in self.calls for turn in call.turns if turn.latency]


def outcome_of(call: CallEnd) -> str:
    """The one word that a call is counted under: how the conversation ended, else how the ringing did."""
    if call.status is CallStatus.COMPLETED:
        return call.disposition or "no_answer_given"
    return str(call.status)


def count_outcomes(calls: tuple[CallEnd, ...]) -> dict[str, int]:
    return dict(Counter(map(outcome_of, calls)).most_common())


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))] if ordered else 0.0


PARTS = ("endpointing_ms", "stt_ms", "brain_ms", "tts_ms", "platform_ms")


def typical_parts(latencies: list[Latency]) -> dict[str, float]:
    """The median of each part of a turn's latency, in milliseconds; what rounds below nothing is nothing."""
    return {
        part: max(0.0, median(latency.get(part, 0.0) for latency in latencies)) if latencies else 0.0
        for part in PARTS
    }
