"""What came of trying an agent on its callees, and whether it is what their scripts want. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from voiceera.lab.callees.script import Script
from voiceera.rules.calls import HangupCause, Speaker
from voiceera.rules.words import words_of

BROKEN = (HangupCause.ERROR, HangupCause.PROVIDER_FAILED, HangupCause.LINE_LOST)


@dataclass(frozen=True)
class Said:
    """One turn, as the platform wrote it down. `latency_ms`: of an agent's turn that answers a caller's."""

    speaker: Speaker
    text: str
    interrupted: bool = False
    latency_ms: float | None = None


@dataclass(frozen=True)
class Conversation:
    """One call that took place. `heard`: what the callee made out of the agent's sound, by its own recognizer."""

    call_id: str
    seconds: float
    cause: str | None
    disposition: str | None
    turns: tuple[Said, ...] = ()
    interruptions: int = 0
    heard: tuple[str, ...] = ()

    @property
    def latencies_ms(self) -> list[float]:
        return [turn.latency_ms for turn in self.turns if turn.latency_ms is not None]


@dataclass(frozen=True)
class Tried:
    """One callee. `conversation` is None where none took place: `skipped` says why it was not to, `failure` why it
    could not."""

    number: str
    name: str
    conversation: Conversation | None = None
    skipped: str | None = None
    failure: str | None = None
    problems: tuple[str, ...] = ()
    """What its script wants and did not get."""

    @property
    def has_passed(self) -> bool:
        return not self.problems and self.failure is None


@dataclass(frozen=True)
class Trial:
    agent: str
    tried: tuple[Tried, ...]
    seconds: float

    @property
    def held(self) -> list[Conversation]:
        return [each.conversation for each in self.tried if each.conversation is not None]

    @property
    def has_passed(self) -> bool:
        return all(each.has_passed for each in self.tried)


def judge(script: Script, talk: Conversation) -> tuple[str, ...]:
    """What the script wants and did not get, in words."""
    return tuple(_problems(script, talk))


def _problems(script: Script, talk: Conversation) -> Iterator[str]:
    if talk.cause in BROKEN:
        yield f"the call broke off: {talk.cause}"
    if script.reaches is not None and talk.disposition != script.reaches:
        yield f"it was to reach {script.reaches!r}, and ended as {talk.disposition or talk.cause!r}"
    if script.max_turns is not None and len(talk.turns) > script.max_turns:
        yield f"it took {len(talk.turns)} turns, and {script.max_turns} are allowed"
    if script.latency_p95_ms is not None:
        slow = percentile(talk.latencies_ms, 0.95)
        if slow > script.latency_p95_ms:
            yield f"its answers' p95 is {slow:.0f} ms, and {script.latency_p95_ms:.0f} are allowed"
    for phrase in script.never_says:
        if any(_says(turn.text, phrase) for turn in talk.turns if turn.speaker is Speaker.AGENT):
            yield f"it said {phrase!r}, which it must not"


def _says(text: str, phrase: str) -> bool:
    """Whether the phrase's words stand in the text one after the other, whatever lies between letters and case."""
    said, wanted = words_of(text), words_of(phrase)
    return any(said[start : start + len(wanted)] == wanted for start in range(len(said) - len(wanted) + 1))


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))] if ordered else 0.0
