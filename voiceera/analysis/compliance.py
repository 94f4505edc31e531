"""What should have been said and done in a call, and whether it was."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from voiceera.rules.calls import Speaker
from voiceera.rules.opt_out import is_opt_out
from voiceera.rules.transcripts import Segment


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Check:
    """`quote` is the evidence, where there is any."""

    name: str
    verdict: Verdict
    confidence: float
    quote: str | None = None
    at_ms: int | None = None


_ANNOUNCED = re.compile(
    r"\b(?:call|conversation|line)\b[^.?!]*\b(?:is|are|may be|will be|being|gets?)\b[^.?!]*\brecord"
    r"|\brecord(?:ed|ing) (?:this|the|our|your) (?:call|conversation)|\brecorded (?:line|for)\b"
    r"|रिकॉर्ड|रिकार्ड",
    re.IGNORECASE,
)


def checks(turns: Sequence[Segment], *, opted_out: bool) -> list[Check]:
    """`opted_out`: the platform took the number off its lists in this call."""
    agent = [turn for turn in turns if turn.speaker is Speaker.AGENT and turn.text.strip()]
    caller = [turn for turn in turns if turn.speaker is Speaker.CALLER]
    return [_greeted(agent, bool(turns)), _announced(agent, bool(turns)), _honoured(caller, opted_out)]


def _greeted(agent: Sequence[Segment], was_held: bool) -> Check:
    if agent:
        return _found("greeting_said", agent[0], 0.9)
    return Check("greeting_said", Verdict.FAILED if was_held else Verdict.NOT_APPLICABLE, 0.9)


def _announced(agent: Sequence[Segment], was_held: bool) -> Check:
    name = "recording_announced"
    telling = next((turn for turn in agent if _ANNOUNCED.search(turn.text)), None)
    if telling is not None:
        return _found(name, telling, 0.8)
    return Check(name, Verdict.FAILED if was_held else Verdict.NOT_APPLICABLE, 0.7)


def _honoured(caller: Sequence[Segment], opted_out: bool) -> Check:
    name = "opt_out_honoured"
    asking = next((turn for turn in caller if is_opt_out(turn.text)), None)
    if asking is None:
        return Check(name, Verdict.NOT_APPLICABLE, 0.8)
    verdict = Verdict.PASSED if opted_out else Verdict.FAILED
    return Check(name, verdict, 0.8, asking.text, asking.start_ms)


def _found(name: str, turn: Segment, confidence: float) -> Check:
    return Check(name, Verdict.PASSED, confidence, turn.text, turn.start_ms)
