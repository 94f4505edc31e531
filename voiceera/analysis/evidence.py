"""Quotes that a model gives for what it says of a call: only what somebody really said is kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from voiceera.rules.transcripts import Segment
from voiceera.rules.words import contains, words_of

UNPROVEN = 0.5
"""How much a confidence counts for whose quotes nobody said."""


class Said:
    """The turns of a call, to look quotes up in."""

    def __init__(self, turns: Sequence[Segment]) -> None:
        self._turns = turns
        self._words = [words_of(turn.text) for turn in turns]

    def turn_of(self, quote: str | None, number: int | None) -> Segment | None:
        """Who said it, and when: the turn named, or another one that has these words. None: nobody said it."""
        words = words_of(quote or "")
        if not words:
            return None
        places = [
            *([number] if number is not None and 0 <= number < len(self._turns) else []),
            *range(len(self._turns)),
        ]
        return next((self._turns[place] for place in places if contains(self._words[place], words)), None)

    def quotes(self, evidence: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Those that were said, as the API shows them."""
        found = []
        for each in evidence:
            turn = self.turn_of(each["quote"], each["turn"])
            if turn is not None:
                told = {"speaker": turn.speaker, "at_ms": turn.start_ms, "quote": each["quote"], "cues": []}
                found.append(told)
        return found

    def proven(self, finding: Mapping[str, Any]) -> dict[str, Any]:
        """How sure a finding is, by its quotes, and those of them that were said."""
        evidence = self.quotes(finding["evidence"])
        return {"confidence": as_sure(finding["confidence"], finding["evidence"], evidence), "evidence": evidence}

    def start_of(self, number: int) -> int | None:
        """Milliseconds from the start, of a turn that there is."""
        return self._turns[number].start_ms if 0 <= number < len(self._turns) else None


def as_sure(confidence: float, claimed: Sequence[Any], proven: Sequence[Any]) -> float:
    """Half as sure where evidence was named and none of it was said."""
    return round(confidence * (UNPROVEN if claimed and not proven else 1), 2)
